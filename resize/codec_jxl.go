package resize

import (
	"encoding/binary"
	"fmt"
	"image"
	_ "unsafe" // for go:linkname

	_ "github.com/gen2brain/jpegxl" // has the module

	"s3imageserver/resize/jxl"
	"s3imageserver/resize/options"
	"s3imageserver/resize/sandbox"
)

// jxlModule is libjxl, compiled and compressed. The package around it hands out
// pixels that its allocator has written into, and bounds no memory.
//
//go:linkname jxlModule github.com/gen2brain/jpegxl.decodeWasm
var jxlModule []byte

var jxlProgram = sandbox.NewProgram("libjxl", jxlModule)

// JPEG XL, read only, by libjxl in a sandbox as that of AVIF. The decoder turns
// the picture upright. Of an animation the first frame is read. It hands out no
// profile: what colours are meant is read here.
var jxlCodec = codec{
	format: options.JXL,
	magic:  []string{jxl.Codestream, jxl.Container},
	optIn:  true,
	config: func(head []byte) (Info, error) {
		h, err := jxl.Parse(head)
		if err != nil {
			return Info{}, fromBelow(err)
		}
		if h.Black {
			return Info{}, fmt.Errorf("%w: JPEG XL with black ink", ErrLimit) // the decoder hands out no such channel
		}
		depth := 4
		if h.Bits > 8 {
			depth = 8
		}
		return Info{Size: h.Size, Depth: depth, Alpha: h.Alpha, coded: max(area(h.Size), area(h.Frame.Size)), linear: h.Memory()}, nil
	},
	decode: decodeJXL,
	memory: func(info Info, want Want) int64 { return info.linear + memoryStill(info, want) },
	heavy:  true,
	start:  func() { _ = jxlProgram.Start() }, // what fails here fails again when it matters
}

// maxJXLChannels is how many channels beyond the colours a file may have: each
// is a picture of floats.
const maxJXLChannels = 4

func decodeJXL(file []byte, want Want) (*Picture, error) {
	h, err := jxl.Parse(file)
	if err != nil {
		return nil, fromBelow(err)
	}
	if h.Black {
		return nil, fmt.Errorf("%w: JPEG XL with black ink", ErrLimit)
	}
	if h.Extra > maxJXLChannels {
		return nil, fmt.Errorf("%w: JPEG XL of %d extra channels", ErrLimit, h.Extra)
	}
	if err := want.Limits.checkCoded(area(h.Size)); err != nil {
		return nil, err
	}
	var p *Picture
	err = want.sandbox(jxlProgram, file, h.Memory(), func(i *sandbox.Instance, in sandbox.Pointer) error {
		p, err = decodeFirst(h, i, in, len(file), want)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.ICC = h.DecodedProfile()
	return p, nil
}

// decodeFirst decodes the first frame: pixels of four samples of 8 bits, or of 16
// with the most significant byte first.
func decodeFirst(h jxl.Header, i *sandbox.Instance, in sandbox.Pointer, length int, want Want) (*Picture, error) {
	const numbers = 5 // width, height, depth, frames; how long the first one is shown
	about, err := i.Put(make([]byte, 4*numbers))
	if err != nil {
		return nil, err
	}
	samples := int64(1)
	if h.Bits == 16 {
		samples = 2
	}
	n := 4 * samples * area(h.Size)
	out, err := i.Alloc(n)
	if err != nil {
		return nil, err
	}
	at := uint64(about)
	ok, err := i.Call("decode", uint64(in), uint64(length), 0, 0, at, at+4, at+8, at+12, at+16, uint64(out))
	if err != nil {
		return nil, err
	}
	said, err := i.Bytes(about, 4*numbers)
	if err != nil {
		return nil, err
	}
	size := image.Pt(int(binary.LittleEndian.Uint32(said)), int(binary.LittleEndian.Uint32(said[4:])))
	if ok == 0 || size != h.Size || binary.LittleEndian.Uint32(said[12:]) == 0 {
		return nil, fmt.Errorf("%w: JPEG XL does not decode", ErrMalformed)
	}
	pixels, err := i.Bytes(out, n)
	if err != nil {
		return nil, err
	}
	return stillOf(h.Size, 0, want, func(y int, row []byte) []byte {
		src := pixels[int64(y)*int64(len(row))*samples:][:int64(len(row))*samples]
		return rowNRGBA(row, src, h.Premultiplied)
	}), nil
}
