package resize

import (
	"bytes"
	"image"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

func FuzzICO(f *testing.F) {
	for _, bits := range []int{0, 1, 4, 8, 24, 32} {
		f.Add(icoFile(6, bits))
	}
	limits := Limits{Pixels: 1 << 16}.withDefaults()
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := icoCodec.config(data)
		if err != nil || limits.check(info) != nil {
			return
		}
		p, err := decodeICO(data, Want{Limits: limits})
		if err != nil {
			return
		}
		if p.Source != info.Size {
			t.Fatalf("the header says %v, the picture is %v", info.Size, p.Source)
		}
	})
}

// Taking a file apart loses nothing of its picture, and does so for good.
func FuzzContainers(f *testing.F) {
	for _, name := range []string{"edge/p3.jpg", "orientation/6.jpg", "edge/palette.png", "photos/garden.webp"} {
		f.Add(readSample(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		format, err := Sniff(data)
		if err != nil {
			return
		}
		metadataOf(format, data)
		for _, profile := range []bool{true, false} {
			bare, ok := withoutMetadata(format, data, profile)
			if !ok {
				continue
			}
			const jfif = 18 // bytes of the segment that takes the place of one of any length
			if len(bare) > len(data)+jfif {
				t.Fatalf("%v of %d bytes became longer: %d", format, len(data), len(bare))
			}
			if again, ok := withoutMetadata(format, bare, profile); !ok || !bytes.Equal(again, bare) {
				t.Fatalf("%v: other bytes the second time", format)
			}
		}
	})
}

// Directories and entries are followed within bounds, whatever a file says.
func FuzzPages(f *testing.F) {
	f.Add(picturetest.TIFFPages(f, image.Pt(3, 2), image.Pt(2, 2)), 2)
	f.Add(icoFile(4, 32), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n = max(1, min(n, options.MaxPage))
		for _, c := range []*codec{&tiffCodec, &icoCodec} {
			if first, err := c.page(data, n); err == nil && len(first) > len(data) {
				t.Fatalf("%v: %d first bytes of %d", c.format, len(first), len(data))
			}
		}
		for at, err := range exif.Directories(data) {
			if err == nil && at+2 > uint64(len(data)) {
				t.Fatalf("directory at %d of %d", at, len(data))
			}
		}
	})
}
