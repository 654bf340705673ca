package resize

import (
	"image"
	"math"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
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
