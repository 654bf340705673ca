package resize

import (
	"bytes"
	"context"

	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
)

const (
	overlaySide   = 2048 // pixels; the longest side that an overlay is kept with
	overlayPixels = 16e6 // of the largest file; nothing else bounds its memory
)

// NewOverlay reads a file of at most 16 million pixels. Of an animation it takes
// the first frame.
func NewOverlay(file []byte) (*paint.Overlay, error) {
	r := &Resizer{Limits: Limits{Pixels: overlayPixels, Formats: []options.Format{options.BMP, options.TIFF}}}
	o := options.Options{Width: overlaySide, Height: overlaySide, Fit: options.Contain, Format: options.PNG}
	result, err := r.Resize(context.Background(), Source{Body: bytes.NewReader(file), Size: int64(len(file))}, o)
	if err != nil {
		return nil, err
	}
	p, err := pngCodec.decode(result.Body, Want{Limits: Limits{}.withDefaults()})
	if err != nil {
		return nil, err
	}
	img, err := p.first()
	if err != nil {
		return nil, err
	}
	return paint.NewOverlay(pixel.Copy(img)), nil
}

// font returns the font of that name: one of the Resizer's, else a built-in
// one, else the regular one.
func (r *Resizer) font(name string) (*paint.Font, error) {
	if f, ok := r.Fonts[name]; ok {
		return f, nil
	}
	return paint.BuiltInFont(name)
}
