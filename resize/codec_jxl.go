package resize

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/gen2brain/jpegxl"
)

// JPEG XL, read only, by libjxl in a sandbox as that of AVIF. The decoder turns
// the picture upright. Of an animation the first frame is read. It hands out no
// profile: what colours are meant is read here.
var jxlCodec = codec{
	format:    JXL,
	names:     []string{"jxl"},
	mediaType: "image/jxl",
	magic:     []string{jxlCodestream, jxlContainer},
	optIn:     true,
	config: func(head []byte) (Info, error) {
		h, err := parseJXL(head)
		if err != nil {
			return Info{}, err
		}
		depth := 4
		if h.deep {
			depth = 8
		}
		return Info{Size: h.size, Depth: depth, Alpha: h.alpha}, nil
	},
	decode: decodeJXL,
	// libjxl works with floats of all channels, several times over.
	memory: func(info Info, _ Want) int64 { return sandboxBytes + 240*area(info.Size) },
	heavy:  true,
	start:  sync.OnceFunc(jpegxl.InitDecoder),
}

// maxJXLChannels is how many channels beyond the colours a file may have: each
// is a picture of floats.
const maxJXLChannels = 4

func decodeJXL(file []byte, want Want) (*Picture, error) {
	h, err := parseJXL(file)
	if err != nil {
		return nil, err
	}
	if h.extra > maxJXLChannels {
		return nil, fmt.Errorf("%w: JPEG XL of %d extra channels", ErrLimit, h.extra)
	}
	if err := want.Limits.checkCoded(area(h.size)); err != nil {
		return nil, err
	}
	img, err := jpegxl.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	p := still(own(img))
	p.ICC = h.decoded()
	return p, nil
}
