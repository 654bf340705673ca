package options

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func read(query string) Options {
	return Parse(ParseQuery(query).Get, DefaultMaxDimension)
}

func TestParseOptions(t *testing.T) {
	tests := []struct {
		query string
		want  Options
	}{
		{"", Options{}},
		{"w=300&h=200", Options{Width: 300, Height: 200}},
		{"w=300.7", Options{Width: 300}},
		{"w=1e3", Options{Width: 1000}},
		{"w=0.9", Options{}},
		{"w=-5", Options{}},
		{"w=NaN&h=Inf", Options{}},
		{"w=1e400", Options{}},
		{"w=-1e400", Options{}},
		{"w=0x10", Options{}},
		{"w=abc&h=", Options{}},
		{"w=99999", Options{Width: 3064}},
		{"h=1e300", Options{Height: 3064}},
		{"w=100&w=200", Options{Width: 100}},
		{"c=", Options{}},
		{"c=true", Options{}},
		{"c=1", Options{}},
		{"c=T", Options{}},
		{"c=false", Options{Fit: Contain}},
		{"c=0", Options{Fit: Contain}},
		{"c=yes", Options{Fit: Contain}},
		{"c=TrUe", Options{Fit: Contain}},
		{"fit=contain", Options{Fit: Contain}},
		{"fit=Cover&c=false", Options{}},
		{"c=true&fit=contain", Options{Fit: Contain}},
		{"c=false&fit=oval", Options{Fit: Contain}},
		{"fit=pad&g=NW&bg=fff", Options{Fit: Pad, Gravity: Gravity{kind: 8}, Background: Background{colorBackground, 0xffffffff}}},
		{"g=fp:0.25:2", Options{Gravity: Gravity{focalPoint, 2500, FocalOne}}},
		{"g=fp:0.5:0.5", Options{Gravity: Gravity{kind: givenCentre}}},
		{"g=fp:0.5", Options{}},
		{"g=fp:x:y&w=5", Options{Width: 5}},
		{"w=100&dpr=2", Options{Width: 200}},
		{"w=100&dpr=99&zoom=0.5", Options{Width: 400}},
		{"w=2000&h=1000&dpr=2", Options{Width: 3064, Height: 1532}},
		{"dpr=2&padding=1,2,3,4&minw=5", Options{Padding: Sides{2, 4, 6, 8}, MinWidth: 10}},
		{"padding=1,2", Options{}},
		{"padding=99999", Options{Padding: Sides{3064, 3064, 3064, 3064}}},
		{"zoom=0.5", Options{Zoom: 50}},
		{"zoom=1", Options{}},
		{"zoom=0", Options{}},
		{"q=0&maxbytes=0.0&page=-0&autoq=0&w=9", Options{Width: 9}},
		{"q=-1&maxbytes=0.5&page=1", Options{Quality: 1, MaxBytes: 1, Page: 1}},
		{"w=160&ar=16:9", Options{Width: 160, Height: 90, Ratio: Ratio{16, 9}}},
		{"h=100&ar=1.5", Options{Width: 150, Height: 100, Ratio: Ratio{3, 2}}},
		{"w=200&h=100&ar=1:1", Options{Width: 200, Height: 100, Ratio: Ratio{2, 1}}},
		{"w=3000&ar=1:10", Options{Width: 306, Height: 3064, Ratio: Ratio{153, 1532}}},
		{"ar=3:2", Options{Ratio: Ratio{3, 2}}},
		{"ar=0:2", Options{}},
		{"ar=wide", Options{}},
		{"crop=10,20,30,40", Options{Crop: Crop{Length{10, false}, Length{20, false}, Length{30, false}, Length{40, false}}}},
		{"crop=12.5%,0,50%25,100%", Options{Crop: Crop{Length{1250, true}, Length{0, false}, Length{5000, true}, Length{10000, true}}}},
		{"crop=0,0,100%,100%", Options{Crop: wholeSource}},
		{"crop=1,2,0,4", Options{}},
		{"crop=-1,2,3,4", Options{}},
		{"rot=-90", Options{Angle: 27000}},
		{"rot=360", Options{}},
		{"rot=999", Options{Angle: 27900}},
		{"rot=12.345", Options{Angle: 1235}},
		{"flip=VH", Options{}},
		{"flip=hv", Options{Flip: FlipX | FlipY}},
		{"bri=-200&con=0&gam=1&sat=-0.004", Options{Effects: Effects{Brightness: -10000}}},
		{"blur=0.1", Options{Effects: Effects{Blur: 30}}},
		{"blur=200&dpr=8", Options{Effects: Effects{Blur: maxBlur * 100}}},
		{"duotone=000,fff", Options{Effects: Effects{Duotone: Duotone{0xff, 0xffffffff}}}},
		{"duotone=000&tint=xyz&pixelate=1", Options{Effects: Effects{Pixelate: 2}}},
		{"radius=max&border=2,f00", Options{Radius: MaxRadius, Border: Border{2, 0xff0000ff}}},
		{"radius=5&dpr=2&border=2,f00&pixelate=4", Options{Radius: 10, Border: Border{4, 0xff0000ff}, Effects: Effects{Pixelate: 8}}},
		{"border=2&radius=-1", Options{}},
		{"wmg=n&txtcolor=fff&txtsize=20", Options{}},
		{"wm=logo&wmg=smart&wmo=100&wms=300", Options{Watermark: Watermark{Name: "logo", Scale: 10000}}},
		{"txt=a&txtsize=1000&dpr=2", Options{Text: Text{Text: "a", Size: 1000}}},
		{"trim=300&orient=9", Options{Trim: 255, Orient: 8}},
		{"trim=exact", Options{Trim: ExactTrim}},
		{"trim=exact,se", Options{Trim: -ExactTrim}},
		{"trim=20,se", Options{Trim: -20}},
		{"trim=0,se", Options{}},
		{"trim=20,ne", Options{}},
		{"bitonal=true", Options{Effects: Effects{Bitonal: true}}},
		{"f=jpg", Options{Format: JPEG}},
		{"f=JPEG", Options{Format: JPEG}},
		{"f=png", Options{Format: PNG}},
		{"f=WebP", Options{Format: WebP}},
		{"f=gif", Options{Format: GIF}},
		{"f=auto", Options{Format: Auto}},
		{"f=heic", Options{}},
		{"f=exe", Options{}},
		{"utm_source=x&v=3&ts=1", Options{}},
	}
	for _, tt := range tests {
		if got := read(tt.query); got != tt.want {
			t.Errorf("Parse(%q) = %+v; want %+v", tt.query, got, tt.want)
		}
	}
}

