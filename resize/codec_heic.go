package resize

import (
	"bytes"
	"fmt"
	"image"
	"sync"

	"github.com/gen2brain/heic"
)

// HEIC, read only, by libheif and libde265 in a sandbox as that of AVIF. The
// decoder turns and crops the picture as the file asks, so it comes upright.
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
		info.Size, info.orientation = h.orientation.size(h.size), 1
		return info, nil
	},
	decode: decodeHEIC,
	memory: memorySandbox,
	heavy:  true,
	start:  sync.OnceFunc(heic.Init),
}

func decodeHEIC(file []byte, want Want) (*Picture, error) {
	h, err := parseHEIF(file)
	if err != nil {
		return nil, err
	}
	if err := want.Limits.checkCoded(h.coded); err != nil {
		return nil, err
	}
	img, err := heic.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	img = own(img)
	mend(img)
	if got, want := area(img.Bounds().Size()), max(h.coded, area(h.size)); got > want {
		return nil, fmt.Errorf("%w: HEIC of %d pixels decoded to %d", ErrMalformed, want, got)
	}
	if m, ok := img.(*image.YCbCr); ok {
		img = rgbOf(m, h.cicp)
	}
	p := still(img)
	p.ICC = h.profile()
	return p, nil
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
