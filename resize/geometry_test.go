package resize

import (
	"image"
	"math"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/scale"
)

func TestLay(t *testing.T) {
	pt := image.Pt
	tests := []struct {
		name string
		src  image.Point
		o    options.Options
		size image.Point
		crop scale.Rect // zero: the whole source
	}{
		{"nothing given keeps the size", pt(400, 300), options.Options{}, pt(400, 300), scale.Rect{}},
		{"width alone", pt(400, 300), options.Options{Width: 100}, pt(100, 75), scale.Rect{}},
		{"width alone, height rounded down", pt(401, 300), options.Options{Width: 100}, pt(100, 74), scale.Rect{}},
		{"height alone", pt(400, 300), options.Options{Height: 100}, pt(133, 100), scale.Rect{}},
		{"a side is at least one pixel", pt(1000, 2), options.Options{Width: 100}, pt(100, 1), scale.Rect{}},
		{"width alone never enlarges", pt(400, 300), options.Options{Width: 800}, pt(400, 300), scale.Rect{}},
		{"height alone never enlarges", pt(400, 300), options.Options{Height: 301}, pt(400, 300), scale.Rect{}},
		{"the same width keeps the size", pt(401, 300), options.Options{Width: 401}, pt(401, 300), scale.Rect{}},
		{"cover: a wide source loses its sides", pt(400, 300), options.Options{Width: 100, Height: 100}, pt(100, 100), scale.Rect{X: 17.0 / 133 * 400, Y: 0, W: 100.0 / 133 * 400, H: 300}},
		{"cover: a tall source loses top and bottom", pt(300, 400), options.Options{Width: 100, Height: 100}, pt(100, 100), scale.Rect{X: 0, Y: 17.0 / 133 * 400, W: 300, H: 100.0 / 133 * 400}},
		{"cover: the offset is rounded half up", pt(400, 300), options.Options{Width: 300, Height: 200}, pt(300, 200), scale.Rect{X: 0, Y: 13.0 / 225 * 300, W: 400, H: 200.0 / 225 * 300}},
		{"cover: the same ratio cuts nothing", pt(400, 300), options.Options{Width: 200, Height: 150}, pt(200, 150), scale.Rect{}},
		{"cover: both sides smaller keeps the source, uncropped", pt(400, 300), options.Options{Width: 800, Height: 600}, pt(400, 300), scale.Rect{}},
		{"cover: one side smaller enlarges", pt(400, 300), options.Options{Width: 800, Height: 200}, pt(800, 200), scale.Rect{X: 0, Y: 200.0 / 600 * 300, W: 400, H: 200.0 / 600 * 300}},
		{"cover: equal on one side is not smaller", pt(400, 300), options.Options{Width: 400, Height: 600}, pt(400, 600), scale.Rect{X: 200.0 / 800 * 400, Y: 0, W: 400.0 / 800 * 400, H: 300}},
		{"contain", pt(400, 300), options.Options{Width: 100, Height: 100, Fit: options.Contain}, pt(100, 75), scale.Rect{}},
		{"contain, tall", pt(300, 400), options.Options{Width: 100, Height: 100, Fit: options.Contain}, pt(75, 100), scale.Rect{}},
		{"contain: both sides smaller keeps the source", pt(400, 300), options.Options{Width: 800, Height: 600, Fit: options.Contain}, pt(400, 300), scale.Rect{}},
		{"contain: one side smaller shrinks", pt(400, 300), options.Options{Width: 800, Height: 200, Fit: options.Contain}, pt(266, 200), scale.Rect{}},
		{"gravity west keeps the left", pt(400, 300), options.Options{Width: 100, Height: 100, Gravity: parse("g=w").Gravity}, pt(100, 100), scale.Rect{X: 0, Y: 0, W: 100.0 / 133 * 400, H: 300}},
		{"gravity south-east keeps the right", pt(400, 300), options.Options{Width: 100, Height: 100, Gravity: parse("g=se").Gravity}, pt(100, 100), scale.Rect{X: 33.0 / 133 * 400, Y: 0, W: 100.0 / 133 * 400, H: 300}},
		{"a focal point comes to the middle", pt(1000, 100), options.Options{Width: 100, Height: 100, Gravity: options.FocalPoint(3000, 0)}, pt(100, 100), scale.Rect{X: 250, Y: 0, W: 100, H: 100}},
		{"a focal point near the edge", pt(1000, 100), options.Options{Width: 100, Height: 100, Gravity: options.FocalPoint(9900, 0)}, pt(100, 100), scale.Rect{X: 900, Y: 0, W: 100, H: 100}},
		{"scale-down never enlarges", pt(400, 300), options.Options{Width: 800, Height: 900, Fit: options.ScaleDown, Enlarge: true}, pt(400, 300), scale.Rect{}},
		{"scale-down scales down", pt(400, 300), options.Options{Width: 100, Height: 900, Fit: options.ScaleDown}, pt(100, 75), scale.Rect{}},
		{"stretch", pt(400, 300), options.Options{Width: 100, Height: 200, Fit: options.Stretch}, pt(100, 200), scale.Rect{}},
		{"stretch does not enlarge", pt(400, 300), options.Options{Width: 500, Height: 700, Fit: options.Stretch}, pt(400, 300), scale.Rect{}},
		{"auto covers a box that lies like the picture", pt(400, 300), options.Options{Width: 200, Height: 100, Fit: options.AutoFit}, pt(200, 100), scale.Rect{X: 0, Y: 25.0 / 150 * 300, W: 400, H: 200}},
		{"a side that follows from the ratio is cut off", pt(400, 302), options.Options{Width: 101}, pt(101, 76), scale.Rect{}},
		{"or rounded to the nearest, up", pt(400, 303), options.Options{Width: 101, Round: options.RoundNear}, pt(101, 77), scale.Rect{}},
		{"and down", pt(400, 301), options.Options{Width: 101, Round: options.RoundNear}, pt(101, 76), scale.Rect{}},
		{"a half is rounded up", pt(400, 302), options.Options{Width: 100, Round: options.RoundNear}, pt(100, 76), scale.Rect{}},
		{"within a box too", pt(302, 400), options.Options{Width: 100, Height: 100, Fit: options.Contain, Round: options.RoundNear}, pt(76, 100), scale.Rect{}},
		{"auto fits into a box that stands", pt(400, 300), options.Options{Width: 100, Height: 200, Fit: options.AutoFit}, pt(100, 75), scale.Rect{}},
		{"enlarge: width alone", pt(400, 300), options.Options{Width: 800, Enlarge: true}, pt(800, 600), scale.Rect{}},
		{"enlarge: cover", pt(400, 300), options.Options{Width: 800, Height: 800, Enlarge: true}, pt(800, 800), scale.Rect{X: 133.0 / 1066 * 400, Y: 0, W: 800.0 / 1066 * 400, H: 300}},
		{"zoom of the source", pt(400, 300), options.Options{Zoom: 50}, pt(200, 150), scale.Rect{}},
		{"zoom does not enlarge", pt(400, 300), options.Options{Zoom: 200}, pt(400, 300), scale.Rect{}},
		{"a ratio alone cuts", pt(400, 300), options.Options{Ratio: options.Ratio{W: 1, H: 1}}, pt(300, 300), scale.Rect{X: 50, Y: 0, W: 300, H: 300}},
		{"a ratio cuts what is smaller than the box", pt(400, 300), options.Options{Width: 1000, Height: 1000, Ratio: options.Ratio{W: 1, H: 1}}, pt(300, 300), scale.Rect{X: 50, Y: 0, W: 300, H: 300}},
		{"a least height enlarges and cuts to the box", pt(400, 100), options.Options{Width: 200, Height: 200, Fit: options.Contain, MinHeight: 100}, pt(200, 100), scale.Rect{X: 100, Y: 0, W: 200, H: 100}},
		{"a least width raises the box", pt(400, 300), options.Options{Width: 100, Height: 100, MinWidth: 200}, pt(200, 100), scale.Rect{X: 0, Y: 25.0 / 150 * 300, W: 400, H: 200}},
		{"a least width enlarges", pt(40, 30), options.Options{MinWidth: 80}, pt(80, 60), scale.Rect{}},
		{"a least height of an extreme strip is bounded", pt(30000, 1), options.Options{MinHeight: 3064}, pt(12000, 3064), scale.Rect{X: 15000 - 6000.0/3064, Y: 0, W: 12000.0 / 3064, H: 1}},
		{"one pixel", pt(1, 1), options.Options{Width: 1, Height: 1}, pt(1, 1), scale.Rect{}},
		{"an extreme strip", pt(30000, 1), options.Options{Width: 3064, Height: 3064, Fit: options.Contain}, pt(3064, 1), scale.Rect{}},
	}
	for _, tt := range tests {
		want := tt.crop
		if want == (scale.Rect{}) {
			want = scale.Rect{X: 0, Y: 0, W: float64(tt.src.X), H: float64(tt.src.Y)}
		}
		got := lay(tt.src, tt.o)
		if got.Size != tt.size || !near(got.Crop, want) {
			t.Errorf("%s: lay(%v, %+v) = %+v; want size %v of %+v", tt.name, tt.src, tt.o, got, tt.size, want)
		}
	}
}