// samples are values other than zero for the types of fields that not every
// number may be put into.
var samples = map[reflect.Type][]any{
	reflect.TypeFor[Format]():     {JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, Auto, AutoAVIF, AutoWebP, AutoJPEG},
	reflect.TypeFor[Fit]():        {Contain, ScaleDown, Pad, Stretch, AutoFit},
	reflect.TypeFor[Gravity]():    {Gravity{kind: 1}, Gravity{kind: gravitySmart}, Gravity{focalPoint, 100, 9999}, Gravity{focalPoint, 100, 0}},
	reflect.TypeFor[Ratio]():      {Ratio{16, 9}, Ratio{1, 1}, Ratio{100, 1}},
	reflect.TypeFor[Crop]():       {Crop{W: Length{1, false}, H: Length{1, false}}, Crop{Length{7, true}, Length{1, false}, Length{1250, true}, Length{9, false}}},
	reflect.TypeFor[Flip]():       {FlipX, FlipY, FlipX | FlipY},
	reflect.TypeFor[Hundredths](): {Hundredths(950), Hundredths(133)},
	reflect.TypeFor[Background](): {Background{colorBackground, 0xff}, Background{colorBackground, 0x12345678}, Background{kind: autoBackground}, Background{kind: blurBackground}},
	reflect.TypeFor[Color]():      {Color(0xff), Color(0x12345678)},
	reflect.TypeFor[Duotone]():    {Duotone{0xff, 0xff}, Duotone{0x123456ff, 0xff}},
	reflect.TypeFor[Border]():     {Border{1, 0xff}, Border{3064, 0x12345678}},
	reflect.TypeFor[Sides]():      {Sides{1, 2, 3, 4}, Sides{5, 5, 5, 5}, Sides{0, 0, 1, 0}},
	reflect.TypeFor[Similarity](): {Similarity(5000), Similarity(9876)},
}

