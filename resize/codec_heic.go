package resize

import (
	"fmt"
	"image"
	"sync"

	"github.com/gen2brain/heic"

	"s3imageserver/resize/scale"
)

// HEIC, read only, by libheif and libde265 in a sandbox as that of AVIF. It
// hands out no transparency: that is decoded as a picture of its own. Of a
// sequence without a still picture nothing is read.
var heicCodec = codec{
	format:    HEIC,
	names:     []string{"heic", "heif"},
	mediaType: "image/heic",
	is:        func(head []byte) bool { return heifKind(head) == HEIC },
	optIn:     true,
	config: func(head []byte) (Info, error) {
		h, err := parseHEIF(head)
		if err != nil {
			return Info{}, err
		}
		info := h.info()
		info.Alpha = h.mask.item != 0
		return info, nil
	},
	decode: decodeHEIC,
	memory: func(info Info, want Want) int64 {
		n := memorySandbox(info, want)
		if info.Alpha { // decoded after the colours, which stay meanwhile
			n += 8 * max(info.coded, area(info.Size))
		}
		return n
	},
	heavy: true,
	start: sync.OnceFunc(heic.Init),
}

func decodeHEIC(file []byte, want Want) (*Picture, error) {
	h, err := parseHEIF(file)
	if err != nil {
		return nil, err
	}
	if err := want.Limits.checkCoded(h.coded); err != nil {
		return nil, err
	}
	img, err := h.decodeItem(file, h.meta.primary)
	if err != nil {
		return nil, err
	}
	if m, ok := img.(*image.YCbCr); ok {
		img = rgbOf(m, h.cicp)
	}
	if h.mask.item != 0 {
		mask, err := h.decodeItem(file, h.mask.item)
		if err != nil {
			return nil, fmt.Errorf("mask: %w", err)
		}
		img = masked(img, mask, h.mask.premultiplied)
	}
	if img.Bounds() != h.crop {
		img = plain(subImage(img, h.crop))
	}
	p := still(img)
	p.orientation = h.orientation
	p.ICC = h.profile()
	return p, nil
}

// decodeItem decodes one picture of the file as it is coded.
func (h heif) decodeItem(file []byte, id uint32) (image.Image, error) {
	item, err := h.item(file, id)
	if err != nil {
		return nil, err
	}
	img, err := heic.Decode(item.file)
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	if size.X < item.size.X || size.Y < item.size.Y || area(size) > h.coded+widest*2*int64(size.Y) {
		return nil, fmt.Errorf("%w: HEIC of %v pixels decoded to %v", ErrMalformed, item.size, size)
	}
	img = subImage(img, image.Rectangle{Max: item.size})
	if m, ok := img.(*image.YCbCr); ok && item.mono {
		img = &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}
	}
	img = own(img)
	mend(img)
	return img, nil
}

// subImage returns the part of img in r, which shares its pixels.
func subImage(img image.Image, r image.Rectangle) image.Image {
	if m, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok && img.Bounds() != r {
		return m.SubImage(r)
	}
	return img
}

// masked returns img with the opacity of its mask, which may be of another size.
func masked(img, mask image.Image, premultiplied bool) image.Image {
	var a *image.Gray
	switch m := mask.(type) {
	case *image.Gray:
		a = m
	case *image.YCbCr:
		a = &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}
	default:
		return img // a mask in colours means nothing
	}
	size := img.Bounds().Size()
	if from := a.Rect.Size(); from != size {
		a = scale.Image(a, scale.Rect{W: float64(from.X), H: float64(from.Y)}, size, scale.Options{}).(*image.Gray)
	}
	if m, ok := img.(*image.YCbCr); ok && !premultiplied {
		return &image.NYCbCrA{YCbCr: *m, A: a.Pix, AStride: a.Stride}
	}
	out := asNRGBA(img)
	for y := range size.Y {
		row := out.Pix[y*out.Stride:][:4*size.X]
		for x, v := range a.Pix[y*a.Stride:][:size.X] {
			row[4*x+3] = v
		}
	}
	if premultiplied {
		return toNRGBA(&image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect})
	}
	return out
}

// mend puts what lies below them in place of the first 24 bytes of the pixels.
// The decoder frees its buffer before it hands it out, and there the allocator
// leaves its links.
func mend(img image.Image) {
	const links = 24
	switch m := img.(type) {
	case *image.YCbCr:
		copy(m.Y[:min(links, m.Rect.Dx())], m.Y[min(m.YStride, len(m.Y)):])
	case *image.Gray:
		copy(m.Pix[:min(links, m.Rect.Dx())], m.Pix[min(m.Stride, len(m.Pix)):])
	case *image.NRGBA:
		copy(m.Pix[:min(links, 4*m.Rect.Dx())], m.Pix[min(m.Stride, len(m.Pix)):])
	}
}
