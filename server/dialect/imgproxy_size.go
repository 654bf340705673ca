package dialect

import (
	"fmt"
	"image"
	"math"
	"slices"
)

// imgproxy is what its URLs say about sizes.
type imgproxy struct {
	Type                string // fit, fill, fill-down, force, auto
	Width, Height       int
	MinWidth, MinHeight int
	ZoomX, ZoomY        float64
	DPR                 float64
	Enlarge             bool
	Extend, ExtendRatio extension
	Gravity             place
	CropW, CropH        float64 // pixels, below 1 of the side; 0: all of it
	CropPlace           place   // zero: Gravity
	Padding             [4]int
	Turn                bool // by EXIF
	Rotate              int  // quarter turns
	FlipH, FlipV        bool
	Most                int // the longest side of the result
}

// A place is where a part lies in a whole: at a side with an offset, or at a
// focal point.
type place struct {
	Word string  // no, so, ea, we, noea, nowe, soea, sowe, ce, sm, fp
	X, Y float64 // offsets, below 1 of the whole; of fp the point
}

// An extension is a canvas that is larger than the picture.
type extension struct {
	On    bool
	Place place
}

var sides = []string{"ce", "no", "so", "ea", "we", "noea", "nowe", "soea", "sowe"}

// normal forgets what says nothing, so that URLs of the same meaning are equal.
func (s imgproxy) normal() imgproxy {
	if s.DPR == 0 {
		s.DPR = 1
	}
	for _, e := range []*extension{&s.Extend, &s.ExtendRatio} {
		if !e.On {
			*e = extension{}
		}
	}
	if s.CropW == 0 && s.CropH == 0 {
		s.CropPlace = place{}
	} else if s.CropPlace == s.Gravity {
		s.CropPlace = place{}
	}
	return s
}

func (e *extension) read(args []string) *Fault {
	*e = extension{On: truth(arg(args, 0)), Place: place{Word: "ce"}}
	if len(args) > 1 {
		return readPlace(&e.Place, args[1:])
	}
	return nil
}

// readPlace reads a gravity: its word, and offsets or the focal point. more are
// words beyond the sides and fp.
func readPlace(p *place, args []string, more ...string) *Fault {
	read := place{Word: arg(args, 0)}
	low, high := -longest+0.0, longest+0.0
	switch {
	case read.Word == "fp":
		if len(args) != 3 {
			return bad()
		}
		low, high = 0, 1
	case slices.Contains(more, read.Word):
		*p = read
		return nil
	case !slices.Contains(sides, read.Word):
		return bad()
	}
	if a := arg(args, 1); a != "" && !number(&read.X, a, low, high) {
		return bad()
	}
	if a := arg(args, 2); a != "" && !number(&read.Y, a, low, high) {
		return bad()
	}
	*p = read
	return nil
}

// gravity returns ours, without the offsets.
func (p place) gravity() string {
	switch p.Word {
	case "sm":
		return "smart"
	case "fp":
		return fmt.Sprintf("fp:%v:%v", p.X, p.Y)
	}
	return map[string]string{"no": "n", "so": "s", "ea": "e", "we": "w", "noea": "ne", "nowe": "nw", "soea": "se", "sowe": "sw"}[p.Word]
}

// at returns where the inner of two sizes begins.
func (p place) at(outer, inner image.Point, dpr float64) image.Point {
	free := outer.Sub(inner)
	var at image.Point
	if p.Word == "fp" {
		at = image.Pt(halfEven(float64(outer.X)*p.X)-inner.X/2, halfEven(float64(outer.Y)*p.Y)-inner.Y/2)
	} else {
		offset := func(v float64, side int) int {
			if math.Abs(v) >= 1 {
				return halfEven(v * dpr)
			}
			return halfEven(v * float64(side))
		}
		x, y := offset(p.X, outer.X), offset(p.Y, outer.Y)
		at = image.Pt(halfEven(float64(free.X+1)/2)+x, halfEven(float64(free.Y+1)/2)+y)
		switch p.Word {
		case "no", "noea", "nowe":
			at.Y = y
		case "so", "soea", "sowe":
			at.Y = free.Y - y
		}
		switch p.Word {
		case "ea", "noea", "soea":
			at.X = free.X - x
		case "we", "nowe", "sowe":
			at.X = x
		}
	}
	return image.Pt(max(0, min(free.X, at.X)), max(0, min(free.Y, at.Y)))
}

// sizes are the steps of imgproxy's arithmetic.
type sizes struct {
	scale   [2]float64  // of the source
	dpr     float64     // as far as the source allows it
	target  image.Point // the box; 0: a side that is not given
	scaled  image.Point
	result  image.Point // of the cut; 0: a side that is not cut
	canvas  image.Point // extended to the ratio; 0: not
	padding [4]int
}

func (s imgproxy) settle(p Picture, _ *Limits) (layout, *Fault) {
	src := p.size()
	l := whole(src)
	l.turn, l.flip = s.Rotate, flip{s.FlipH, s.FlipV}
	seen := turned(src, s.Rotate)
	l.scale(seen)
	if c := s.cropSize(seen); c != seen {
		where := s.CropPlace
		if where == (place{}) {
			where = s.Gravity
		}
		at := where.at(seen, c, 1)
		l.part = unturned(image.Rectangle{Min: at, Max: at.Add(c)}, seen, l.turn, l.flip)
		seen = c
	}
	z := s.sizes(seen)
	l.scale(z.scaled)
	if keep := least(z.scaled, nonZero(z.result, z.scaled)); keep != z.scaled {
		at := s.Gravity.at(z.scaled, keep, z.dpr)
		l.cut = image.Rectangle{Min: at, Max: at.Add(keep)}
		if s.Gravity.Word == "sm" {
			l.gravity = "smart"
		}
	}
	if s.Extend.On {
		s.Extend.lay(&l, nonZero(z.target, l.size()), z.dpr)
	}
	if s.ExtendRatio.On && z.canvas != (image.Point{}) {
		s.ExtendRatio.lay(&l, z.canvas, z.dpr)
	}
	for i, n := range z.padding {
		l.margins[i] += n
	}
	return l, nil
}

