package resize

import (
	"image"
	"strings"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/paint"
)

// Each option asks for its step, and the order is fixed: a picture is turned
// before anything is laid around it, and text comes last.
func TestSteps(t *testing.T) {
	r := &Resizer{Watermark: paint.NewOverlay(image.NewNRGBA(image.Rect(0, 0, 4, 4)))}
	for query, want := range map[string]string{
		"f=png":                   "crop and scale, turn",
		"f=png&rot=7":             "crop and scale, turn, tilt",
		"f=png&w=20&h=20&fit=pad": "crop and scale, turn, background",
		"f=png&radius=3&bg=fff":   "crop and scale, turn, background, frame",
		"f=jpeg&radius=3&bg=fff":  "crop and scale, turn, background, frame, fill corners",
		"f=jpeg&txt=a&wm=logo&border=1,f00&rot=7&blur=1": "crop and scale, turn, tilt, effects, frame, watermark, text",
		"f=png&wm=none": "crop and scale, turn",
	} {
		j := &job{admission: r.admission(parse(query))}
		plan := planOf(image.Pt(40, 30), exif.Orientation(1), j.options, content{})
		var names []string
		for _, s := range j.steps(&Picture{Scale: 1, Source: image.Pt(40, 30)}, &plan, nil) {
			if s.wanted {
				names = append(names, s.name)
			}
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%s: %s; want %s", query, got, want)
		}
	}
}
