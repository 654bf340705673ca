package resize

import (
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func parse(query string) Options {
	values, _ := url.ParseQuery(query) // pairs that parse are kept
	return ParseOptions(values.Get, DefaultMaxDimension)
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
		{"f=jpg", Options{Format: JPEG}},
		{"f=JPEG", Options{Format: JPEG}},
		{"f=png", Options{Format: PNG}},
		{"f=WebP", Options{Format: WebP}},
		{"f=gif", Options{Format: GIF}},
		{"f=auto", Options{Format: Auto}},
		{"f=bmp", Options{}},
		{"f=exe", Options{}},
		{"utm_source=x&v=3&ts=1", Options{}},
	}
	for _, tt := range tests {
		if got := parse(tt.query); got != tt.want {
			t.Errorf("ParseOptions(%q) = %+v; want %+v", tt.query, got, tt.want)
		}
	}
}

// An option that is missing from String would let two different results share
// one cache entry.
func TestEveryFieldIsInTheString(t *testing.T) {
	base := Options{}
	for i := range reflect.TypeFor[Options]().NumField() {
		o := base
		field := reflect.ValueOf(&o).Elem().Field(i)
		name := reflect.TypeFor[Options]().Field(i).Name
		switch {
		case field.Type() == reflect.TypeFor[Format]():
			field.Set(reflect.ValueOf(PNG))
		case field.CanInt():
			field.SetInt(1)
		case field.CanUint():
			field.SetUint(1)
		default:
			t.Fatalf("%s: this test does not know how to set a %v", name, field.Type())
		}
		if o.String() == base.String() {
			t.Errorf("%s: setting it does not change String() = %q", name, o.String())
		}
		if again := parse(o.String()); again != o {
			t.Errorf("%s: %q parses back to %+v; want %+v", name, o.String(), again, o)
		}
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

func TestWritableNames(t *testing.T) {
	var want []string
	for _, c := range codecs {
		if c.encode != nil {
			want = append(want, c.names[0])
		}
	}
	if !slices.Equal(writableNames, want) {
		t.Errorf("writableNames = %v; the table of codecs says %v", writableNames, want)
	}
}

func FuzzParseOptions(f *testing.F) {
	f.Add("300", "1e3", "false", "webp")
	f.Add("-0", "NaN", "yes", "AUTO")
	f.Fuzz(func(t *testing.T, w, h, c, format string) {
		o := ParseOptions(func(name string) string {
			return map[string]string{"w": w, "h": h, "c": c, "f": format}[name]
		}, DefaultMaxDimension)
		if o.Width < 0 || o.Width > DefaultMaxDimension || o.Height < 0 || o.Height > math.MaxInt16 {
			t.Errorf("w=%q h=%q: %+v is out of range", w, h, o)
		}
		if again := parse(o.String()); again != o {
			t.Errorf("%q parses back to %+v; want %+v", o.String(), again, o)
		}
	})
}
