package resize

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/sandbox"
	"s3imageserver/resize/scale"
)

// A plan is what becomes of a stored picture, up to its place on the canvas.
//
// The order is that of the viewer, whatever the order in the URL: orient, crop,
// trim, turn, mirror, resize. The work is in the order that costs least: one
// resample does the cropping and scaling where the picture is stored, and the small
// picture is turned.
type plan struct {
	resample resample
	turn     exif.Orientation // of what was resampled: EXIF's, quarter turns and mirroring in one
	// tilt is what is left of the angle: degrees from -45 to 45; 0: none.
	tilt   float64
	window scale.Rect  // part of the tilted picture that is kept, in pixels from the centre of what was turned
	size   image.Point // of the picture without its surroundings
	canvas image.Point // of the result
	at     image.Point // where the picture lies on it
	detail bool        // steps follow that need every pixel's own colour
	clear  bool        // they leave something transparent
	fine   bool        // the result has chroma at the resolution of luma
}

// content is what only a look at the pixels tells.
type content struct {
	trimmed image.Rectangle // what trimming left of the upright source; empty: not asked for
	focus   options.Gravity // that takes the place of one that looks at the picture
}

// planOf makes the plan for a picture of that stored size and orientation.
func planOf(source image.Point, stored exif.Orientation, o options.Options, s content) plan {
	turn := stored
	if o.Orient != 0 {
		turn = o.Orient
	}
	region := o.Crop.Of(turn.Size(source))
	if !s.trimmed.Empty() {
		region = s.trimmed
	}
	if o.Gravity.DependsOnPicture() {
		o.Gravity = s.focus
	}
	quarter, tilt := quarterTurn(o.Angle, o.Flip)
	turned := quarter.Size(region.Size())
	whole := tiltedSize(turned, tilt)
	l := lay(whole, o)

	p := plan{turn: turn.Then(quarter), tilt: tilt, size: l.Size, canvas: l.Canvas, at: l.At}
	part, size := l.Crop, l.Size
	if tilt != 0 {
		// The whole picture is scaled, and tilted when it is small.
		part = scale.Rect{W: float64(turned.X), H: float64(turned.Y)}
		by := math.Min(1, math.Max(float64(l.Size.X)/l.Crop.W, float64(l.Size.Y)/l.Crop.H))
		size = image.Pt(max(1, int(float64(float64(turned.X)*by)+0.5)), max(1, int(float64(float64(turned.Y)*by)+0.5)))
		fx, fy := float64(size.X)/float64(turned.X), float64(size.Y)/float64(turned.Y)
		p.window = scale.Rect{X: (l.Crop.X - float64(float64(whole.X)/2)) * fx, Y: (l.Crop.Y - float64(float64(whole.Y)/2)) * fy, W: l.Crop.W * fx, H: l.Crop.H * fy}
	}
	part = quarter.Stored(part, region.Size())
	part.X += float64(region.Min.X)
	part.Y += float64(region.Min.Y)
	p.detail = tilt != 0 || p.canvas != p.size || o.Paints()
	p.clear = o.Radius != 0 || (tilt != 0 || p.canvas != p.size) && o.Background == options.Background{}
	p.resample = resample{source, stored, turn.Stored(part, source), p.turn.Size(size), scale.Chroma444, turn.Edge(region, source)}
	p.fine = true
	if to := codecOf(o.Format); to != nil && to.chroma420 && (o.Chroma == options.ChromaHalf || to.format == options.WebP) {
		p.fine = false
		if !p.detail && p.turn.FitsChroma(p.resample.size) {
			p.resample.chroma = scale.Chroma420
		}
	}
	return p
}

// smallest returns the smallest useful size of the stored picture.
func (p *plan) smallest() image.Point {
	return smallest(p.resample.source, p.resample.part, p.resample.size)
}

// quarterTurn splits a turn by an angle and the mirroring after it into an
// orientation and a tilt after that, in degrees from -45 to 45.
func quarterTurn(angle options.Hundredths, f options.Flip) (o exif.Orientation, tilt float64) {
	quarters := (angle + 4500) / 9000
	rest := angle - quarters*9000
	o = [...]exif.Orientation{1, 6, 3, 8}[quarters%4]
	o = o.Then([...]exif.Orientation{1, 2, 4, 3}[f])
	if f == options.FlipX || f == options.FlipY {
		rest = -rest // a mirror turns the other way
	}
	return o, rest.Float()
}

// tiltedSize returns the size of what a tilted picture covers.
func tiltedSize(size image.Point, tilt float64) image.Point {
	if tilt == 0 {
		return size
	}
	sin, cos := math.Sincos(math.Abs(tilt) * math.Pi / 180)
	w, h := float64(size.X), float64(size.Y)
	return image.Pt(max(1, int(float64(w*cos)+float64(h*sin)+0.5)), max(1, int(float64(w*sin)+float64(h*cos)+0.5)))
}

