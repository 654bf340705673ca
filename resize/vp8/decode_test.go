package vp8

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"math/rand/v2"
	"runtime"
	"testing"

	gen "github.com/gen2brain/webp"
)

// A frameWriter writes frames of random modes and levels, with all that the format
// has and the encoder has no use for.
type frameWriter struct {
	r          *rand.Rand
	head       *boolWriter
	partitions []*boolWriter
}

func (w *frameWriter) chance(n int) bool { return w.r.IntN(n) == 0 }

func (w *frameWriter) optional(most, bits int) int {
	v := 0
	if w.chance(2) {
		v = w.r.IntN(2*most+1) - most
	}
	if w.head.flag(v != 0); v != 0 {
		w.head.signed(v, bits)
	}
	return v
}

// write returns a frame of that size.
func (w *frameWriter) write(size image.Point) []byte {
	w.head = newBoolWriter()
	h := w.head
	h.literal(w.r.IntN(4), 2) // colours, clamping
	mapped := false
	probs := []uint8{255, 255, 255}
	if segmented := w.chance(2); segmented {
		h.flag(true)
		mapped = w.chance(2)
		h.flag(mapped)
		if updated := w.chance(2); updated {
			h.flag(true)
			absolute := w.chance(2)
			h.flag(absolute)
			for range segments {
				w.optional(127, 7)
			}
			for range segments {
				w.optional(63, 6)
			}
		} else {
			h.flag(false)
		}
		for i := range probs {
			if !mapped {
				break
			}
			if w.chance(2) {
				probs[i] = uint8(1 + w.r.IntN(255))
			}
			if h.flag(probs[i] != 255); probs[i] != 255 {
				h.literal(int(probs[i]), 8)
			}
		}
	} else {
		h.flag(false)
	}
	h.flag(w.chance(3)) // the simple filter
	level := w.r.IntN(64)
	if w.chance(6) {
		level = 0
	}
	h.literal(level, 6)
	h.literal(w.r.IntN(8), 3)
	if deltas := w.chance(2); deltas {
		h.flag(true)
		updated := w.chance(2)
		if h.flag(updated); updated {
			for range 8 {
				w.optional(63, 6)
			}
		}
	} else {
		h.flag(false)
	}
	bits := w.r.IntN(4)
	h.literal(bits, 2)
	w.partitions = nil
	for range 1 << bits {
		w.partitions = append(w.partitions, newBoolWriter())
	}
	h.literal(w.r.IntN(128), 7)
	for range 5 {
		w.optional(15, 4)
	}
	h.flag(w.chance(2))
	p := defaultProbabilities
	for context := range contexts {
		for branch, update := range updateProbabilities[context] {
			changed := w.chance(20)
			if h.put(changed, update); changed {
				p[context][branch] = uint8(1 + w.r.IntN(255))
				h.literal(int(p[context][branch]), 8)
			}
		}
	}
	skips := w.chance(2)
	skipProb := uint8(1 + w.r.IntN(255))
	if h.flag(skips); skips {
		h.literal(int(skipProb), 8)
	}
	w.macroblocks(size, &p, mapped, probs, skips, skipProb)
	return w.assemble(size)
}

func (w *frameWriter) macroblocks(size image.Point, p *probabilities, mapped bool, probs []uint8, skips bool, skipProb uint8) {
	width, height := (size.X+15)/16, (size.Y+15)/16
	aboveModes := make([]uint8, 4*width)
	above := make([]neighbours, width)
	dense := 2 + w.r.IntN(40)
	for y := range height {
		var leftModes [4]uint8
		var left neighbours
		for x := range width {
			if mapped {
				w.head.path(segmentPaths[w.r.IntN(segments)], probs)
			}
			skip := skips && w.chance(3)
			if skips {
				w.head.put(skip, skipProb)
			}
			small := w.chance(2)
			if small {
				w.head.path(in4x4, lumaProbs)
				for i := range 16 {
					m := uint8(w.r.IntN(modes4))
					a, l := &aboveModes[4*x+i%4], &leftModes[i/4]
					w.head.path(block4Paths[m], modeProbabilities[*a][*l][:])
					*a, *l = m, m
				}
			} else {
				m := uint8(w.r.IntN(modes16))
				w.head.path(lumaPaths[m], lumaProbs)
				for i := range 4 {
					aboveModes[4*x+i], leftModes[i] = m, m
				}
			}
			w.head.path(chromaPaths[w.r.IntN(modes16)], chromaProbs)
			if skip {
				y2a, y2l := above[x][neighbourY2], left[neighbourY2]
				above[x], left = neighbours{}, neighbours{}
				if small {
					above[x][neighbourY2], left[neighbourY2] = y2a, y2l
				}
				continue
			}
			c := &coefficients{}
			for i := range blocks {
				w.levels(c, i, dense)
			}
			to := w.partitions[y%len(w.partitions)]
			c.walk(small, &above[x], &left, func(i int, at place) {
				coded := max(at.first, int(c.coded[i]))
				if coded > at.first && coded < 16 && c.levels[i][zigzag[coded-1]] == 0 {
					c.levels[i][zigzag[coded-1]] = 1 // no end follows a 0
				}
				c.coded[i] = uint8(coded)
				for _, t := range appendBlock(nil, &c.levels[i], at, coded) {
					to.token(t, p)
				}
			})
		}
	}
}

