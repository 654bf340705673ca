package resize

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"slices"
	"strings"
	"time"

	"github.com/bbrks/go-blurhash"
	"github.com/galdor/go-thumbhash"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
	"s3imageserver/resize/palette"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// Details are what is known of a source. Fields that were not asked for have
// their zero value, and are left out of JSON.
type Details struct {
	Format      string `json:"format,omitempty"`
	MediaType   string `json:"media_type,omitempty"`
	Bytes       int64  `json:"bytes,omitempty"`
	Width       int    `json:"width,omitempty"` // upright
	Height      int    `json:"height,omitempty"`
	Orientation int    `json:"orientation,omitempty"` // EXIF's, 1 to 8

	Frames   int   `json:"frames,omitempty"`   // or pages
	Loops    *int  `json:"loops,omitempty"`    // of an animation; 0: for ever
	Duration int64 `json:"duration,omitempty"` // of an animation, in milliseconds
	Alpha    *bool `json:"alpha,omitempty"`    // a pixel is transparent

	Profile string            `json:"profile,omitempty"` // its name
	EXIF    map[string]string `json:"exif,omitempty"`
	GPS     *Place            `json:"gps,omitempty"`

	Average     string   `json:"average,omitempty"`  // rrggbb, as if on white
	Dominant    string   `json:"dominant,omitempty"` // rrggbb
	Palette     []string `json:"palette,omitempty"`  // rrggbb, the most frequent one first
	BlurHash    string   `json:"blurhash,omitempty"`
	ThumbHash   string   `json:"thumbhash,omitempty"`   // base64
	Placeholder string   `json:"placeholder,omitempty"` // a data URI
	Hash        string   `json:"hash,omitempty"`        // perceptual, 64 bits
}

// A Place is where a picture was taken, in degrees.
type Place = exif.Place

// How much of a source a field of Details needs.
const (
	needsHead = iota
	needsFile
	needsPixels
)

// detailFields are the names that fields are asked for by, and what they need.
// "size" stands for width and height.
var detailFields = map[string]int{
	"format": needsHead, "size": needsHead, "orientation": needsHead,
	"profile": needsFile, "exif": needsFile, "gps": needsFile,
	"frames": needsPixels, "alpha": needsPixels, "colors": needsPixels, "blurhash": needsPixels,
	"thumbhash": needsPixels, "placeholder": needsPixels, "hash": needsPixels,
}

