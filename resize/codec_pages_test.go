package resize

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"slices"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

// Pages of TIFF and pictures of ICO are asked for by number; the last one stands
// for those beyond.
func TestPagesOfFiles(t *testing.T) {
	sizes := []image.Point{{30, 20}, {20, 40}, {50, 10}}
	many := picturetest.TIFFPages(t, sizes...)
	icons := slices.Concat([]byte{0, 0, 1, 0, 3, 0})
	var pictures []byte
	for _, side := range []int{8, 32, 16} {
		one := icoFile(side, 32)
		entry := bytes.Clone(one[6:22])
		binary.LittleEndian.PutUint32(entry[12:], uint32(6+3*16+len(pictures)))
		icons = append(icons, entry...)
		pictures = append(pictures, one[22:]...)
	}
	icons = append(icons, pictures...)
	tests := []struct {
		name string
		file []byte
		page int
		want image.Point
		grey int // 0: not looked at
	}{
		{"the first page", many, 0, sizes[0], 40},
		{"page 1", many, 1, sizes[0], 40},
		{"page 2", many, 2, sizes[1], 80},
		{"page 3", many, 3, sizes[2], 120},
		{"a page beyond the last", many, 4, sizes[2], 120},
		{"the largest icon", icons, 0, image.Pt(32, 32), 0},
		{"icon 1", icons, 1, image.Pt(8, 8), 0},
		{"icon 2", icons, 2, image.Pt(32, 32), 0},
		{"icon 3", icons, 3, image.Pt(16, 16), 0},
		{"an icon beyond the last", icons, 9, image.Pt(16, 16), 0},
	}
	for _, tt := range tests {
		for _, format := range []options.Format{options.PNG, options.WebP, options.GIF} {
			file := bytes.Clone(tt.file)
			kept := []byte(nil)
			result, err := everything.Resize(t.Context(), Source{Body: bytes.NewReader(file), Size: int64(len(file)), Keep: func(b []byte) { kept = bytes.Clone(b) }}, options.Options{Format: format, Page: tt.page})
			if err != nil || result.Size != tt.want {
				t.Errorf("%s as %v: %v, %v; want %v", tt.name, format, result, err, tt.want)
				continue
			}
			if !bytes.Equal(kept, tt.file) {
				t.Errorf("%s as %v: another source is kept", tt.name, format)
			}
			if img := toPNG(t, result.Body, options.Options{}); tt.grey != 0 && format == options.PNG {
				if got := color.GrayModel.Convert(img.At(3, 3)).(color.Gray).Y; int(got) != tt.grey {
					t.Errorf("%s: grey %d; want %d", tt.name, got, tt.grey)
				}
			}
		}
	}
	for name, file := range map[string][]byte{"TIFF": many, "ICO": icons} {
		d, err := everything.Inspect(t.Context(), bytes.NewReader(file), int64(len(file)), []string{"frames"})
		if err != nil || d.Frames != 3 || d.Loops != nil {
			t.Errorf("%s: %+v, %v; want 3 pages", name, d, err)
		}
	}
}
