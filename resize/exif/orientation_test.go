package exif

import (
	"image"
	"testing"

	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/scale"
)

func TestStoredRectangle(t *testing.T) {
	// The upper left quarter of the upright picture, in every orientation.
	stored := image.Pt(400, 200)
	for o := Orientation(1); o <= 8; o++ {
		up := o.Size(stored)
		r := scale.Rect{X: 0, Y: 0, W: float64(up.X) / 2, H: float64(up.Y) / 2}
		got := o.Stored(r, stored)
		sx, sy := picturetest.StoredAt(int(o), stored, 0, 0)
		inside := float64(sx) >= got.X && float64(sx) < got.X+got.W && float64(sy) >= got.Y && float64(sy) < got.Y+got.H
		if got.W != 200 || got.H != 100 || !inside {
			t.Errorf("orientation %d: stored(%v) = %v; want a quarter that holds (%d,%d)", o, r, got, sx, sy)
		}
	}
}
