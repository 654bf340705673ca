//go:build !noheic

package resize

import (
	"encoding/binary"
	"fmt"
	"image"
	_ "unsafe" // for go:linkname

	_ "github.com/gen2brain/heic" // has the module

	"s3imageserver/resize/heif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/sandbox"
)

// heicModule is libheif with libde265, compiled and compressed. The package
// around it takes rows for shorter than they are, reads files by their major
// brand alone, hands out pixels that its allocator has written into, and bounds
// no memory.
//
//go:linkname heicModule github.com/gen2brain/heic.heifWasm
var heicModule []byte

var heicProgram = sandbox.NewProgram("libheif", heicModule)

// HEIC, read only, by libheif and libde265 in a sandbox as that of AVIF. It
// hands out no transparency: that is decoded as a picture of its own. Of a
// sequence without a still picture nothing is read.
var heicCodec = codec{
	format: options.HEIC,
	is:     func(head []byte) bool { return heif.CodingOf(head) == heif.HEVC },
	optIn:  true,
	config: func(head []byte) (Info, error) {
		h, err := heif.Parse(head)
		if err != nil {
			return Info{}, fromBelow(err)
		}
		info := infoHEIF(h)
		info.linear = h.MemoryHEVC()
		info.Alpha = h.Mask.Item != 0
		return info, nil
	},
	decode: decodeHEIC,
	memory: func(info Info, want Want) int64 {
		if want.resamples() && !info.Alpha {
			return info.linear + memoryStill(info, want)
		}
		// The planes are copied; then the sandbox goes, and pixels are made of
		// them. A mask lies beside them all the time.
		n := max(info.linear, 8*area(info.Size)) + 3*area(info.Size)/2
		if info.Alpha {
			n += area(info.Size)
		}
		return n
	},
	heavy: true,
	start: func() { _ = heicProgram.Start() }, // what fails here fails again when it matters
}

func decodeHEIC(file []byte, want Want) (*Picture, error) {
	h, err := wholeHEIF(file, want)
	if err != nil {
		return nil, err
	}
	var mask image.Image // first: colours may be scaled while they are decoded, and then take less
	if h.Mask.Item != 0 {
		err := decodeItem(h, file, h.Mask.Item, want, func(m image.Image) { mask = pixel.Clone(m) })
		if err != nil {
			return nil, fmt.Errorf("mask: %w", err)
		}
	}
	whole := h.Crop == image.Rectangle{Max: h.Size}
	resampled := mask == nil && whole && want.resamples() && want.resample.source == h.Size && want.resample.orientation == h.Orientation
	var img image.Image
	err = decodeItem(h, file, h.Meta.Primary, want, func(m image.Image) {
		if resampled {
			img = want.resample.apply(m, 1)
		} else {
			img = pixel.Clone(m)
		}
	})
	if err != nil {
		return nil, err
	}
	if m, ok := img.(*image.YCbCr); ok {
		img = h.CICP.ToJFIF(m)
	}
	if mask != nil {
		img = heif.Masked(img, mask, h.Mask.Premultiplied)
	}
	if !resampled && img.Bounds() != h.Crop {
		img = pixel.Normalize(pixel.Part(img, h.Crop))
	}
	p := still(img)
	p.orientation, p.ICC = h.Orientation, h.Profile()
	p.Source, p.resampled = h.Crop.Size(), resampled
	return p, nil
}

// decodeItem decodes one picture of the file as it is coded, and calls use with
// it: the pixels are the sandbox's.
func decodeItem(h heif.Header, file []byte, id uint32, want Want, use func(image.Image)) error {
	item, err := h.Picture(file, id)
	if err != nil {
		return fromBelow(err)
	}
	return want.sandbox(heicProgram, item.File, h.MemoryHEVC(), func(i *sandbox.Instance, in sandbox.Pointer) error {
		img, err := decodePlanes(i, in, len(item.File))
		if err != nil {
			return err
		}
		size := img.Bounds().Size()
		if size.X < item.Size.X || size.Y < item.Size.Y || area(size) > h.Coded {
			return fmt.Errorf("%w: HEIC of %v pixels decoded to %v", ErrMalformed, item.Size, size)
		}
		img = pixel.Part(img, image.Rectangle{Max: item.Size})
		if m, ok := img.(*image.YCbCr); ok && item.Mono {
			img = &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}
		}
		use(img)
		return nil
	})
}