func near(a, b scale.Rect) bool {
	const e = 1e-9
	return math.Abs(a.X-b.X) < e && math.Abs(a.Y-b.Y) < e && math.Abs(a.W-b.W) < e && math.Abs(a.H-b.H) < e
}

func TestCanvas(t *testing.T) {
	pt := image.Pt
	tests := []struct {
		name             string
		src              image.Point
		o                options.Options
		size, canvas, at image.Point
	}{
		{"pad", pt(400, 300), options.Options{Width: 100, Height: 100, Fit: options.Pad}, pt(100, 75), pt(100, 100), pt(0, 12)},
		{"pad at the bottom", pt(400, 300), options.Options{Width: 100, Height: 100, Fit: options.Pad, Gravity: parse("g=s").Gravity}, pt(100, 75), pt(100, 100), pt(0, 25)},
		{"pad around a small picture", pt(40, 30), options.Options{Width: 100, Height: 100, Fit: options.Pad}, pt(40, 30), pt(100, 100), pt(30, 35)},
		{"pad with one side", pt(400, 300), options.Options{Width: 100, Fit: options.Pad}, pt(100, 75), pt(100, 75), pt(0, 0)},
		{"pad to a ratio", pt(400, 300), options.Options{Ratio: options.Ratio{W: 1, H: 1}, Fit: options.Pad}, pt(400, 300), pt(400, 400), pt(0, 50)},
		{"padding", pt(400, 300), options.Options{Width: 100, Padding: options.Sides{Top: 1, Right: 2, Bottom: 3, Left: 4}}, pt(100, 75), pt(106, 79), pt(4, 1)},
		{"pad and padding", pt(400, 300), options.Options{Width: 100, Height: 100, Fit: options.Pad, Padding: options.Sides{Top: 1, Right: 1, Bottom: 1, Left: 1}}, pt(100, 75), pt(102, 102), pt(1, 13)},
	}
	for _, tt := range tests {
		if l := lay(tt.src, tt.o); l.Size != tt.size || l.Canvas != tt.canvas || l.At != tt.at {
			t.Errorf("%s: lay(%v, %v) = %+v; want %v at %v on %v", tt.name, tt.src, tt.o, l, tt.size, tt.at, tt.canvas)
		}
	}
}

