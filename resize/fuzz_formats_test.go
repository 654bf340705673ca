package resize

import (
	"bytes"
	"image"
	"testing"
)

// What the boxes of a file say is bounded, whatever they say.
func FuzzHEIF(f *testing.F) {
	for _, name := range []string{"photo.heic", "photo-alpha.heic", "icon.heic", "photo-part.avif"} {
		f.Add(readOwn(f, name))
	}
	f.Add(readOwn(f, "photo.avif"))
	f.Add([]byte("\x00\x00\x00\x10ftypavif\x00\x00\x00\x00\x00\x00\x00\x00meta"))
	f.Fuzz(func(t *testing.T, data []byte) {
		Sniff(data)
		h, err := parseHEIF(data)
		if err != nil {
			return
		}
		if h.orientation < 1 || h.orientation > 8 || h.coded < area(h.size) || len(h.icc) > maxICCBytes || len(h.exif) > len(data) {
			t.Fatalf("%+v", h)
		}
		if h.crop.Empty() || !h.crop.In(image.Rectangle{Max: h.size}) {
			t.Fatalf("%v of %v is shown", h.crop, h.size)
		}
		h.profile()
		item, err := h.item(data, h.meta.primary)
		if err != nil {
			return
		}
		if len(item.file) != len(data) {
			t.Fatalf("%d bytes for the decoder, of %d", len(item.file), len(data))
		}
		_ = h.complete(data) // any error: it must end
	})
}

func FuzzJPEGXLHeader(f *testing.F) {
	f.Add(readOwn(f, "photo.jxl"))
	f.Add(readOwn(f, "photo-p3.jxl"))
	f.Add([]byte(jxlContainer + "\x00\x00\x00\x0ejxlp\x00\x00\x00\x00\xff\x0a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := parseJXL(data)
		if err != nil {
			return
		}
		if h.size.X < 0 || h.size.Y < 0 || h.extra > 1<<12 {
			t.Fatalf("%+v", h)
		}
		if len(h.decoded()) > maxICCBytes {
			t.Fatalf("profile of %d bytes", len(h.decoded()))
		}
	})
}

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
			if len(bare) > len(data)+len(jfif) {
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
	f.Add(tiffPages(f, image.Pt(3, 2), image.Pt(2, 2)), 2)
	f.Add(icoFile(4, 32), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n = max(1, min(n, maxPage))
		for _, c := range []*codec{&tiffCodec, &icoCodec} {
			if first, err := c.page(data, n); err == nil && len(first) > len(data) {
				t.Fatalf("%v: %d first bytes of %d", c.format, len(first), len(data))
			}
		}
		if last, n, _ := tiffDirectories(data, maxPage); n > 0 && last+2 > uint64(len(data)) {
			t.Fatalf("directory at %d of %d", last, len(data))
		}
	})
}
