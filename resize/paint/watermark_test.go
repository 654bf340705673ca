package paint

import (
	"image"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// A watermark lies where its gravity says, in the size that its scale says, and
// inside of the picture.
func TestWatermark(t *testing.T) {
	mark := NewOverlay(flatPicture(40, 20, testRed))
	tests := []struct {
		query string
		want  image.Rectangle
	}{
		{"wm=m", image.Rect(80, 40, 120, 60)},
		{"wm=m&wmg=nw", image.Rect(2, 2, 42, 22)},
		{"wm=m&wmg=se", image.Rect(158, 78, 198, 98)},
		{"wm=m&wms=10", image.Rect(90, 45, 110, 55)},
		{"wm=m&wms=100&wmg=n", image.Rect(0, 0, 200, 100)},
		{"wm=m&wmg=fp:0.25:0.5", image.Rect(30, 40, 70, 60)},
		{"wm=m&wmg=fp:0:1", image.Rect(0, 80, 40, 100)},
	}
	for _, tt := range tests {
		w := parse(tt.query).Watermark
		m := flatPicture(200, 100, testWhite)
		Watermark(m, mark.Fitted(w, m.Rect.Size()), w)
		if got := extent(m, testWhite); got != tt.want {
			t.Errorf("%s lies at %v; want %v", tt.query, got, tt.want)
		}
	}
	// Larger than the picture: it is made to fit.
	small := flatPicture(10, 10, testWhite)
	w := options.Watermark{Name: "m"}
	Watermark(small, mark.Fitted(w, small.Rect.Size()), w)
	if got := extent(small, testWhite); got != image.Rect(0, 2, 10, 7) {
		t.Errorf("a watermark larger than the picture lies at %v", got)
	}
	half := flatPicture(50, 50, testWhite)
	w.Opacity = 5000
	Watermark(half, mark.Fitted(w, half.Rect.Size()), w)
	if c := half.NRGBAAt(25, 25); abs(int(c.G)-127) > 2 || c.R != 255 {
		t.Errorf("half opaque red on white is %v", c)
	}
	tiled := flatPicture(200, 100, testWhite)
	w = options.Watermark{Name: "m", Tile: true, Scale: 500}
	Watermark(tiled, mark.Fitted(w, tiled.Rect.Size()), w)
	for y := 0; y < 100; y += 20 {
		for x := 0; x < 200; x += 40 {
			if part := pixel.Copy(tiled.SubImage(image.Rect(x, y, x+40, y+20))); extent(part, testWhite).Empty() {
				t.Errorf("no tile at %d, %d", x, y)
			}
		}
	}
}