// Whatever is asked of whatever source, the part lies inside of it and the
// result is a picture; that is size arithmetic, which runs on 32 bits too.
func TestLayStaysInside(t *testing.T) {
	sides := []int{1, 2, 3, 7, 99, 100, 101, 3064, 12000, 65535}
	boxes := []int{0, 1, 2, 99, 100, 101, 3064, 12000}
	for _, w := range sides {
		for _, h := range sides {
			for _, bw := range boxes {
				for _, bh := range boxes {
					for i, fit := range []options.Fit{options.Cover, options.Contain, options.ScaleDown, options.Pad, options.Stretch, options.AutoFit} {
						src, o := image.Pt(w, h), options.Options{Width: bw, Height: bh, Fit: fit, Gravity: parse("g=" + []string{"center", "n", "ne", "e", "se", "s"}[i]).Gravity}
						if i%2 == 1 {
							o.Ratio, o.Zoom, o.MinHeight = options.Ratio{W: 7, H: 3}, 50, 20
						}
						l := lay(src, o)
						const e = 1e-6
						if l.Size.X < 1 || l.Size.Y < 1 || l.Crop.X < -e || l.Crop.Y < -e || l.Crop.W <= 0 || l.Crop.H <= 0 ||
							l.Crop.X+l.Crop.W > float64(w)+e || l.Crop.Y+l.Crop.H > float64(h)+e {
							t.Fatalf("lay(%v, %+v) = %+v", src, o, l)
						}
						if s := smallest(src, l.Crop, l.Size); s.X < 1 || s.Y < 1 || s.X > w || s.Y > h {
							t.Fatalf("smallest(%v, %+v) = %v", src, l, s)
						}
					}
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	limits := Limits{}.withDefaults()
	tests := []struct {
		size image.Point
		ok   bool
	}{
		{image.Pt(12000, 8000), true},
		{image.Pt(10000, 10000), true},
		{image.Pt(10001, 10000), false},
		{image.Pt(65535, 1000), true},
		{image.Pt(65536, 1), false},
		{image.Pt(math.MaxInt32, math.MaxInt32), false},
		{image.Pt(0, 10), false},
		{image.Pt(-1, 10), false},
	}
	for _, tt := range tests {
		if err := limits.check(Info{Size: tt.size}); (err == nil) != tt.ok {
			t.Errorf("check(%v) = %v; want accepted %v", tt.size, err, tt.ok)
		}
	}
	if limits.keepsFrames(5001, image.Pt(1, 1)) || !limits.keepsFrames(5000, image.Pt(100, 100)) || limits.keepsFrames(101, image.Pt(1000, 1000)) {
		t.Error("keepsFrames does not hold 5000 frames and 100 million pixels")
	}
}
