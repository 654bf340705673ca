package resize

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	stdgif "image/gif"
	"image/png"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
)

// allocated returns how many bytes f allocates, which is at least what it holds at
// any time.
func allocated(f func()) int64 {
	runtime.GC() // pools are empty twice after one
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// bytesOfDecoding returns what decoding a file allocates, with all of its frames,
// and what its codec says of it.
func bytesOfDecoding(t *testing.T, name string, file []byte, o options.Options) (got, said int64, ok bool) {
	t.Helper()
	j := (&Resizer{}).admission(o)
	if err := j.sniff(file); err != nil {
		return 0, 0, false
	}
	if err := j.inspect(file); err != nil {
		return 0, 0, false
	}
	j.want.only = j.only()
	more := int64(0)
	j.want.grow = func(n int64) error {
		more += n
		return nil
	}
	var err error
	got = allocated(func() {
		var p *Picture
		if p, err = j.codec.decode(file, j.want); err != nil {
			return
		}
		for _, frameErr := range p.Frames {
			if frameErr != nil {
				err = frameErr
				return
			}
		}
		runtime.KeepAlive(p)
	})
	return got, j.codec.memory(j.info, j.want) + more, err == nil
}

// What decoding holds is at most a quarter more than what is asked of the budget
// for it, whatever the file: in whole and in part, of the corpus and of bombs.
func TestMemoryOfDecoding(t *testing.T) {
	files := map[string][]byte{}
	for _, f := range corpus(t) {
		for _, ext := range []string{".jpg", ".jpeg", ".png", ".gif", ".webp"} {
			if strings.HasSuffix(f.name, ext) && (!testing.Short() || len(files) < 20) {
				files[f.name] = readCorpus(t, f.name)
			}
		}
	}
	for _, name := range []string{"photos/still-life.jpg", "photos/chart.png", "photos/logo.png", "photos/orbit.gif", "edge/cmyk.jpg", "edge/16-bit.png", "edge/transparent.gif"} {
		files[name] = readSample(t, name)
	}
	for _, kind := range pngKinds() {
		name := "flat PNG of 900 x 900"
		if kind.interlaced == 1 {
			name = "flat interlaced PNG of 900 x 900"
		}
		files[name+" "+string(rune('a'+kind.color))+" "+string(rune('a'+kind.depth))+map[bool]string{true: " with a transparent colour"}[kind.trns]] = rawPNG(kind, image.Pt(900, 900), nil)
	}
	photo := photoJPEG(t)
	for i := range 4 {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, photo, &jpeg.EncodeOptions{Progressive: i&1 != 0, Chroma444: i&2 != 0}); err != nil {
			t.Fatal(err)
		}
		for s := range jpeg.Segments(b.Bytes()) { // as large as it likes, of which little is there
			if s.Marker == 0xc0 || s.Marker == 0xc2 {
				binary.BigEndian.PutUint16(s.Payload[1:], 3000)
				binary.BigEndian.PutUint16(s.Payload[3:], 3000)
			}
		}
		files["lying JPEG "+string(rune('0'+i))] = b.Bytes()
		rgb := withoutSegments(b.Bytes(), 0xe0)
		for s := range jpeg.Segments(rgb) {
			switch s.Marker {
			case 0xc0, 0xc2:
				s.Payload[6], s.Payload[9], s.Payload[12] = 'R', 'G', 'B'
			case 0xda:
				for c := range int(s.Payload[0]) {
					s.Payload[1+2*c] = "RGB"[s.Payload[1+2*c]-1]
				}
			}
		}
		files["lying RGB JPEG "+string(rune('0'+i))] = rgb
	}
	flat := image.NewPaletted(image.Rect(0, 0, 900, 900), color.Palette{color.Black, color.White})
	bomb := stdgif.GIF{Image: []*image.Paletted{flat, flat, flat}, Delay: []int{1, 1, 1}, Disposal: []byte{stdgif.DisposalPrevious, stdgif.DisposalBackground, stdgif.DisposalPrevious}}
	var b bytes.Buffer
	if err := stdgif.EncodeAll(&b, &bomb); err != nil {
		t.Fatal(err)
	}
	files["flat GIF of 900 x 900"] = b.Bytes()
	checked := 0
	for name, file := range files {
		if info, err := configWebP(file); err == nil && info.Animated {
			continue // its frames have planes of their own, one after another
		}
		for _, o := range []options.Options{{Format: options.PNG}, {Width: 300, Format: options.WebP}, {Width: 40, Height: 40, Fit: options.Cover, Format: options.JPEG}, {Width: 30, Trim: 10, Format: options.PNG}} {
			got, said, ok := bytesOfDecoding(t, name, file, o)
			if said == 0 || !ok && got < said {
				continue // it is refused, or was before it took what was asked for
			}
			checked++
			// Metadata and profiles are copied, and a profile may be longer than the file.
			if slack := int64(len(file)) + 256<<10; got > said*5/4+slack {
				t.Errorf("%s, %v: %d KB allocated, %d KB were asked for", name, o, got>>10, said>>10)
			}
		}
	}
	if checked < 150 {
		t.Errorf("only %d pictures decoded", checked)
	}
	t.Logf("%d pictures decoded", checked)
}

// The pixels of a PNG are in many chunks, and they are not copied together.
func TestPartsOfPNGAreNotCopied(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 1500, 1500))
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(rng.Uint32()) | byte(i%4/3*255)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte("IDAT")); n < 100 || b.Len() < 5<<20 {
		t.Fatalf("%d chunks, %d bytes", n, b.Len())
	}
	got, said, ok := bytesOfDecoding(t, "noise", b.Bytes(), options.Options{Width: 300, Format: options.JPEG})
	if !ok || got > said*5/4 || said > 3<<20 {
		t.Errorf("%d KB allocated, %d KB were asked for", got>>10, said>>10)
	}
}