// leaves yields every field of a struct that is compared as one value, with
// values that it may have.
func leaves(t *testing.T, v reflect.Value, path string, visit func(field reflect.Value, path string, values []any)) {
	t.Helper()
	for i := range v.NumField() {
		field, name := v.Field(i), path+v.Type().Field(i).Name
		if values, ok := samples[field.Type()]; ok {
			visit(field, name, values)
			continue
		}
		switch field.Kind() {
		case reflect.Struct:
			leaves(t, field, name+".", visit)
		case reflect.Bool:
			visit(field, name, []any{true})
		case reflect.String:
			visit(field, name, []any{"x", "a b&c=d+e%é"})
		case reflect.Uint8:
			visit(field, name, []any{1})
		case reflect.Int, reflect.Int32:
			visit(field, name, []any{7})
		default:
			t.Fatalf("%s: this test does not know how to set a %v", name, field.Type())
		}
	}
}

// An option that is missing from String would let two different results share
// one cache entry.
func TestEveryFieldIsInTheString(t *testing.T) {
	// What belongs to a watermark and a text counts only where there is one.
	base := Options{Watermark: Watermark{Name: "logo"}, Text: Text{Text: "text"}}
	o := base
	leaves(t, reflect.ValueOf(&o).Elem(), "", func(field reflect.Value, name string, values []any) {
		seen := map[string]bool{base.String(): true}
		for _, v := range values {
			if v == (Gravity{kind: gravitySmart}) && name != "Gravity" {
				continue // an overlay does not look where it lies
			}
			o = base
			field.Set(reflect.ValueOf(v).Convert(field.Type()))
			if seen[o.String()] {
				t.Errorf("%s: setting it to %v does not change String() = %q", name, v, o.String())
			}
			seen[o.String()] = true
			if again := read(o.String()); again != o {
				t.Errorf("%s: %q parses back to %+v; want %+v", name, o.String(), again, o)
			}
		}
	})
}

// Every parameter says what became of it.
func TestExplainOptions(t *testing.T) {
	tests := []struct {
		query string
		want  string // name:verdict
	}{
		{"w=300&h=200&c=1&f=webp", "w:used h:used c:used f:used"},
		{"w=300.7", "w:used"},
		{"w=0", "w:used"},
		{"w=99999&h=-1", "w:clamped h:unreadable"},
		{"w=&h=NaN", "h:unreadable"},
		{"f=exe&fit=oval", "fit:unreadable f:unreadable"},
		{"fit=CONTAIN", "fit:used"},
		{"dpr=99&zoom=99&ar=1000:1&g=fp:2:0&crop=0,0,200%,9&rot=999&blur=999&trim=999&wms=999&pixelate=1&txtsize=1&padding=99999&radius=99999&border=99999,fff&orient=9",
			"ar:clamped dpr:clamped zoom:clamped orient:clamped crop:clamped trim:clamped g:clamped rot:used pixelate:clamped blur:clamped padding:clamped radius:clamped border:clamped wms:clamped txtsize:clamped"},
		{"utm_source=x", ""},
	}
	for _, tt := range tests {
		values := ParseQuery(tt.query)
		var got []string
		Explain(values.Get, DefaultMaxDimension, func(n Note) {
			if n.Value != values.Get(n.Name) {
				t.Errorf("%q: the note of %s has the value %q", tt.query, n.Name, n.Value)
			}
			got = append(got, n.Name+":"+n.Verdict.String())
			if (n.Verdict == Clamped) != strings.Contains(n.String(), "clamped to "+n.Used) || n.Verdict == Clamped && n.Used == "" {
				t.Errorf("%q: the note %+v does not say what it is clamped to", tt.query, n)
			}
		})
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("Explain(%q): %q; want %q", tt.query, s, tt.want)
		}
	}
}

