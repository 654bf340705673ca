package dialect

import (
	"fmt"
	"image"
	"math"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// iiif is what URLs of the IIIF Image API 3.0 say about sizes.
type iiif struct {
	Region  string     // full, square, px or pct
	Part    [4]float64 // of px and pct
	Size    string     // max, w, h, pct, wh or !wh
	Up      bool       // it may be larger than the region
	W, H    int
	Percent float64
	Mirror  bool // before turning
	Degrees float64
	Quality string // default, color, gray or bitonal
	Ext     string // the format as it was written
}

var (
	iiifRegion   = regexp.MustCompile(`^(?:(full)|(square)|(pct:)?(\d*\.?\d+|\d+\.),(\d*\.?\d+|\d+\.),(\d*\.?\d+|\d+\.),(\d*\.?\d+|\d+\.))$`)
	iiifSize     = regexp.MustCompile(`^(\^)?(?:(max)|pct:(\d*\.?\d+|\d+\.)|(!)?(\d+)?,(\d+)?)$`)
	iiifRotation = regexp.MustCompile(`^(!)?(\d*\.?\d+|\d+\.)$`)
)

// iiifFormats are the extensions of the formats that are written.
var iiifFormats = map[string]resize.Format{"jpg": resize.JPEG, "png": resize.PNG, "webp": resize.WebP, "gif": resize.GIF, "tif": resize.TIFF, "avif": resize.AVIF}

// parseIIIF reads /ID/REGION/SIZE/ROTATION/QUALITY.FORMAT, /ID/info.json and
// /ID.
func parseIIIF(d *Dialect, c *Call, r *Request) *Fault {
	parts := strings.Split(strings.TrimPrefix(c.Path, "/"), "/")
	id, err := unescape(parts[0])
	if err != nil || id == "" {
		return &Fault{Cause: BadURL, Text: "the identifier cannot be read"}
	}
	// A URL may be an identifier; names have no empty parts.
	r.Source = Source{Text: id, Name: strings.Replace(id, "://", ":/", 1)}
	for _, m := range d.config.SourceMap {
		if rest, ok := strings.CutPrefix(id, m.From); ok {
			r.Source.Name = m.To + rest
			break
		}
	}
	i := iiif{}
	switch {
	case len(parts) == 1, len(parts) == 2 && parts[1] == "":
		r.Kind = Base
	case len(parts) == 2 && parts[1] == "info.json":
		r.Kind = Info
		r.Delivery.Vary = true
	case len(parts) == 5:
		if f := i.read(d, r, parts[1:]); f != nil {
			return f
		}
	case len(parts) > 5:
		return &Fault{Cause: NoSource, Text: "the URL has more than five parts: slashes of identifiers are written %2F"}
	default:
		return &Fault{Cause: BadURL, Text: "the URL has not the five parts identifier, region, size, rotation and quality"}
	}
	r.shape = i
	return nil
}

func (i *iiif) read(d *Dialect, r *Request, parts []string) *Fault {
	for n := range parts {
		text, err := unescape(parts[n])
		if err != nil {
			return &Fault{Cause: BadURL}
		}
		parts[n] = text
	}
	m := iiifRegion.FindStringSubmatch(parts[0])
	if m == nil {
		return &Fault{Cause: BadURL, Text: "the region cannot be read"}
	}
	i.Region = m[1] + m[2]
	if i.Region == "" {
		i.Region = word(m[3] != "", "pct", "px")
		for n, text := range m[4:] {
			if i.Region == "px" && !wholeNumber.MatchString(text) || !number(&i.Part[n], text, 0, 1e9) {
				return &Fault{Cause: BadURL, Text: "the region cannot be read"}
			}
		}
		if i.Part[2] == 0 || i.Part[3] == 0 {
			return &Fault{Cause: BadURL, Text: "the region is empty"}
		}
	}
	if f := i.readSize(parts[1]); f != nil {
		return f
	}
	m = iiifRotation.FindStringSubmatch(parts[2])
	if m == nil || !number(&i.Degrees, m[2], 0, 360) {
		return &Fault{Cause: BadURL, Text: "the rotation cannot be read"}
	}
	i.Mirror, i.Degrees = m[1] != "", math.Round(math.Mod(i.Degrees, 360)*100)/100
	quality, extension, _ := strings.Cut(parts[3], ".")
	to, ok := iiifFormats[extension]
	switch {
	case quality == "gray":
		r.params.set("gray", true)
	case quality == "bitonal":
		r.params.set("bitonal", true)
	case quality != "default" && quality != "color":
		return &Fault{Cause: BadURL, Text: "the quality is none of default, color, gray and bitonal"}
	}
	if !ok || to == resize.AVIF && !d.limits.writes(to) {
		return &Fault{Cause: Unwritable, Text: "the format is not written"}
	}
	i.Quality, i.Ext, r.format.format = quality, extension, to
	return nil
}

func (i *iiif) readSize(text string) *Fault {
	fault := &Fault{Cause: BadURL, Text: "the size cannot be read"}
	m := iiifSize.FindStringSubmatch(text)
	if m == nil {
		return fault
	}
	i.Up = m[1] != ""
	switch confined := m[4] != ""; {
	case m[2] != "":
		i.Size = "max"
		return nil
	case m[3] != "":
		i.Size = "pct"
		if !number(&i.Percent, m[3], 0, 1e6) || i.Percent == 0 || i.Percent > 100 && !i.Up {
			return fault
		}
		return nil
	case m[5] == "" && m[6] == "", confined && (m[5] == "" || m[6] == ""):
		return fault
	case confined:
		i.Size = "!wh"
	default:
		i.Size = word(m[5] != "", "w", "") + word(m[6] != "", "h", "")
	}
	if !length(&i.W, m[5]) || !length(&i.H, m[6]) || m[5] != "" && i.W == 0 || m[6] != "" && i.H == 0 {
		return fault
	}
	return nil
}

// most returns the largest size of a region, with its ratio, that the limits
// allow: maxWidth, which is the height too, and maxArea of info.json.
func (l *Limits) most(region image.Point, grow bool) image.Point {
	f := math.Inf(1)
	if side := l.side(); side > 0 {
		f = float64(side) / float64(max(region.X, region.Y))
	}
	if l.Pixels > 0 {
		f = min(f, math.Sqrt(float64(l.Pixels)/float64(region.X)/float64(region.Y)))
	}
	if !grow || math.IsInf(f, 1) {
		f = min(f, 1)
	}
	size := image.Pt(rounding(halfUp).one(float64(region.X)*f), rounding(halfUp).one(float64(region.Y)*f))
	for !l.allows(size) && size.X > 1 && size.Y > 1 {
		size = image.Pt(size.X-1, max(1, size.Y-1)) // what rounding has added
	}
	return size
}

// side returns the longest side of what may be asked for; 0: any.
func (l *Limits) side() int {
	switch {
	case l.Dimension == 0:
		return l.Side
	case l.Side == 0:
		return l.Dimension
	}
	return min(l.Dimension, l.Side)
}

func (l *Limits) allows(size image.Point) bool {
	side := l.side()
	return (side == 0 || size.X <= side && size.Y <= side) && (l.Pixels == 0 || int64(size.X)*int64(size.Y) <= l.Pixels)
}

func (i *iiif) region(src image.Point) (image.Rectangle, bool) {
	whole := image.Rectangle{Max: src}
	switch i.Region {
	case "full":
		return whole, true
	case "square":
		n := min(src.X, src.Y)
		at := image.Pt((src.X-n)/2, (src.Y-n)/2)
		return image.Rectangle{Min: at, Max: at.Add(image.Pt(n, n))}, true
	}
	p := i.Part
	if i.Region == "pct" {
		for n := range p {
			side := float64(src.X)
			if n%2 == 1 {
				side = float64(src.Y)
			}
			p[n] = math.Floor(p[n]*side/100 + 0.5)
		}
	}
	if p[0] >= float64(src.X) || p[1] >= float64(src.Y) || p[2] < 1 || p[3] < 1 {
		return whole, false
	}
	part := func(at, size float64, side int) int { return int(math.Min(at+size, float64(side))) }
	return image.Rect(int(p[0]), int(p[1]), part(p[0], p[2], src.X), part(p[1], p[3], src.Y)), true
}

// size returns the size of a region.
func (i *iiif) size(region image.Point, limits *Limits) (image.Point, *Fault) {
	near := func(from, side, other int) int { return halfUp(float64(other) * float64(from) / float64(side)) }
	var size image.Point
	switch i.Size {
	case "max":
		return limits.most(region, i.Up), nil
	case "pct":
		size = image.Pt(halfUp(float64(region.X)*i.Percent/100), halfUp(float64(region.Y)*i.Percent/100))
	case "w":
		size = image.Pt(i.W, near(i.W, region.X, region.Y))
	case "h":
		size = image.Pt(near(i.H, region.Y, region.X), i.H)
	case "wh":
		size = image.Pt(i.W, i.H)
	case "!wh":
		box := least(image.Pt(i.W, i.H), image.Pt(longest, longest))
		if size = within(region, box, halfUp); !i.Up && !smaller(size, region) {
			size = region
		}
		if !limits.allows(size) {
			size = limits.most(region, true)
		}
		return size, nil
	}
	switch {
	case size.X < 1 || size.Y < 1:
		return size, &Fault{Cause: BadOption, Text: "the size is less than one pixel"}
	case !i.Up && !smaller(size, region):
		return size, &Fault{Cause: BadOption, Text: "the size is larger than the region, and has no ^"}
	case !limits.allows(size):
		return size, &Fault{Cause: BadOption, Text: "the size is larger than maxWidth or maxArea of info.json"}
	}
	return size, nil
}

func (i iiif) settle(p Picture, limits *Limits) (layout, *Fault) {
	l := whole(p.size())
	r, ok := i.region(p.size())
	if !ok || !l.crop(r) {
		return l, &Fault{Cause: BadOption, Text: "the region lies outside of the picture"}
	}
	size, f := i.size(r.Size(), limits)
	if f != nil {
		return l, f
	}
	l.scale(size)
	l.mirror(flip{h: i.Mirror})
	turns, rest := quarters(i.Degrees)
	l.rotate(turns)
	if rest != 0 && !even(r.Size(), size) {
		return l, &Fault{Cause: NotOffered, Text: "pictures that are distorted are turned by 90, 180 and 270 degrees only"}
	}
	l.angle = rest
	return l, nil
}

// quarters splits degrees into quarter turns and the rest, -45 to 45.
func quarters(degrees float64) (turns int, rest float64) {
	turns = int(math.Floor(degrees/90 + 0.5))
	return ((turns % 4) + 4) % 4, math.Round((degrees-float64(turns*90))*100) / 100
}

// canonical returns what stands behind the identifier in the canonical URL
// (IIIF Image API 3.0, section 4.7).
func (i *iiif) canonical(p Picture, l *layout, limits *Limits) string {
	region := "full"
	if l.part != (image.Rectangle{Max: p.size()}) {
		region = fmt.Sprintf("%d,%d,%d,%d", l.part.Min.X, l.part.Min.Y, l.part.Dx(), l.part.Dy())
	}
	size := turned(l.full, l.turn)
	text := fmt.Sprintf("%d,%d", size.X, size.Y)
	larger := !smaller(size, l.part.Size())
	switch {
	case size == limits.most(l.part.Size(), false):
		text = "max"
	case larger && size == limits.most(l.part.Size(), true):
		text = "^max"
	case larger:
		text = "^" + text
	}
	quality := i.Quality
	if quality == "color" {
		quality = "default"
	}
	return region + "/" + text + "/" + word(i.Mirror, "!", "") + strconv.FormatFloat(i.Degrees, 'f', -1, 64) + "/" + quality + "." + i.Ext
}

const (
	iiifContext  = "http://iiif.io/api/image/3/context.json"
	iiifProtocol = "http://iiif.io/api/image"
	iiifTile     = 512
	iiifSmallest = 100 // of sizes, on the longer side
)

// Links returns the header Link of a picture: id is the URL of its identifier,
// canonical is [Settled.Canonical].
func (d *Dialect) Links(id, canonical string) []string {
	links := []string{`<http://iiif.io/api/image/3/level2.json>;rel="profile"`}
	if canonical != "" {
		links = append(links, "<"+id+"/"+canonical+`>;rel="canonical"`)
	}
	return links
}

// Info returns the JSON about a picture: id is the URL of its identifier as it
// was asked for, without a slash at the end.
func (d *Dialect) Info(id string, p Picture, accept []string) Answer {
	type size struct {
		Width  int `json:"width"`
		Height int `json:"height"`
	}
	type tile struct {
		Width        int   `json:"width"`
		ScaleFactors []int `json:"scaleFactors"`
	}
	doc := struct {
		Context          string   `json:"@context"`
		ID               string   `json:"id"`
		Type             string   `json:"type"`
		Protocol         string   `json:"protocol"`
		Profile          string   `json:"profile"`
		Width            int      `json:"width"`
		Height           int      `json:"height"`
		MaxWidth         int      `json:"maxWidth,omitempty"`
		MaxArea          int64    `json:"maxArea,omitempty"`
		Sizes            []size   `json:"sizes"`
		Tiles            []tile   `json:"tiles"`
		Rights           string   `json:"rights,omitempty"`
		PreferredFormats []string `json:"preferredFormats,omitempty"`
		ExtraFormats     []string `json:"extraFormats,omitempty"`
		ExtraQualities   []string `json:"extraQualities"`
		ExtraFeatures    []string `json:"extraFeatures"`
	}{
		Context: iiifContext, ID: id, Type: "ImageService3", Protocol: iiifProtocol, Profile: "level2",
		Width: p.Width, Height: p.Height, MaxWidth: d.limits.side(), MaxArea: d.limits.Pixels, Rights: d.config.Rights,
		ExtraQualities: []string{"color", "gray", "bitonal"},
		ExtraFeatures:  []string{"canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary", "sizeUpscaling"},
	}
	t := tile{Width: iiifTile}
	for f := 1; ; f *= 2 {
		t.ScaleFactors = append(t.ScaleFactors, f)
		s := image.Pt(rounding(halfUp).one(float64(p.Width)/float64(f)), rounding(halfUp).one(float64(p.Height)/float64(f)))
		if d.limits.allows(s) {
			doc.Sizes = append([]size{{s.X, s.Y}}, doc.Sizes...)
		}
		if max(s.X, s.Y) <= iiifTile && max(s.X, s.Y) < 2*iiifSmallest {
			break
		}
	}
	for len(t.ScaleFactors) > 1 && iiifTile*t.ScaleFactors[len(t.ScaleFactors)-2] >= max(p.Width, p.Height) {
		t.ScaleFactors = t.ScaleFactors[:len(t.ScaleFactors)-1]
	}
	doc.Tiles = []tile{t}
	for _, f := range []struct {
		ext       string
		preferred bool
	}{{"webp", true}, {"gif", false}, {"tif", false}, {"avif", false}} {
		if !d.limits.writes(iiifFormats[f.ext]) {
			continue
		}
		doc.ExtraFormats = append(doc.ExtraFormats, f.ext)
		if f.preferred {
			doc.PreferredFormats = []string{f.ext, "jpg"}
		}
	}
	a := jsonBody(doc)
	a.Status = http.StatusOK
	a.Header.Set("Content-Type", `application/ld+json;profile="`+iiifContext+`"`)
	if wantsJSON(accept) {
		a.Header.Set("Content-Type", "application/json")
	}
	return a
}

// wantsJSON reports whether a client names application/json and not
// application/ld+json.
func wantsJSON(accept []string) bool {
	plain, linked := false, false
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			t, _, err := mime.ParseMediaType(part)
			plain = plain || err == nil && t == "application/json"
			linked = linked || err == nil && t == "application/ld+json"
		}
	}
	return plain && !linked
}
