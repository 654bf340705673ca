package resize

import (
	"image"
	"math"
	"testing"

	"s3imageserver/resize/options"
)

func TestLay(t *testing.T) {
	pt := image.Pt
	tests := []struct {
		name string
		src  image.Point
		o    options.Options
		size image.Point
		crop rectangle // zero: the whole source
	}{
		{"nothing given keeps the size", pt(400, 300), options.Options{}, pt(400, 300), rectangle{}},
		{"width alone", pt(400, 300), options.Options{Width: 100}, pt(100, 75), rectangle{}},
		{"width alone, height rounded down", pt(401, 300), options.Options{Width: 100}, pt(100, 74), rectangle{}},
		{"height alone", pt(400, 300), options.Options{Height: 100}, pt(133, 100), rectangle{}},
		{"a side is at least one pixel", pt(1000, 2), options.Options{Width: 100}, pt(100, 1), rectangle{}},
		{"width alone never enlarges", pt(400, 300), options.Options{Width: 800}, pt(400, 300), rectangle{}},
		{"height alone never enlarges", pt(400, 300), options.Options{Height: 301}, pt(400, 300), rectangle{}},
		{"the same width keeps the size", pt(401, 300), options.Options{Width: 401}, pt(401, 300), rectangle{}},
		{"cover: a wide source loses its sides", pt(400, 300), options.Options{Width: 100, Height: 100}, pt(100, 100), rectangle{17.0 / 133 * 400, 0, 100.0 / 133 * 400, 300}},
		{"cover: a tall source loses top and bottom", pt(300, 400), options.Options{Width: 100, Height: 100}, pt(100, 100), rectangle{0, 17.0 / 133 * 400, 300, 100.0 / 133 * 400}},
		{"cover: the offset is rounded half up", pt(400, 300), options.Options{Width: 300, Height: 200}, pt(300, 200), rectangle{0, 13.0 / 225 * 300, 400, 200.0 / 225 * 300}},
		{"cover: the same ratio cuts nothing", pt(400, 300), options.Options{Width: 200, Height: 150}, pt(200, 150), rectangle{}},
		{"cover: both sides smaller keeps the source, uncropped", pt(400, 300), options.Options{Width: 800, Height: 600}, pt(400, 300), rectangle{}},
		{"cover: one side smaller enlarges", pt(400, 300), options.Options{Width: 800, Height: 200}, pt(800, 200), rectangle{0, 200.0 / 600 * 300, 400, 200.0 / 600 * 300}},
		{"cover: equal on one side is not smaller", pt(400, 300), options.Options{Width: 400, Height: 600}, pt(400, 600), rectangle{200.0 / 800 * 400, 0, 400.0 / 800 * 400, 300}},
		{"contain", pt(400, 300), options.Options{Width: 100, Height: 100, Fit: options.Contain}, pt(100, 75), rectangle{}},
		{"contain, tall", pt(300, 400), options.Options{Width: 100, Height: 100, Fit: options.Contain}, pt(75, 100), rectangle{}},
		{"contain: both sides smaller keeps the source", pt(400, 300), options.Options{Width: 800, Height: 600, Fit: options.Contain}, pt(400, 300), rectangle{}},
		{"contain: one side smaller shrinks", pt(400, 300), options.Options{Width: 800, Height: 200, Fit: options.Contain}, pt(266, 200), rectangle{}},
		{"gravity west keeps the left", pt(400, 300), options.Options{Width: 100, Height: 100, Gravity: parse("g=w").Gravity}, pt(100, 100), rectangle{0, 0, 100.0 / 133 * 400, 300}},
		{"gravity south-east keeps the right", pt(400, 300), options.Options{Width: 100, Height: 100, Gravity: parse("g=se").Gravity}, pt(100, 100), rectangle{33.0 / 133 * 400, 0, 100.0 / 133 * 400, 300}},
		{"a focal point comes to the middle", pt(1000, 100), options.Options{Width: 100, Height: 100, Gravity: options.FocalPoint(3000, 0)}, pt(100, 100), rectangle{250, 0, 100, 100}},
		{"a focal point near the edge", pt(1000, 100), options.Options{Width: 100, Height: 100, Gravity: options.FocalPoint(9900, 0)}, pt(100, 100), rectangle{900, 0, 100, 100}},
		{"scale-down never enlarges", pt(400, 300), options.Options{Width: 800, Height: 900, Fit: options.ScaleDown, Enlarge: true}, pt(400, 300), rectangle{}},
		{"scale-down scales down", pt(400, 300), options.Options{Width: 100, Height: 900, Fit: options.ScaleDown}, pt(100, 75), rectangle{}},
		{"stretch", pt(400, 300), options.Options{Width: 100, Height: 200, Fit: options.Stretch}, pt(100, 200), rectangle{}},
		{"stretch does not enlarge", pt(400, 300), options.Options{Width: 500, Height: 700, Fit: options.Stretch}, pt(400, 300), rectangle{}},
		{"auto covers a box that lies like the picture", pt(400, 300), options.Options{Width: 200, Height: 100, Fit: options.AutoFit}, pt(200, 100), rectangle{0, 25.0 / 150 * 300, 400, 200}},
		{"a side that follows from the ratio is cut off", pt(400, 302), options.Options{Width: 101}, pt(101, 76), rectangle{}},
		{"or rounded to the nearest, up", pt(400, 303), options.Options{Width: 101, Round: options.RoundNear}, pt(101, 77), rectangle{}},
		{"and down", pt(400, 301), options.Options{Width: 101, Round: options.RoundNear}, pt(101, 76), rectangle{}},
		{"a half is rounded up", pt(400, 302), options.Options{Width: 100, Round: options.RoundNear}, pt(100, 76), rectangle{}},
		{"within a box too", pt(302, 400), options.Options{Width: 100, Height: 100, Fit: options.Contain, Round: options.RoundNear}, pt(76, 100), rectangle{}},
		{"auto fits into a box that stands", pt(400, 300), options.Options{Width: 100, Height: 200, Fit: options.AutoFit}, pt(100, 75), rectangle{}},
		{"enlarge: width alone", pt(400, 300), options.Options{Width: 800, Enlarge: true}, pt(800, 600), rectangle{}},
		{"enlarge: cover", pt(400, 300), options.Options{Width: 800, Height: 800, Enlarge: true}, pt(800, 800), rectangle{133.0 / 1066 * 400, 0, 800.0 / 1066 * 400, 300}},
		{"zoom of the source", pt(400, 300), options.Options{Zoom: 50}, pt(200, 150), rectangle{}},
		{"zoom does not enlarge", pt(400, 300), options.Options{Zoom: 200}, pt(400, 300), rectangle{}},
		{"a ratio alone cuts", pt(400, 300), options.Options{Ratio: options.Ratio{W: 1, H: 1}}, pt(300, 300), rectangle{50, 0, 300, 300}},
		{"a ratio cuts what is smaller than the box", pt(400, 300), options.Options{Width: 1000, Height: 1000, Ratio: options.Ratio{W: 1, H: 1}}, pt(300, 300), rectangle{50, 0, 300, 300}},
		{"a least height enlarges and cuts to the box", pt(400, 100), options.Options{Width: 200, Height: 200, Fit: options.Contain, MinHeight: 100}, pt(200, 100), rectangle{100, 0, 200, 100}},
		{"a least width raises the box", pt(400, 300), options.Options{Width: 100, Height: 100, MinWidth: 200}, pt(200, 100), rectangle{0, 25.0 / 150 * 300, 400, 200}},
		{"a least width enlarges", pt(40, 30), options.Options{MinWidth: 80}, pt(80, 60), rectangle{}},
		{"a least height of an extreme strip is bounded", pt(30000, 1), options.Options{MinHeight: 3064}, pt(12000, 3064), rectangle{15000 - 6000.0/3064, 0, 12000.0 / 3064, 1}},
		{"one pixel", pt(1, 1), options.Options{Width: 1, Height: 1}, pt(1, 1), rectangle{}},
		{"an extreme strip", pt(30000, 1), options.Options{Width: 3064, Height: 3064, Fit: options.Contain}, pt(3064, 1), rectangle{}},
	}
	for _, tt := range tests {
		want := tt.crop
		if want == (rectangle{}) {
			want = rectangle{0, 0, float64(tt.src.X), float64(tt.src.Y)}
		}
		got := lay(tt.src, tt.o)
		if got.Size != tt.size || !near(got.Crop, want) {
			t.Errorf("%s: lay(%v, %+v) = %+v; want size %v of %+v", tt.name, tt.src, tt.o, got, tt.size, want)
		}
	}
}

func near(a, b rectangle) bool {
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
