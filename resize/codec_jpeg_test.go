package resize

import (
	"image"
	"testing"

	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
)

// As little of a picture is decoded as the result does not show.
func TestScalesJPEG(t *testing.T) {
	const side = 4800
	type want struct {
		scale              int
		short, approximate bool
	}
	tests := []struct {
		width   int // of the result
		quality int
		fast    bool
		want
	}{
		{300, 75, false, want{1, false, false}},  // 600 are left
		{301, 75, false, want{2, true, true}},    // 3.99 at 2/8
		{400, 100, false, want{2, true, true}},   // 3
		{401, 80, false, want{2, false, true}},   // 2.99
		{401, 81, false, want{2, false, true}},   //
		{480, 80, false, want{2, false, true}},   // 2.5
		{481, 80, false, want{2, false, true}},   //
		{600, 75, false, want{2, false, true}},   // 2
		{601, 90, false, want{4, true, true}},    // 3.99 at 4/8
		{601, 91, false, want{4, false, true}},   //
		{801, 81, false, want{4, false, false}},  // 2.99
		{801, 80, false, want{4, false, true}},   //
		{961, 80, false, want{4, false, false}},  // 2.49
		{1200, 90, false, want{4, false, false}}, // 2
		{1201, 84, false, want{4, false, false}}, // 1.99
		{1201, 85, false, want{8, false, false}}, //
		{1500, 75, false, want{4, false, false}}, // 1.6
		{1501, 75, false, want{8, false, false}}, //
		{375, 80, true, want{1, false, false}},   // 1.6 at 1/8
		{375, 81, true, want{2, true, true}},     // 3.2 at 2/8
		{376, 80, true, want{2, true, true}},     //
		{750, 80, true, want{2, false, true}},    // 1.6 at 2/8
		{751, 80, true, want{4, true, true}},     //
		{1501, 75, true, want{8, false, false}},  //
	}
	h := &jpeg.Header{Width: side, Height: side, Components: 1, Model: jpeg.Gray}
	for _, tt := range tests {
		o := options.Options{Width: tt.width, Format: options.JPEG}
		p := planOf(image.Pt(side, side), 1, o, content{})
		got := scalesJPEG(h, image.Pt(side, side), Want{Min: p.smallest(), resample: p.resample, shown: tt.quality, fast: tt.fast})
		if g := (want{got.Scale, got.Short, got.Approximate}); g != tt.want {
			t.Errorf("to %d, quality %d, fast %v: %+v; want %+v", tt.width, tt.quality, tt.fast, g, tt.want)
		}
		undroop := uint8(0)
		switch {
		case got.Scale == 1:
			undroop = 1
		case got.Scale == 2 && tt.width > side/4/2:
			undroop = 2
		}
		if g := p.resample.undroop(float64(got.Scale) / 8); g != undroop {
			t.Errorf("to %d at %d/8: droop %d is undone; want %d", tt.width, got.Scale, g, undroop)
		}
	}
}

// What a result shows is known from its format, its quality and what is done to it.
func TestShown(t *testing.T) {
	for _, tt := range []struct {
		o    options.Options
		want int
	}{
		{options.Options{Format: options.JPEG}, 82},
		{options.Options{Format: options.JPEG, Quality: 60}, 60},
		{options.Options{Format: options.JPEG, Quality: 60, MaxBytes: 999}, 60},
		{options.Options{Format: options.JPEG, Quality: 60, AutoQuality: 9900}, 100},
		{options.Options{Format: options.JPEG, Quality: 60, Effects: options.Effects{Sharpen: 100}}, 100},
		{options.Options{Format: options.WebP, Quality: 60}, 90},
		{options.Options{Format: options.PNG}, 90},
	} {
		r := &Resizer{Quality: Quality{Formats: map[options.Format]int{options.JPEG: 82}}}
		a := r.admission(tt.o)
		a.expected = tt.o.Format
		if got := a.shown(); got != tt.want {
			t.Errorf("%v: %d; want %d", tt.o, got, tt.want)
		}
	}
}

// Fast scaling gives another picture that is nearly the same, and none of a quality
// that would show it.
func TestFastScaling(t *testing.T) {
	file := readCorpus(t, "photos/mei__Kodak_PIXPRO_AZ521.jpg")
	for quality, want := range map[int]bool{75: true, 90: false} {
		o := options.Options{Width: 350, Quality: quality, Format: options.JPEG}
		fine, err := resizeBytes(t, &Resizer{}, file, o)
		if err != nil {
			t.Fatal(err)
		}
		fast, err := resizeBytes(t, &Resizer{FastScaling: true}, file, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(fine.Body) != string(fast.Body); got != want {
			t.Errorf("quality %d: another picture: %v; want %v", quality, got, want)
		}
	}
}
