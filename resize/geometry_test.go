package resize

import (
	"image"
	"math"
	"testing"
)

func TestLay(t *testing.T) {
	pt := image.Pt
	tests := []struct {
		name string
		src  image.Point
		o    Options
		size image.Point
		crop rectangle // zero: the whole source
	}{
		{"nothing given keeps the size", pt(400, 300), Options{}, pt(400, 300), rectangle{}},
		{"width alone", pt(400, 300), Options{Width: 100}, pt(100, 75), rectangle{}},
		{"width alone, height rounded down", pt(401, 300), Options{Width: 100}, pt(100, 74), rectangle{}},
		{"height alone", pt(400, 300), Options{Height: 100}, pt(133, 100), rectangle{}},
		{"a side is at least one pixel", pt(1000, 2), Options{Width: 100}, pt(100, 1), rectangle{}},
		{"width alone never enlarges", pt(400, 300), Options{Width: 800}, pt(400, 300), rectangle{}},
		{"height alone never enlarges", pt(400, 300), Options{Height: 301}, pt(400, 300), rectangle{}},
		{"the same width keeps the size", pt(401, 300), Options{Width: 401}, pt(401, 300), rectangle{}},
		{"cover: a wide source loses its sides", pt(400, 300), Options{Width: 100, Height: 100}, pt(100, 100), rectangle{17.0 / 133 * 400, 0, 100.0 / 133 * 400, 300}},
		{"cover: a tall source loses top and bottom", pt(300, 400), Options{Width: 100, Height: 100}, pt(100, 100), rectangle{0, 17.0 / 133 * 400, 300, 100.0 / 133 * 400}},
		{"cover: the offset is rounded half up", pt(400, 300), Options{Width: 300, Height: 200}, pt(300, 200), rectangle{0, 13.0 / 225 * 300, 400, 200.0 / 225 * 300}},
		{"cover: the same ratio cuts nothing", pt(400, 300), Options{Width: 200, Height: 150}, pt(200, 150), rectangle{}},
		{"cover: both sides smaller keeps the source, uncropped", pt(400, 300), Options{Width: 800, Height: 600}, pt(400, 300), rectangle{}},
		{"cover: one side smaller enlarges", pt(400, 300), Options{Width: 800, Height: 200}, pt(800, 200), rectangle{0, 200.0 / 600 * 300, 400, 200.0 / 600 * 300}},
		{"cover: equal on one side is not smaller", pt(400, 300), Options{Width: 400, Height: 600}, pt(400, 600), rectangle{200.0 / 800 * 400, 0, 400.0 / 800 * 400, 300}},
		{"contain", pt(400, 300), Options{Width: 100, Height: 100, Fit: Contain}, pt(100, 75), rectangle{}},
		{"contain, tall", pt(300, 400), Options{Width: 100, Height: 100, Fit: Contain}, pt(75, 100), rectangle{}},
		{"contain: both sides smaller keeps the source", pt(400, 300), Options{Width: 800, Height: 600, Fit: Contain}, pt(400, 300), rectangle{}},
		{"contain: one side smaller shrinks", pt(400, 300), Options{Width: 800, Height: 200, Fit: Contain}, pt(266, 200), rectangle{}},
		{"one pixel", pt(1, 1), Options{Width: 1, Height: 1}, pt(1, 1), rectangle{}},
		{"an extreme strip", pt(30000, 1), Options{Width: 3064, Height: 3064, Fit: Contain}, pt(3064, 1), rectangle{}},
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

// Whatever is asked of whatever source, the part lies inside of it and the
// result is a picture; that is size arithmetic, which runs on 32 bits too.
func TestLayStaysInside(t *testing.T) {
	sides := []int{1, 2, 3, 7, 99, 100, 101, 3064, 12000, 65535}
	boxes := []int{0, 1, 2, 99, 100, 101, 3064, 12000}
	for _, w := range sides {
		for _, h := range sides {
			for _, bw := range boxes {
				for _, bh := range boxes {
					for _, fit := range []Fit{Cover, Contain} {
						src, o := image.Pt(w, h), Options{Width: bw, Height: bh, Fit: fit}
						l := lay(src, o)
						const e = 1e-6
						if l.Size.X < 1 || l.Size.Y < 1 || l.Crop.X < -e || l.Crop.Y < -e || l.Crop.W <= 0 || l.Crop.H <= 0 ||
							l.Crop.X+l.Crop.W > float64(w)+e || l.Crop.Y+l.Crop.H > float64(h)+e {
							t.Fatalf("lay(%v, %+v) = %+v", src, o, l)
						}
						if s := smallest(src, l); s.X < 1 || s.Y < 1 || s.X > w || s.Y > h {
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
	if limits.keepsFrames(201, image.Pt(1, 1)) || !limits.keepsFrames(200, image.Pt(100, 100)) || limits.keepsFrames(101, image.Pt(1000, 1000)) {
		t.Error("keepsFrames does not hold 200 frames and 100 million pixels")
	}
}