// ResultSize returns the width and height that the options make of an upright
// source of that size, as far as that is known without a look at its pixels.
func ResultSize(width, height int, o options.Options) [2]int {
	p := planOf(image.Pt(width, height), 1, o, content{})
	return [2]int{p.canvas.X, p.canvas.Y}
}

// Same reports whether two sets of options make the same of an upright source of
// that size: a result of the same size, of the same part up to two pixels of the
// result, which are roundings, with all else alike.
func Same(width, height int, a, b options.Options) bool {
	p, q := planOf(image.Pt(width, height), 1, a, content{}), planOf(image.Pt(width, height), 1, b, content{})
	x, y := p.resample.part, q.resample.part
	dx := math.Max(1, 2*y.W/float64(max(1, q.resample.size.X)))
	dy := math.Max(1, 2*y.H/float64(max(1, q.resample.size.Y)))
	near := math.Abs(x.X-y.X) <= dx && math.Abs(x.X+x.W-y.X-y.W) <= dx && math.Abs(x.Y-y.Y) <= dy && math.Abs(x.Y+x.H-y.Y-y.H) <= dy
	if whole := (scale.Rect{W: float64(p.resample.source.X), H: float64(p.resample.source.Y)}); x == whole && y == whole {
		a.Gravity, b.Gravity = options.Gravity{}, options.Gravity{} // there is nothing to choose
	}
	return near && p.turn == q.turn && p.tilt == q.tilt && p.size == q.size && p.canvas == q.canvas && p.at == q.at && a.WithoutSize() == b.WithoutSize()
}

// Want says how much of a file decode should read.
type Want struct {
	// Min is the smallest useful size of the stored picture. The zero value
	// stands for the size in the header.
	Min image.Point
	// Limits are those of the Resizer.
	Limits Limits

	// resample is what will become of the stored picture, if the header is right. A
	// codec may do it while it decodes, and then says so in Picture.resampled. The
	// zero value asks for nothing.
	resample resample
	// shown is the quality of JPEG that shows as much of the picture as the result
	// will, 1 to 100.
	shown int
	// fast says that the decoder may leave less to the resampler, as
	// [Resizer.FastScaling] has it.
	fast bool
	// fine says that the result has chroma at the resolution of luma.
	fine bool
	// only is the number of the only frame that is wanted, from 1, or of the last one
	// if there are not so many; 0 means all. A codec may leave out what the others
	// would take, and then there is one frame.
	only int
	// show, if not nil, is called when what is decoded is only a part of a picture
	// that is damaged; nil: such a picture is refused.
	show func()
	// grow, if not nil, asks the budget for more bytes than codec.memory said.
	grow func(n int64) error
	// ran, if not nil, is told how much memory a sandbox had.
	ran func(linear int64)
	// ctx ends decoders that can be ended; nil: they go on to their end.
	ctx context.Context
}

// resamples reports whether there is something to crop or to scale.
func (w Want) resamples() bool { return w.resample != (resample{}) && !w.resample.identity() }

// damaged returns err, which says what is wrong with a picture of which a part can
// be shown; nil if it is to be.
func (w Want) damaged(err error) error {
	if w.show == nil {
		return err
	}
	w.show()
	return nil
}

// ended returns the error of a context that has ended: nobody waits for the picture.
func (w Want) ended() error {
	if w.ctx == nil {
		return nil
	}
	return w.ctx.Err()
}

// reserve makes sure that n more bytes may be used than codec.memory said.
func (w Want) reserve(n int64) error {
	if w.grow == nil {
		return nil
	}
	return w.grow(n)
}

// spareBytes is what any picture may take beyond its estimate.
const spareBytes = 48 << 20

// sandbox runs a decoder that was admitted with so many bytes of linear memory
// and the file, which lies at in. It may grow to three times as much if the budget
// has it: headers do not tell all that decoding takes.
func (w Want) sandbox(p *sandbox.Program, file []byte, linear int64, f func(i *sandbox.Instance, in sandbox.Pointer) error) error {
	ctx := w.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	linear += int64(len(file))
	err := p.Run(ctx, sandbox.Room{Bytes: linear, Most: 3*linear + spareBytes, More: w.grow}, func(i *sandbox.Instance) error {
		if w.ran != nil {
			defer func() { w.ran(i.Size()) }()
		}
		in, err := i.Put(file)
		if err != nil {
			return err
		}
		return f(i, in)
	})
	switch {
	case errors.Is(err, sandbox.ErrMemory):
		return fmt.Errorf("%w: decoding takes more memory than the header says: %w", ErrLimit, err)
	case errors.Is(err, sandbox.ErrCodec):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return err
}