func (e extension) lay(l *layout, canvas image.Point, dpr float64) {
	have := l.size()
	canvas = image.Pt(max(canvas.X, have.X), max(canvas.Y, have.Y))
	l.canvas(canvas, e.Place.at(canvas, have, dpr))
}

// nonZero returns a where it is not 0.
func nonZero(a, b image.Point) image.Point {
	if a.X == 0 {
		a.X = b.X
	}
	if a.Y == 0 {
		a.Y = b.Y
	}
	return a
}

func (s *imgproxy) cropSize(src image.Point) image.Point {
	side := func(side int, v float64) int {
		switch {
		case v == 0:
			return side
		case v >= 1:
			return min(side, int(v))
		}
		return rounding(halfUp).one(float64(side) * v)
	}
	return image.Pt(side(src.X, s.CropW), side(src.Y, s.CropH))
}

// sizes computes how a picture of that size is scaled, cut and padded.
func (s *imgproxy) sizes(src image.Point) sizes {
	z := s.shrinks(src)
	s.measure(&z, src)
	if s.Most > 0 {
		out := least(z.scaled, nonZero(z.result, z.scaled))
		switch {
		case s.Extend.On:
			out = image.Pt(max(out.X, z.target.X), max(out.Y, z.target.Y))
		case s.ExtendRatio.On:
			out = image.Pt(max(out.X, z.canvas.X), max(out.Y, z.canvas.Y))
		}
		out = out.Add(image.Pt(z.padding[1]+z.padding[3], z.padding[0]+z.padding[2]))
		if longest := max(out.X, out.Y); longest > s.Most {
			f := float64(s.Most) / float64(longest)
			z.scale[0] *= f
			z.scale[1] *= f
			z.dpr *= f
			s.measure(&z, src)
		}
	}
	return z
}

// shrinks computes how much a picture of that size is scaled.
func (s *imgproxy) shrinks(src image.Point) (z sizes) {
	w, h := float64(src.X), float64(src.Y)
	x, y := 1.0, 1.0
	if s.Width > 0 {
		x = w / float64(s.Width)
	}
	if s.Height > 0 {
		y = h / float64(s.Height)
	}
	kind := s.Type
	if kind == "auto" {
		kind = "fit"
		dw, dh := float64(s.Width), float64(s.Height)
		if s.Width == 0 {
			dw = w
		}
		if s.Height == 0 {
			dh = h
		}
		if (w >= h) == (dw >= dh) {
			kind = "fill"
		}
	}
	switch {
	case kind == "force":
	case s.Width == 0:
		x = y
	case s.Height == 0:
		y = x
	case kind == "fit":
		x = max(x, y)
		y = x
	default:
		x = min(x, y)
		y = x
	}
	x /= s.ZoomX
	y /= s.ZoomY
	z.dpr = s.DPR
	if !s.Enlarge {
		if m := min(x, y); m < 1 {
			x /= m
			y /= m
			if !s.Extend.On {
				z.dpr /= m
			}
		}
		z.dpr = min(z.dpr, x, y)
	}
	if m := float64(s.MinWidth); m > 0 && w/m < x {
		y /= x / (w / m)
		x = w / m
	}
	if m := float64(s.MinHeight); m > 0 && h/m < y {
		x /= y / (h / m)
		y = h / m
	}
	z.scale = [2]float64{z.dpr / x, z.dpr / y}
	return z
}

// measure computes the sizes for a scale.
func (s *imgproxy) measure(z *sizes, src image.Point) {
	near := rounding(halfUp)
	target := func(n int, zoom float64) int {
		if n == 0 {
			return 0
		}
		return near.one(float64(n) * z.dpr * zoom)
	}
	z.target = image.Pt(target(s.Width, s.ZoomX), target(s.Height, s.ZoomY))
	z.scaled = image.Pt(near.one(float64(src.X)*z.scale[0]), near.one(float64(src.Y)*z.scale[1]))
	z.result = z.target
	ratio := func() (w, h float64) { return float64(z.target.X), float64(z.target.Y) }
	tw, th := ratio()
	dw, dh := tw/float64(z.scaled.X), th/float64(z.scaled.Y)
	if s.Type == "fill-down" && !s.Enlarge {
		switch {
		case dw > dh && dw > 1:
			z.result = image.Pt(z.scaled.X, near.one(float64(z.scaled.X)*th/tw))
			if z.target.Y == 0 {
				z.result.Y = 0
			}
		case dh > dw && dh > 1:
			z.result = image.Pt(near.one(float64(z.scaled.Y)*tw/th), z.scaled.Y)
			if z.target.X == 0 {
				z.result.X = 0
			}
		}
	}
	z.canvas = image.Point{}
	if s.ExtendRatio.On && z.target.X > 0 && z.target.Y > 0 {
		out := least(z.scaled, nonZero(z.result, z.scaled))
		dw, dh := tw/float64(out.X), th/float64(out.Y)
		switch {
		case dh > dw:
			z.canvas = image.Pt(out.X, near.one(float64(out.X)*th/tw))
		case dw > dh:
			z.canvas = image.Pt(near.one(float64(out.Y)*tw/th), out.Y)
		}
	}
	for i, n := range s.Padding {
		z.padding[i] = min(longest, halfEven(float64(n)*z.dpr))
	}
}