// levels makes the levels of a block, which may be zeros to the end. They are small
// enough that the inverse transform has them in 16 bits, as those of pictures are.
func (w *frameWriter) levels(c *coefficients, i, dense int) {
	if w.chance(2) {
		return
	}
	c.coded[i] = uint8(1 + w.r.IntN(16))
	if w.chance(3) {
		c.coded[i] = 1
	}
	left := 32
	for n := range int(c.coded[i]) {
		if v := w.r.IntN(min(left, 1<<w.r.IntN(6)) + 1); w.chance(dense) || n < 2 {
			left = max(1, left-v)
			if w.chance(2) {
				v = -v
			}
			c.levels[i][zigzag[n]] = int16(v)
		}
	}
	if i == blockY2 && w.chance(20) {
		c.levels[i][0] = int16(w.r.IntN(200) - 100)
	}
}

func (w *frameWriter) assemble(size image.Point) []byte {
	head := w.head.end()
	tag := uint32(w.r.IntN(4)<<1 | 1<<4 | len(head)<<5)
	out := []byte{byte(tag), byte(tag >> 8), byte(tag >> 16), 0x9d, 0x01, 0x2a}
	out = binary.LittleEndian.AppendUint16(out, uint16(size.X|w.r.IntN(4)<<14))
	out = binary.LittleEndian.AppendUint16(out, uint16(size.Y|w.r.IntN(4)<<14))
	out = append(out, head...)
	var body []byte
	for i, p := range w.partitions {
		b := p.end()
		body = append(body, b...)
		if i < len(w.partitions)-1 {
			out = append(out, byte(len(b)), byte(len(b)>>8), byte(len(b)>>16))
		}
	}
	return append(out, body...)
}

// judged returns what libwebp makes of a frame.
func judged(frame []byte) (*image.YCbCr, error) {
	chunk := append(binary.LittleEndian.AppendUint32([]byte("VP8 "), uint32(len(frame))), frame...)
	if len(frame)%2 == 1 {
		chunk = append(chunk, 0)
	}
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(chunk)))
	m, err := gen.Decode(bytes.NewReader(append(append(file, "WEBP"...), chunk...)))
	if err != nil {
		return nil, err
	}
	return &m.(*image.NYCbCrA).YCbCr, nil
}

// difference returns a place where samples of two pictures are not the same.
func differenceOf(a, b *image.YCbCr) (at image.Point, same bool) {
	if a.Rect != b.Rect {
		return a.Rect.Max, false
	}
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			if a.YCbCrAt(x, y) != b.YCbCrAt(x, y) {
				return image.Pt(x, y), false
			}
		}
	}
	return image.Point{}, true
}

// inRows is Decode by way of DecodeRows.
func inRows(frame []byte, o *DecodeOptions) (*image.YCbCr, error) {
	size, err := Size(frame)
	if err != nil {
		return nil, err
	}
	m := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	next := 0
	err = DecodeRows(frame, o, func(rows *image.YCbCr) error {
		if rows.Rect.Min.Y != next || next%2 != 0 || rows.Rect.Dx() != size.X || rows.Rect.Max.Y > size.Y {
			return errors.New("rows are not those that follow")
		}
		for ; next < rows.Rect.Max.Y; next++ {
			copy(m.Y[m.YOffset(0, next):][:size.X], rows.Y[rows.YOffset(0, next):])
			if next%2 == 0 {
				copy(m.Cb[m.COffset(0, next):][:(size.X+1)/2], rows.Cb[rows.COffset(0, next):])
				copy(m.Cr[m.COffset(0, next):][:(size.X+1)/2], rows.Cr[rows.COffset(0, next):])
			}
		}
		return nil
	})
	if err == nil && next != size.Y {
		err = errors.New("not all rows came")
	}
	return m, err
}

