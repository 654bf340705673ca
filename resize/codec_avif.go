package resize

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"sync"

	"github.com/gen2brain/avif"
)

// AVIF, by libavif with dav1d and libaom in a WebAssembly sandbox: every call
// has a fresh instance with memory of its own, so that nothing of one picture
// can reach another. Of a sequence the first picture is read.
var avifCodec = codec{
	format:    AVIF,
	names:     []string{"avif"},
	mediaType: "image/avif",
	is:        func(head []byte) bool { return heifKind(head) == AVIF },
	optIn:     true,
	config: func(head []byte) (Info, error) {
		h, err := parseHEIF(head)
		if err != nil {
			return Info{}, err
		}
		return h.info(), nil
	},
	decode:      decodeAVIF,
	memory:      memorySandbox,
	resultBytes: 170, // libaom's working memory; see memorySandbox
	encode:      encodeAVIF,
	heavy:       true,
	usual:       avifQuality,
	start:       startAVIF,
}

// info returns what the boxes say as the header of a picture.
func (h heif) info() Info {
	depth := 4
	if h.deep {
		depth = 8
	}
	return Info{Size: h.crop.Size(), Depth: depth, Alpha: h.alpha, coded: h.coded, orientation: h.orientation}
}

// sandboxBytes is what an instance of a decoder takes before it has a picture.
const sandboxBytes = 24 << 20

// memorySandbox counts what a decoder in a sandbox holds of the largest picture
// in the file: its planes and a reference, its pixels twice, the copy that
// becomes the result's source; and what growing its memory leaves behind.
func memorySandbox(info Info, _ Want) int64 {
	return sandboxBytes + max(info.coded, area(info.Size))*int64(6*info.Depth+4)
}

func decodeAVIF(file []byte, want Want) (*Picture, error) {
	h, err := parseHEIF(file)
	if err != nil {
		return nil, err
	}
	if err := want.Limits.checkCoded(h.coded); err != nil {
		return nil, err
	}
	img, err := avif.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if img.Bounds() == (image.Rectangle{Max: h.size}) { // the decoder does not crop
		img = subImage(img, h.crop)
	}
	p := still(own(img))
	p.orientation = h.orientation
	p.ICC = h.profile()
	return p, nil
}

// own returns img as a picture may hold it, with pixels that are its own and
// not a sandbox's memory.
func own(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.YCbCr:
		c := *m
		c.Y, c.Cb, c.Cr = bytes.Clone(m.Y), bytes.Clone(m.Cb), bytes.Clone(m.Cr)
		return plain(&c)
	case *image.Gray:
		c := *m
		c.Pix = bytes.Clone(m.Pix)
		return plain(&c)
	}
	return toNRGBA(img)
}

const (
	// avifSpeed is the fastest: the next one takes 2.5 times as long for 8 % fewer
	// bytes.
	avifSpeed = 10
	// avifQuality is the quality that looks like 75 of the other formats.
	avifQuality = 60
)

func encodeAVIF(w io.Writer, p *Picture, q Quality) error {
	img, err := p.first()
	if err != nil {
		return err
	}
	chroma := image.YCbCrSubsampleRatio420
	if q.Chroma444 {
		chroma = image.YCbCrSubsampleRatio444
	}
	quality := q.Quality
	if quality <= 0 || quality > 100 {
		quality = avifQuality
	}
	var out bytes.Buffer
	err = avif.Encode(&out, toNRGBA(img), avif.Options{
		Quality: quality, QualityAlpha: quality, Speed: avifSpeed, ChromaSubsampling: chroma, Lossless: q.Lossless,
	})
	if err != nil {
		return fmt.Errorf("avif: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// startAVIF compiles the codec, which takes more than a second of the first
// call.
var startAVIF = sync.OnceFunc(func() {
	_ = avif.Encode(io.Discard, image.NewRGBA(image.Rect(0, 0, 8, 8)), avif.Options{Speed: avifSpeed}) // what fails here fails again when it matters
})