// Colour spaces and kinds of chroma by the numbers of libheif.
const (
	heifYCbCr, heifRGB, heifMono = 0, 1, 2
	heif420, heif422, heif444    = 1, 2, 3
)

// decodePlanes decodes the primary picture of a file, in memory of the instance.
func decodePlanes(i *sandbox.Instance, in sandbox.Pointer, length int) (image.Image, error) {
	const numbers = 5 // width, height, colour space, chroma; whether colours are multiplied
	about, err := i.Put(make([]byte, 4*numbers))
	if err != nil {
		return nil, err
	}
	call := func(headOnly uint64, out sandbox.Pointer) error {
		at := uint64(about)
		ok, err := i.Call("decode", uint64(in), uint64(length), headOnly, at, at+4, at+8, at+12, at+16, uint64(out))
		if err == nil && ok == 0 {
			err = fmt.Errorf("%w: HEIC does not decode", ErrMalformed)
		}
		return err
	}
	var said [numbers]uint32
	look := func() error {
		b, err := i.Bytes(about, 4*numbers)
		for j := range said {
			if err == nil {
				said[j] = binary.LittleEndian.Uint32(b[4*j:])
			}
		}
		return err
	}
	if err := call(1, 0); err != nil {
		return nil, err
	}
	if err := look(); err != nil {
		return nil, err
	}
	before := said
	w, ht := int64(said[0]), int64(said[1])
	if w < 1 || ht < 1 || w > 1<<16 || ht > 1<<16 {
		return nil, fmt.Errorf("%w: HEIC of %d x %d pixels", ErrMalformed, w, ht)
	}
	stride := heifStride(w)
	var chroma image.YCbCrSubsampleRatio
	var cw, ch int64 // chroma: samples a row, rows
	switch {
	case said[2] == heifRGB:
		stride = heifStride(4 * w)
	case said[2] == heifMono:
	case said[2] == heifYCbCr && said[3] == heif420:
		chroma, cw, ch = image.YCbCrSubsampleRatio420, (w+1)/2, (ht+1)/2
	case said[2] == heifYCbCr && said[3] == heif422:
		chroma, cw, ch = image.YCbCrSubsampleRatio422, (w+1)/2, ht
	case said[2] == heifYCbCr && said[3] == heif444:
		chroma, cw, ch = image.YCbCrSubsampleRatio444, w, ht
	default:
		return nil, fmt.Errorf("%w: HEIC of colour space %d, chroma %d", ErrUnsupported, said[2], said[3])
	}
	y, c := stride*ht, int64(0)
	if ch > 0 {
		c = heifStride(cw) * ch
	}
	out, err := i.Alloc(y + 2*c)
	if err != nil {
		return nil, err
	}
	if err := call(0, out); err != nil {
		return nil, err
	}
	if err := look(); err != nil {
		return nil, err
	}
	if said != before {
		return nil, fmt.Errorf("%w: HEIC is another picture when it is decoded", ErrMalformed)
	}
	pix, err := i.Bytes(out, y+2*c)
	if err != nil {
		return nil, err
	}
	r := image.Rect(0, 0, int(w), int(ht))
	switch {
	case said[2] == heifMono:
		return &image.Gray{Pix: pix, Stride: int(stride), Rect: r}, nil
	case said[2] == heifRGB && said[4] == 1:
		return &image.RGBA{Pix: pix, Stride: int(stride), Rect: r}, nil
	case said[2] == heifRGB:
		return &image.NRGBA{Pix: pix, Stride: int(stride), Rect: r}, nil
	}
	return &image.YCbCr{
		Y: pix[:y:y], Cb: pix[y : y+c : y+c], Cr: pix[y+c:],
		YStride: int(stride), CStride: int(heifStride(cw)), SubsampleRatio: chroma, Rect: r,
	}, nil
}

// heifStride returns how many bytes a row of n samples has in libheif: at least
// 64, and a multiple of 16.
func heifStride(n int64) int64 { return (max(n, 64) + 15) &^ 15 }