// Frames of everything that the format has are decoded as libwebp does it, whole and
// in rows, by kernels and by plain Go.
func TestDecodeEqualsLibwebp(t *testing.T) {
	w := &frameWriter{r: rand.New(rand.NewPCG(1, 2))}
	count := 600
	if testing.Short() {
		count = 150
	}
	for n := range count {
		size := image.Pt(1+w.r.IntN(70), 1+w.r.IntN(70))
		frame := w.write(size)
		want, err := judged(frame)
		if err != nil {
			t.Fatalf("frame %d of %v: libwebp: %v", n, size, err)
		}
		for _, generic := range []bool{false, true} {
			o := &DecodeOptions{generic: generic}
			got, err := Decode(frame, o)
			if err != nil {
				t.Fatalf("frame %d of %v: %v", n, size, err)
			}
			if at, same := differenceOf(got, want); !same {
				t.Fatalf("frame %d of %v, generic %v: another sample at %v: %v; want %v", n, size, generic, at, got.YCbCrAt(at.X, at.Y), want.YCbCrAt(at.X, at.Y))
			}
			rows, err := inRows(frame, o)
			if err != nil {
				t.Fatalf("frame %d of %v in rows: %v", n, size, err)
			}
			if at, same := differenceOf(rows, want); !same {
				t.Fatalf("frame %d of %v in rows: another sample at %v", n, size, at)
			}
		}
	}
}

// What our encoder writes is decoded as libwebp does it, and so is what libwebp writes.
func TestDecodeWhatEncodersWrite(t *testing.T) {
	for n, size := range []image.Point{{1, 1}, {16, 16}, {17, 33}, {130, 100}, {7, 200}} {
		for _, quality := range []int{0, 10, 40, 75, 90, 100} {
			m := noisy(size.X, size.Y, uint64(n))
			own, err := Encode(m, Options{Quality: quality, Effort: n})
			if err != nil {
				t.Fatal(err)
			}
			var file bytes.Buffer
			opaque := &image.NYCbCrA{YCbCr: *m, A: bytes.Repeat([]byte{255}, size.X*size.Y), AStride: size.X}
			if err := gen.Encode(&file, opaque, gen.Options{Quality: quality, Method: n}); err != nil {
				t.Fatal(err)
			}
			for writer, frame := range map[string][]byte{"ours": own, "libwebp": file.Bytes()[20:]} {
				want, err := judged(frame)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Decode(frame, nil)
				if err != nil {
					t.Errorf("%s, %v, quality %d: %v", writer, size, quality, err)
					continue
				}
				if at, same := differenceOf(got, want); !same {
					t.Errorf("%s, %v, quality %d: another sample at %v", writer, size, quality, at)
				}
			}
		}
	}
}