// Every row of the table can be documented, and stands once.
func TestParams(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Params() {
		if p.Name == "" || p.Doc == "" || p.Values == "" || p.Group == "" || seen[p.Name] {
			t.Errorf("the row %+v is not complete, or stands twice", p)
		}
		seen[p.Name] = true
		if !KnownParam(p.Name) {
			t.Errorf("KnownParam(%q) is false", p.Name)
		}
		values := ParseQuery(p.Example)
		if p.Example != "" && !values.Has(p.Name) {
			t.Errorf("%s: the example %q does not show it", p.Name, p.Example)
		}
		Explain(values.Get, DefaultMaxDimension, func(n Note) {
			if n.Verdict != Used {
				t.Errorf("%s: the example %q has a value that is %v", p.Name, p.Example, n.Verdict)
			}
		})
		for name := range values {
			if !KnownParam(name) {
				t.Errorf("%s: the example %q has the unknown parameter %s", p.Name, p.Example, name)
			}
		}
	}
	if KnownParam("utm_source") {
		t.Error("utm_source is a known parameter")
	}
}

// Sites append these names by habit; an option of that name would change their
// pictures.
func TestNoOptionHasAHabitualName(t *testing.T) {
	for _, p := range params {
		if slices.Contains(strings.Fields("v r p e b i s _ ts cb fbclid"), p.name) || strings.HasPrefix(p.name, "utm_") {
			t.Errorf("parameter %q has a name that sites append to any URL", p.name)
		}
	}
}

func FuzzParseOptions(f *testing.F) {
	for _, query := range []string{
		"w=300&h=1e3&c=false&f=webp", "w=-0&h=NaN&c=yes&f=AUTO", "fit=contain&c=true&w=1e300",
		"w=100&dpr=2&zoom=3&ar=16:9&minw=5&minh=7&enlarge=1", "crop=10%,20,30.5%25,40&trim=9&rot=-17.25&flip=hv&orient=6",
		"bri=10&con=-10&gam=0.5&sat=3.25&hue=-1&gray=1&sepia=3&tint=abc&duotone=123,456789&invert=t&pixelate=3&blur=1.5&sharpen=9&dpr=3",
		"wm=a%20b&wmg=fp:1:0&wms=3&wmo=50&wmt=1&txt=Hello%0AWorld&txtfont=x&txtsize=9999&txtcolor=%23fff&txtg=nw&radius=max&border=3,red",
		"g=fp:0.3:0.7&fit=pad&bg=12345678&padding=1,2,3,4", "ar=0.01&h=3064&dpr=8", "w=1&ar=7:3&dpr=1.5",
	} {
		f.Add(query)
	}
	for _, p := range params {
		f.Add(p.example)
	}
	f.Fuzz(func(t *testing.T, query string) {
		o := read(query)
		if o.Width < 0 || o.Width > DefaultMaxDimension || o.Height < 0 || o.Height > DefaultMaxDimension {
			t.Errorf("%q: %+v is out of range", query, o)
		}
		if again := read(o.String()); again != o {
			t.Errorf("%q is %q, which parses back to %+v; want %+v", query, o.String(), again, o)
		}
	})
}
