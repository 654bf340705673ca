// Package resize knows image files and pixels: one image file in, another out.
package resize

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"time"

	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
)

// A Resizer makes pictures from pictures. It is safe for concurrent use.
type Resizer struct {
	// Budget bounds the memory of all work; several Resizers share one. Nil
	// means no bound.
	Budget *Budget
	// Limits say what is refused; zero fields mean defaults.
	Limits Limits
	// Watermark is laid over results whose options name one; nil: none is.
	Watermark *paint.Overlay
	// Fonts are known by name beside the built-in ones.
	Fonts map[string]*paint.Font
	// Quality is what results are encoded with; zero means the defaults.
	Quality Quality
	// FastScaling decodes JPEG smaller where that shows a little: at 1.6 times the
	// result, for results of a quality up to 80.
	FastScaling bool
	// ShowDamaged lets Resize make something of what can be decoded of a damaged
	// picture, and mark the Result; else it is refused as malformed.
	ShowDamaged bool
}

// A Result is a file.
type Result struct {
	Body   []byte
	Format options.Format
	Size   image.Point
	Timing Timing
	// Damaged reports that a part of the source could not be decoded: what is
	// missing is transparent, grey or black.
	Damaged bool
}

// Timing tells where the time of a result went.
type Timing struct {
	Queue  time.Duration // waiting for memory and a processor
	Read   time.Duration // waiting for the source
	Decode time.Duration // of an animation: the first look only
	// Transform is what the steps take: crop, scale, effects. Frames of an
	// animation are decoded and transformed while they are encoded.
	Transform time.Duration
	Encode    time.Duration
}

// A Source is a file to make something of.
type Source struct {
	Body io.Reader // yields Size bytes
	Size int64
	// Keep, if not nil, is called with the whole file when it has decoded, and was
	// not damaged, before Resize returns. The bytes are valid until Keep returns.
	Keep func(file []byte)
	// Again, if not nil, opens the file once more. Then a JPEG or PNG of which a part
	// of its pixels is all that is wanted is decoded while it arrives, and not
	// held in memory. It is called, rarely, when the file turns out to be needed as a
	// whole.
	Again func() (io.ReadCloser, error)
	// Settle, if not nil, is asked for the options once the header is read, in
	// place of those of the call, of which only Page counts before. It may be asked
	// several times. Its error is wrapped, together with
	// [ErrSettle].
	Settle func(Header) (options.Options, error)
}

// Resize reads a source and makes what o asks for. An o.Format that is
// neither writable nor a choice is the caller's mistake.
//
// Nothing is allocated for pixels before the header has passed the limits and
// the budget has room. An error of the Body is returned as it is; other errors
// wrap [ErrNotPicture], [ErrUnsupported], [ErrMalformed], [ErrLimit] or
// [ErrBusy], or are that of ctx. A panic of a decoder becomes an error that
// wraps none of them.
//
// When ctx ends, or Limits.Time is over, Resize returns soon, whatever the
// decoder does; what that holds of the budget is given back when it ends. See
// [Load].
func (r *Resizer) Resize(ctx context.Context, src Source, o options.Options) (*Result, error) {
	if src.Settle == nil && !o.Format.IsAuto() && !o.Format.Writable() {
		return nil, fmt.Errorf("%w: no output format", ErrUnsupported)
	}
	result, err := r.resize(ctx, src, o, src.Again != nil)
	if err != errAgain {
		return result, err
	}
	body, err := src.Again()
	if err != nil {
		return nil, err
	}
	defer body.Close() // only read
	src.Body = body
	return r.resize(ctx, src, o, false)
}

func (r *Resizer) resize(ctx context.Context, src Source, o options.Options, streams bool) (*Result, error) {
	a := r.admission(o)
	a.settle, a.keeps, a.rereads = src.Settle, src.Keep != nil, streams
	var keep *stream // whose file is kept
	result, err := run(ctx, a, src.Body, src.Size, func(ctx context.Context, j *job) (*Result, error) {
		result, err := j.result(ctx)
		switch {
		case err != nil || src.Keep == nil || j.damaged:
		case j.stream != nil:
			keep = j.stream
		default:
			j.unlessAbandoned(func() { src.Keep(j.file) })
		}
		return result, err
	})
	if err == nil && keep != nil {
		src.Keep(keep.file) // all of it is known to be right only now
		giveBack(keep.file)
	}
	return result, err
}

// result makes of the file of a job what was asked for.
func (j *job) result(ctx context.Context) (*Result, error) {
	if j.resizer.ShowDamaged {
		j.want.show = func() { j.damaged = true }
	}
	j.want.only = j.only()
	began, before := time.Now(), j.waits()
	picture, err := j.decode()
	if err != nil {
		return nil, err
	}
	j.nonconforming = picture.nonconforming
	j.timing.Decode = time.Since(began)
	j.timing.Queue += j.place.queued
	if s := j.stream; s != nil {
		j.timing.Decode -= j.waits() - before
		j.timing.Read += s.waited
	}

	began = time.Now()
	picture, err = j.transform(ctx, j.frames(picture))
	if err != nil {
		return nil, err
	}
	j.timing.Transform = time.Since(began)

	began = time.Now()
	result, err := j.output(ctx, picture)
	if err != nil {
		return nil, err
	}
	j.timing.Encode = time.Since(began)
	result.Timing, result.Damaged = j.timing, j.damaged
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return result, nil
}

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