// Samples are stretched as the picture is decoded, each as it would be afterwards.
func TestFullRange(t *testing.T) {
	frame, err := Encode(noisy(75, 50, 1), Options{Quality: 100, Effort: 2})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Decode(frame, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []func([]byte, *DecodeOptions) (*image.YCbCr, error){Decode, inRows} {
		full, err := in(frame, &DecodeOptions{FullRange: true})
		if err != nil {
			t.Fatal(err)
		}
		for y := range 50 {
			for x := range 75 {
				a, b := plain.YCbCrAt(x, y), full.YCbCrAt(x, y)
				a.Y, a.Cb, a.Cr = lumaStretch.full[a.Y], chromaStretch.full[a.Cb], chromaStretch.full[a.Cr]
				if a != b {
					t.Fatalf("at %d, %d: %v; want %v", x, y, b, a)
				}
			}
		}
	}
}

// A frame that is cut off is refused, and its first rows are those of the whole one.
func TestCutOffFrame(t *testing.T) {
	m := noisy(200, 300, 1)
	frame, err := Encode(m, Options{Quality: 75, Effort: 2})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Decode(frame, nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for n := range len(frame) - 4 {
		if n%37 != 0 {
			continue
		}
		got, err := Decode(frame[:n], nil)
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes of %d: %v; want ErrMalformed", n, len(frame), err)
		}
		if _, judge := judged(frame[:n]); judge == nil {
			t.Errorf("%d bytes of %d: libwebp decodes them", n, len(frame))
		}
		if got == nil {
			continue
		}
		shown++
		if got.Rect != whole.Rect {
			t.Fatalf("%d bytes of %d: a picture of %v", n, len(frame), got.Rect)
		}
		for y := range 300 {
			if got.Y[y*got.YStride] == 128 && bytes.Count(got.Y[y*got.YStride:][:200], []byte{128}) == 200 {
				break // from here on it is grey
			}
			if !bytes.Equal(got.Y[y*got.YStride:][:200], whole.Y[y*whole.YStride:][:200]) {
				t.Fatalf("%d bytes of %d: row %d is another one", n, len(frame), y)
			}
		}
	}
	if shown < 20 {
		t.Errorf("%d cut frames were shown", shown)
	}
}

// The errors of headers that are not those of a key frame that is shown.
func TestHeadersThatAreRefused(t *testing.T) {
	frame, err := Encode(noisy(20, 20, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(f []byte) []byte{
		"nothing":              func(f []byte) []byte { return nil },
		"nine bytes":           func(f []byte) []byte { return f[:9] },
		"ten bytes":            func(f []byte) []byte { return f[:10] },
		"no key frame":         func(f []byte) []byte { f[0] |= 1; return f },
		"version 4":            func(f []byte) []byte { f[0] |= 8; return f },
		"not shown":            func(f []byte) []byte { f[0] &^= 16; return f },
		"start code":           func(f []byte) []byte { f[4]++; return f },
		"no width":             func(f []byte) []byte { f[6], f[7] = 0, 0xc0; return f },
		"no height":            func(f []byte) []byte { f[8], f[9] = 0, 0; return f },
		"a partition too long": func(f []byte) []byte { f[2] = 255; return f },
	} {
		if _, err := Decode(change(bytes.Clone(frame)), nil); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
}

// Check ends a decoding, and so does emit.
func TestDecodeEnds(t *testing.T) {
	frame, err := Encode(noisy(20, 100, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("nobody waits")
	calls := 0
	check := func() error {
		if calls++; calls == 3 {
			return stop
		}
		return nil
	}
	if m, err := Decode(frame, &DecodeOptions{Check: check}); err != stop || m != nil || calls != 3 {
		t.Errorf("a picture %v, %v after %d calls; want the error of the third one", m != nil, err, calls)
	}
	if err := DecodeRows(frame, nil, func(*image.YCbCr) error { return stop }); err != stop {
		t.Errorf("emit: %v; want its error", err)
	}
}

// In rows a picture takes memory for its width, not for its height.
func TestMemoryOfRows(t *testing.T) {
	frame, err := Encode(noisy(400, 4000, 1), Options{Quality: 10})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := DecodeRows(frame, nil, func(*image.YCbCr) error { return nil }); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > RowsBytes(400)+300*200 {
		t.Errorf("%d bytes allocated; want about %d", n, RowsBytes(400))
	}
}

// beginsBeyond reports whether a partition begins with 255, which is beyond the interval
// that there is at first: decoders do different things then.
func beginsBeyond(frame []byte) bool {
	d, err := newDecoder(frame, nil)
	if err != nil {
		return false
	}
	for _, r := range append(d.tokens[:d.partitions], d.modes) {
		if bytes.HasPrefix(r.in, []byte{255}) {
			return true
		}
	}
	return false
}

// FuzzDecode: whatever the bytes, there is no panic, kernels and plain Go make the same
// of them, whole and in rows, and no more memory is taken than for the size that
// they name.
func FuzzDecode(f *testing.F) {
	w := &frameWriter{r: rand.New(rand.NewPCG(3, 4))}
	for range 6 {
		f.Add(w.write(image.Pt(1+w.r.IntN(50), 1+w.r.IntN(50))))
	}
	own, err := Encode(noisy(40, 30, 1), Options{Quality: 60, Effort: 4})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Fuzz(func(t *testing.T, frame []byte) {
		size, err := Size(frame)
		if err != nil || size.X*size.Y > 1<<16 {
			return
		}
		got, err := Decode(frame, nil)
		plain, plainErr := Decode(frame, &DecodeOptions{generic: true})
		if (err == nil) != (plainErr == nil) || (got == nil) != (plain == nil) {
			t.Fatalf("kernels: %v, plain Go: %v", err, plainErr)
		}
		if got != nil {
			if at, same := differenceOf(got, plain); !same {
				t.Fatalf("kernels have another sample at %v than plain Go", at)
			}
		}
		rows, rowsErr := inRows(frame, nil)
		if (err == nil) != (rowsErr == nil) {
			t.Fatalf("whole: %v, in rows: %v", err, rowsErr)
		}
		if err == nil {
			if at, same := differenceOf(got, rows); !same {
				t.Fatalf("rows have another sample at %v", at)
			}
		}
		if len(frame)%2 == 1 || beginsBeyond(frame) {
			return // libwebp reads what fills up the chunk too
		}
		if _, judge := judged(frame); judge == nil && err != nil {
			t.Fatalf("libwebp decodes what does not here: %v", err)
		}
	})
}
