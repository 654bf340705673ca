//go:build unix

package meter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os/exec"

	"github.com/disintegration/imaging"

	"s3imageserver/resize/icc"
)

// Progressive returns a JPEG file with the same coefficients as a progressive one,
// without metadata. It needs jpegtran.
func Progressive(file []byte) ([]byte, error) {
	cmd := exec.Command("jpegtran", "-progressive", "-copy", "none")
	cmd.Stdin = bytes.NewReader(file)
	out, err := cmd.Output()
	if err != nil && (cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 2) { // 2: with warnings
		return nil, fmt.Errorf("jpegtran: %w", err)
	}
	return out, nil
}

// Scaled makes a picture of that size, with Gaussian noise of that deviation
// in luma, as a file of quality 90 in 4:2:0.
func Scaled(file []byte, size image.Point, noise float64) ([]byte, error) {
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	m := imaging.Resize(img, size.X, size.Y, imaging.Lanczos)
	if noise > 0 {
		random := rand.New(rand.NewPCG(1, 2))
		for i := 0; i < len(m.Pix); i += 4 {
			d := noise * random.NormFloat64()
			for c := range 3 {
				m.Pix[i+c] = uint8(math.Round(min(max(float64(m.Pix[i+c])+d, 0), 255)))
			}
		}
	}
	var out bytes.Buffer
	err = jpeg.Encode(&out, m, &jpeg.Options{Quality: 90})
	return out.Bytes(), err
}

// DisplayP3 returns a JPEG file without metadata as one whose numbers are colours of
// Display P3.
func DisplayP3(file []byte) ([]byte, error) {
	plain, err := WithoutMetadata(file)
	if err != nil {
		return nil, err
	}
	const p3, srgb = 12, 13 // of ITU-T H.273
	segment := append([]byte("ICC_PROFILE\x00\x01\x01"), icc.Numbers(p3, srgb)...)
	named := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe2}, uint16(len(segment)+2))
	return append(append(named, segment...), plain[2:]...), nil
}