// DetailFields returns the names of the fields, sorted.
func DetailFields() []string {
	var names []string
	for name := range detailFields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ParseDetails returns the fields that a list separated by commas names, sorted
// and each one once: all but gps for "1" and "true", nil if it names none.
func ParseDetails(list string) []string {
	if list == "1" || strings.EqualFold(list, "true") {
		return slices.DeleteFunc(DetailFields(), func(name string) bool { return name == "gps" })
	}
	var names []string
	for name := range strings.SplitSeq(strings.ToLower(list), ",") {
		if _, ok := detailFields[name]; ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// KnownDetails reports whether ParseDetails can read the whole of a list, and not
// only some of its names.
func KnownDetails(list string) bool {
	if list == "1" || strings.EqualFold(list, "true") {
		return true
	}
	for name := range strings.SplitSeq(strings.ToLower(list), ",") {
		if _, ok := detailFields[name]; !ok {
			return false
		}
	}
	return true
}

func (d *Details) ofHeader(f options.Format, stored image.Point, o exif.Orientation) {
	d.Format, d.MediaType = f.String(), f.MediaType()
	size := o.Size(stored)
	d.Width, d.Height = size.X, size.Y
	d.Orientation = int(max(1, o))
}

func (d *Details) ofFile(file []byte, p *Picture, f options.Format, fields []string) {
	if slices.Contains(fields, "profile") && p.ICC != nil {
		d.Profile = icc.Description(p.ICC)
		if d.Profile == "" {
			d.Profile = "unnamed"
		}
	}
	x := exif.Parse(metadataOf(f, file).EXIF)
	if slices.Contains(fields, "exif") {
		d.EXIF = x.Readable()
	}
	if slices.Contains(fields, "gps") {
		d.GPS = x.Place()
	}
}

// ofPixels looks at a small picture, and at all frames for how long they are
// shown.
func (d *Details) ofPixels(ctx context.Context, j *job, p *Picture, fields []string) error {
	d.Frames = max(p.Count, p.Pages)
	if p.Count > 1 && slices.Contains(fields, "frames") {
		loops := p.Loops
		d.Loops = &loops
	}
	frames := p.Count
	small, err := j.transform(ctx, p)
	if err != nil {
		return err
	}
	var m *image.NRGBA
	n := 0
	for frame, err := range small.Frames {
		if err != nil {
			return err
		}
		if n++; n == 1 {
			m = pixel.Copy(frame.Image)
		}
		d.Duration += int64(frame.Delay / time.Millisecond)
		if !slices.Contains(fields, "frames") || frames == 1 {
			break
		}
	}
	if m == nil {
		return ErrMalformed
	}
	asked := func(name string) bool { return slices.Contains(fields, name) }
	if !asked("frames") {
		d.Frames = 0
	}
	if asked("alpha") {
		alpha := !m.Opaque()
		d.Alpha = &alpha
	}
	if asked("colors") {
		d.colors(m)
	}
	if asked("blurhash") {
		x, y := 4, 3
		if m.Rect.Dy() > m.Rect.Dx() {
			x, y = 3, 4
		}
		if d.BlurHash, err = blurhash.Encode(x, y, repeated(pixel.Copy(pixel.OnWhite(m)), blurSide)); err != nil {
			return err
		}
	}
	if asked("thumbhash") {
		d.ThumbHash = base64.StdEncoding.EncodeToString(thumbhash.EncodeImage(asMultiplied(m)))
	}
	if asked("placeholder") {
		if d.Placeholder, err = placeholder(m); err != nil {
			return err
		}
	}
	if asked("hash") {
		d.Hash = fmt.Sprintf("%016x", look.PerceptualHash(m))
	}
	return nil
}

// asMultiplied returns m as one whose colours are not multiplied by their alpha,
// though its type says so: package thumbhash takes them for that.
func asMultiplied(m *image.NRGBA) *image.RGBA {
	return &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
}

// blurSide is the least side of a picture that BlurHash is made of. It looks at
// the corners of pixels, not at their middles: where there are few of them, a
// plain colour would not be plain.
const blurSide = 32

// repeated returns m with each pixel so often that no side is below side. m
// begins at 0, 0.
func repeated(m *image.NRGBA, side int) *image.NRGBA {
	size := m.Rect.Size()
	fx, fy := max(1, (side+size.X-1)/size.X), max(1, (side+size.Y-1)/size.Y)
	if fx == 1 && fy == 1 {
		return m
	}
	out := image.NewNRGBA(image.Rect(0, 0, size.X*fx, size.Y*fy))
	for y := range size.Y * fy {
		for x := range size.X * fx {
			copy(out.Pix[out.PixOffset(x, y):], m.Pix[m.PixOffset(x/fx, y/fy):][:4])
		}
	}
	return out
}

// colors finds the average and up to six typical colours.
func (d *Details) colors(m *image.NRGBA) {
	flat := pixel.Copy(pixel.OnWhite(m))
	var sum [3]int
	for i := 0; i < len(flat.Pix); i += 4 {
		for j := range sum {
			sum[j] += int(flat.Pix[i+j])
		}
	}
	n := len(flat.Pix) / 4
	d.Average = fmt.Sprintf("%02x%02x%02x", (sum[0]+n/2)/n, (sum[1]+n/2)/n, (sum[2]+n/2)/n)
	const colors = 6
	few := palette.Flat(flat, colors)
	count := make([]int, len(few.Palette))
	for _, i := range few.Pix {
		count[i]++
	}
	order := make([]int, len(count))
	for i := range order {
		order[i] = i
	}
	mostFirst := func(a, b int) int { return count[b] - count[a] }
	slices.SortStableFunc(order, mostFirst)
	order = merged(few.Palette, order, count)
	slices.SortStableFunc(order, mostFirst)
	for _, i := range order {
		r, g, b, _ := few.Palette[i].RGBA()
		d.Palette = append(d.Palette, fmt.Sprintf("%02x%02x%02x", r>>8, g>>8, b>>8))
	}
	d.Dominant = d.Palette[0]
}

// merged returns the colours of order, without those that nobody would tell from
// an earlier one, as scaling makes them beside edges; that one gets their count.
func merged(colors color.Palette, order, count []int) []int {
	const most = 8 << 8 // in any channel
	alike := func(a, b color.Color) bool {
		r, g, bl, _ := a.RGBA()
		r2, g2, b2, _ := b.RGBA()
		return max(r, r2)-min(r, r2) <= most && max(g, g2)-min(g, g2) <= most && max(bl, b2)-min(bl, b2) <= most
	}
	var kept []int
	for _, i := range order {
		if k := slices.IndexFunc(kept, func(k int) bool { return alike(colors[k], colors[i]) }); k >= 0 {
			count[kept[k]] += count[i]
			continue
		}
		kept = append(kept, i)
	}
	return kept
}

// placeholder returns the picture in a few pixels, as a data URI.
func placeholder(m *image.NRGBA) (string, error) {
	const side = 16
	size := m.Rect.Size()
	longest := max(size.X, size.Y)
	to := image.Pt(max(1, size.X*side/longest), max(1, size.Y*side/longest))
	tiny := scale.Image(m, scale.Rect{W: float64(size.X), H: float64(size.Y)}, to, scale.Options{})
	var b bytes.Buffer
	if err := encodeWebP(&b, still(pixel.Normalize(tiny)), Quality{Quality: 30, WebPMethod: 4}); err != nil {
		return "", err
	}
	return "data:image/webp;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
