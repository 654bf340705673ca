package paint

import (
	"cmp"
	"image"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/gofont/gosmallcaps"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"s3imageserver/resize/options"
)

// A Font is a TrueType or OpenType font. It is safe for concurrent use.
type Font struct{ outlines *opentype.Font }

// ParseFont reads a font file. The bytes belong to the font afterwards.
func ParseFont(file []byte) (*Font, error) {
	f, err := opentype.Parse(file)
	if err != nil {
		return nil, err
	}
	return &Font{f}, nil
}

// builtIn reads the fonts of the Go project, in the order of fontNames, each when
// it is asked for.
var builtIn = []func() (*Font, error){
	goFont(goregular.TTF), goFont(gobold.TTF), goFont(goitalic.TTF), goFont(gobolditalic.TTF),
	goFont(gomedium.TTF), goFont(gomono.TTF), goFont(gomonobold.TTF), goFont(gosmallcaps.TTF),
}

func goFont(file []byte) func() (*Font, error) {
	return sync.OnceValues(func() (*Font, error) { return ParseFont(file) })
}

// BuiltInFont returns the built-in font of that name, the regular one if there is
// none.
func BuiltInFont(name string) (*Font, error) {
	return builtIn[max(0, slices.Index(options.BuiltInFonts, name))]()
}

// Text writes the text on m, in place.
func Text(m *image.NRGBA, t options.Text, f *Font) error {
	on := m.Rect.Size()
	shorter := min(on.X, on.Y)
	size := cmp.Or(t.Size, max(options.MinTextSize, shorter/10))
	face, err := opentype.NewFace(f.outlines, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return err
	}
	defer face.Close()
	metrics := face.Metrics()
	margin := max(1, shorter/40)
	height := max(1, (metrics.Ascent + metrics.Descent).Ceil())
	lines := wrap(clean(t.Text), face, fixed.I(max(1, on.X-2*margin)), on.Y/height+1)
	widest := fixed.Int26_6(0)
	for _, l := range lines {
		widest = max(widest, font.MeasureString(face, l))
	}
	block := image.Pt(min(on.X, widest.Ceil()), min(on.Y, height*len(lines)))
	if block.X <= 0 || block.Y <= 0 {
		return nil
	}
	beyond := min(size/3+1, on.X) // a letter may reach beyond its advance
	mask := image.NewAlpha(image.Rect(-beyond, 0, block.X+beyond, block.Y))
	align, _ := t.Gravity.Point()
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face}
	for i, l := range lines {
		left := (fixed.I(block.X) - font.MeasureString(face, l)) * fixed.Int26_6(align) / options.FocalOne
		d.Dot = fixed.Point26_6{X: max(0, left), Y: fixed.I(i*height) + metrics.Ascent}
		d.DrawString(l)
	}
	stroke(m, mask, place(t.Gravity, block, on), cmp.Or(t.Color, 0xffffffff))
	return nil
}

// clean leaves letters and line ends.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(s, `\n`, "\n"))
}

// wrap cuts text into at most n lines that are no wider than width, if a letter
// is.
func wrap(text string, face font.Face, width fixed.Int26_6, n int) (lines []string) {
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			if line != "" && font.MeasureString(face, line+" "+word) <= width {
				line += " " + word
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			for font.MeasureString(face, word) > width {
				cut := fitting(word, face, width)
				lines = append(lines, word[:cut])
				word = word[cut:]
			}
			line = word
		}
		lines = append(lines, line)
		if len(lines) >= n {
			return lines[:n]
		}
	}
	return lines
}

// fitting returns how many bytes of a word fit, at least one letter.
func fitting(word string, face font.Face, width fixed.Int26_6) int {
	last := 0
	for i := range word {
		if last > 0 && font.MeasureString(face, word[:i]) > width {
			return last
		}
		if i > 0 {
			last = i
		}
	}
	if last == 0 {
		return len(word)
	}
	return last
}

// stroke blends a colour with m where mask is set.
func stroke(m *image.NRGBA, mask *image.Alpha, at image.Point, c options.Color) {
	line := c.NRGBA()
	r := mask.Rect.Add(at).Intersect(m.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		dst := m.Pix[m.PixOffset(r.Min.X, y):]
		for i, a := range mask.Pix[mask.PixOffset(r.Min.X-at.X, y-at.Y):][:r.Dx()] {
			if a := uint32(a) * uint32(line.A) / 255; a > 0 {
				over((*[4]byte)(dst[4*i:]), &[4]byte{line.R, line.G, line.B, byte(a)})
			}
		}
	}
}
