package resize

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// framedSquare returns a white picture with a black square in it.
func framedSquare(side, from, to int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.NRGBA{255, 255, 255, 255}
			if x >= from && x < to && y >= from && y < to {
				c = color.NRGBA{0, 0, 0, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// Of what lies outside of a crop or was trimmed nothing shows in the result,
// however the picture is decoded and turned.
func TestCropDoesNotBleed(t *testing.T) {
	m := framedSquare(400, 80, 320)
	files := map[string][]byte{}
	var b bytes.Buffer
	if err := encodePNG(&b, still(m), Quality{}); err != nil {
		t.Fatal(err)
	}
	files["png"] = bytes.Clone(b.Bytes())
	b.Reset()
	if err := encodeGIF(&b, still(m), Quality{}); err != nil {
		t.Fatal(err)
	}
	files["gif"] = bytes.Clone(b.Bytes())
	for name, chroma444 := range map[string]bool{"4:2:0": false, "4:4:4": true} {
		b.Reset()
		if err := jpeg.Encode(&b, m, &jpeg.EncodeOptions{Quality: 100, Chroma444: chroma444}); err != nil {
			t.Fatal(err)
		}
		files["jpeg "+name] = bytes.Clone(b.Bytes())
	}
	whole := func(n int32) options.Length { return options.Length{N: n} }
	crop := options.Crop{X: whole(80), Y: whole(80), W: whole(240), H: whole(240)}
	for name, file := range files {
		for _, o := range []options.Options{
			{Crop: crop}, {Crop: crop, Width: 150}, {Crop: crop, Width: 50}, {Crop: crop, Width: 20}, {Crop: crop, Width: 300, Enlarge: true},
			{Crop: crop, Width: 50, Orient: 6}, {Crop: crop, Width: 50, Orient: 3, Flip: options.FlipX}, {Crop: crop, Width: 50, Height: 20},
			{Trim: 20}, {Trim: 20, Width: 50}, {Trim: 20, Width: 20},
		} {
			got := pixel.Copy(toPNG(t, file, o))
			most := byte(0)
			for i := 0; i < len(got.Pix); i += 4 {
				most = max(most, got.Pix[i], got.Pix[i+1], got.Pix[i+2])
			}
			if most > 2 {
				t.Errorf("%s, %v: %v with a sample of %d; all of it is black", name, o.String(), got.Rect.Size(), most)
			}
		}
	}
}

// What a box cuts off may count, as in other resamplers.
func TestBoxHasNoEdge(t *testing.T) {
	p := planOf(image.Pt(400, 300), 6, options.Options{Width: 100, Height: 100, Fit: options.Cover}, content{})
	if p.resample.edge != (image.Rectangle{}) {
		t.Errorf("the edge of a box is %v", p.resample.edge)
	}
	o := options.Options{Crop: options.Crop{X: options.Length{N: 10}, Y: options.Length{N: 20}, W: options.Length{N: 50}, H: options.Length{N: 280}}, Width: 20}
	if got := planOf(image.Pt(400, 300), 1, o, content{}).resample.edge; got.Min != image.Pt(10, 20) || got.Max != image.Pt(60, 0) {
		t.Errorf("the edge of a crop down to the lower side is %v", got)
	}
}
