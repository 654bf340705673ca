package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	_ "unsafe" // for go:linkname

	_ "github.com/gen2brain/avif" // has the module

	"s3imageserver/resize/heif"
	"s3imageserver/resize/sandbox"
)

// avifModule is libavif, compiled and compressed. The package around it hands
// out pictures of which nothing was decoded, and bounds no memory.
//
//go:linkname avifModule github.com/gen2brain/avif.avifWasm
var avifModule []byte

var avifProgram = sandbox.NewProgram("libavif", avifModule)

// AVIF. It is written by our own encoder, see encodeAVIF, and read by libavif with
// dav1d in a WebAssembly sandbox: every call has a fresh instance with memory of
// its own, so that nothing of one picture can reach another. Of a sequence the first
// picture is read.
var avifCodec = codec{
	format: AVIF,
	is:     func(head []byte) bool { return heif.CodingOf(head) == heif.AV1 },
	optIn:  true,
	config: func(head []byte) (Info, error) {
		h, err := heif.Parse(head)
		if err != nil {
			return Info{}, fromBelow(err)
		}
		info := infoHEIF(h)
		info.linear = h.MemoryAV1()
		return info, nil
	},
	decode:      decodeAVIF,
	memory:      func(info Info, want Want) int64 { return info.linear + memoryStill(info, want) },
	resultBytes: 12,
	chroma420:   true,
	encode:      encodeAVIF,
	heavy:       true,
	usual:       defaultQuality,
	start:       func() { _ = avifProgram.Start() }, // what fails here fails again when it matters
}

func decodeAVIF(file []byte, want Want) (*Picture, error) {
	h, err := wholeHEIF(file, want)
	if err != nil {
		return nil, err
	}
	var p *Picture
	err = want.sandbox(avifProgram, file, h.MemoryAV1(), func(i *sandbox.Instance, in sandbox.Pointer) error {
		p, err = decodeRGBA(h, i, in, len(file), want)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.ICC = h.Profile()
	return p, nil
}

// decodeRGBA decodes the first picture: samples of 8 bits, or of 16 with the
// least significant byte first, multiplied by their alpha.
func decodeRGBA(h heif.Header, i *sandbox.Instance, in sandbox.Pointer, length int, want Want) (*Picture, error) {
	const numbers = 6 // width, height, depth, pictures; how long the first one is shown, in eight bytes
	about, err := i.Put(bytes.Repeat([]byte{0xff}, 4*numbers))
	if err != nil {
		return nil, err
	}
	call := func(headOnly uint64, out sandbox.Pointer) (said []byte, err error) {
		at := uint64(about)
		ok, err := i.Call("decode", uint64(in), uint64(length), headOnly, 0, at, at+4, at+8, at+12, at+16, uint64(out))
		if err == nil && ok == 0 {
			err = fmt.Errorf("%w: AVIF does not decode", ErrMalformed)
		}
		if err != nil {
			return nil, err
		}
		return i.Bytes(about, 4*numbers)
	}
	said, err := call(1, 0)
	if err != nil {
		return nil, err
	}
	size := image.Pt(int(binary.LittleEndian.Uint32(said)), int(binary.LittleEndian.Uint32(said[4:])))
	samples := int64(1)
	if binary.LittleEndian.Uint32(said[8:]) > 8 {
		samples = 2
	}
	if size != h.Size {
		return nil, fmt.Errorf("%w: AVIF of %v pixels, by its header %v", ErrMalformed, size, h.Size)
	}
	line := 4 * samples * int64(size.X)
	out, err := i.Alloc(line * int64(size.Y))
	if err != nil {
		return nil, err
	}
	said, err = call(0, out)
	if err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint64(said[16:]) == math.MaxUint64 {
		return nil, fmt.Errorf("%w: AVIF does not decode", ErrMalformed) // it says otherwise, but has written nothing
	}
	pixels, err := i.Bytes(out, line*int64(size.Y))
	if err != nil {
		return nil, err
	}
	pixels = pixels[int64(h.Crop.Min.Y)*line+4*samples*int64(h.Crop.Min.X):] // the decoder does not crop
	return stillOf(h.Crop.Size(), h.Orientation, want, func(y int, row []byte) []byte {
		src := pixels[int64(y)*line:][:int64(len(row))*samples]
		if samples == 2 {
			for j := 0; j+1 < len(src); j += 2 {
				src[j], src[j+1] = src[j+1], src[j]
			}
		}
		return rowNRGBA(row, src, true)
	}), nil
}
