package resize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/resize/options"
)

// A slowBody gives a few bytes at a time and counts them; behind them it has an
// error, or EOF.
type slowBody struct {
	data []byte
	step int
	err  error
	read int
	wait func() // before each Read; may be nil
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.wait != nil {
		b.wait()
	}
	n := copy(p[:min(len(p), b.step)], b.data[b.read:])
	b.read += n
	if n > 0 {
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return 0, io.EOF
}

func (b *slowBody) Close() error { return nil }

// streamed makes a picture of a file that arrives slowly; again counts how often
// it was opened once more.
func streamed(ctx context.Context, r *Resizer, body *slowBody, size int, o options.Options) (result *Result, again int, err error) {
	result, err = r.Resize(ctx, Source{Body: body, Size: int64(size), Again: func() (io.ReadCloser, error) {
		again++
		return &slowBody{data: body.data, step: body.step, err: body.err}, nil
	}}, o)
	return result, again, err
}

// What is decoded while it arrives is what is decoded when it is there, with the
// same errors, of sound files and of such as are cut off, damaged or followed by
// something else.
func TestStreamEqualsFile(t *testing.T) {
	var streams, twice int
	r := &Resizer{Budget: NewBudget(BudgetConfig{Slots: 1})}
	for i, f := range corpus(t) {
		whole := readCorpus(t, f.name)
		if len(whole) <= streamChunks*chunkBytes || testing.Short() && i%3 != 0 {
			continue
		}
		format, err := Sniff(whole)
		if err != nil || codecOf(format).stream == nil {
			continue
		}
		damaged := bytes.Clone(whole)
		for at := len(damaged) / 2; at < len(damaged)/2+40; at++ {
			damaged[at] ^= 0x55
		}
		for name, file := range map[string][]byte{
			"whole": whole, "cut off": whole[:len(whole)-len(whole)/5], "without its last bytes": whole[:len(whole)-2],
			"damaged": damaged, "followed": append(bytes.Clone(whole), make([]byte, chunkBytes+5)...),
		} {
			for _, o := range []options.Options{
				{Width: 100, Format: options.JPEG},
				{Width: 80, Height: 20, Fit: options.Cover, Format: options.PNG},
			} {
				want, wantErr := resizeBytes(t, r, file, o)
				got, again, err := streamed(t.Context(), r, &slowBody{data: file, step: 30000}, len(file), o)
				if fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Errorf("%s, %s, %v: %v; want %v", f.name, name, o, err, wantErr)
					continue
				}
				if err == nil && !bytes.Equal(got.Body, want.Body) {
					t.Errorf("%s, %s, %v: another picture", f.name, name, o)
				}
				streams++
				twice += again
			}
		}
	}
	if l := r.Budget.Load(); l.Bytes != 0 || l.Working != 0 || l.Abandoned != 0 {
		t.Errorf("Load = %+v; want nothing taken", l)
	}
	t.Logf("%d files came as streams, %d of them twice", streams, twice)
	if streams == 0 || twice*3 > streams {
		t.Errorf("%d streams, %d of them read twice", streams, twice)
	}
}

// What the source says last decides: its error is that of the result, whatever
// could be made of the bytes before.
func TestErrorsOfStreams(t *testing.T) {
	file := readCorpus(t, "photos/mei__Kodak_PIXPRO_AZ521.jpg")
	damaged := bytes.Clone(file)
	copy(damaged[len(file)/2:], "\xff\xc4\x00\x03")
	broken := errors.New("the checksum is another")
	for name, data := range map[string][]byte{"sound bytes": file, "damaged bytes": damaged} {
		for _, missing := range []int{1, 1000, len(file) / 2, len(file) - headBytes} {
			kept := false
			r := &Resizer{Budget: NewBudget(BudgetConfig{Slots: 1})}
			body := &slowBody{data: data[:len(data)-missing], step: 9999, err: broken}
			_, err := r.Resize(t.Context(), Source{Body: body, Size: int64(len(data)), Keep: func([]byte) { kept = true }, Again: func() (io.ReadCloser, error) {
				t.Errorf("%s: it is opened once more", name)
				return nil, broken
			}}, options.Options{Width: 100, Height: 10, Fit: options.Cover, Format: options.JPEG})
			if err != broken || kept {
				t.Errorf("%s, %d bytes missing: %v, kept: %v; want the error of the source", name, missing, err, kept)
			}
			if l := r.Budget.Load(); l.Bytes != 0 || l.Working != 0 {
				t.Errorf("%s: Load = %+v; want nothing taken", name, l)
			}
		}
	}
}

// What is read of a source when its work is done already is in the budget until
// then.
func TestRestOfStreamIsHeld(t *testing.T) {
	file := readCorpus(t, "photos/mei__Kodak_PIXPRO_AZ521.jpg")
	synctest.Test(t, func(t *testing.T) {
		r := &Resizer{Budget: NewBudget(BudgetConfig{})}
		least := int64(1 << 62)
		body := &slowBody{data: file, step: 64 << 10}
		body.wait = func() {
			if body.read > 0 {
				time.Sleep(time.Second) // the work has nothing to do any more
				least = min(least, r.Budget.Load().Bytes)
			}
		}
		a := r.admission(options.Options{Width: 100, Format: options.JPEG})
		a.keeps, a.rereads = true, true
		failed := errors.New("the work is not possible")
		_, err := run(t.Context(), a, body, int64(len(file)), func(context.Context, *job) (int, error) { return 0, failed })
		if !errors.Is(err, failed) || least < int64(len(file)) {
			t.Errorf("%v, %d bytes are held; want its own, and the %d of the file at least", err, least, len(file))
		}
		if n := r.Budget.Load().Bytes; n != 0 {
			t.Errorf("%d bytes are held at the end", n)
		}
	})
}

// A stream that is kept is kept whole.
func TestStreamIsKept(t *testing.T) {
	file := readCorpus(t, "photos/mei__Kodak_PIXPRO_AZ521.jpg")
	var kept []byte
	r := &Resizer{Budget: NewBudget(BudgetConfig{})}
	_, err := r.Resize(t.Context(), Source{
		Body: &slowBody{data: file, step: 50000}, Size: int64(len(file)),
		Keep: func(f []byte) { kept = bytes.Clone(f) }, Again: func() (io.ReadCloser, error) { return nil, errors.New("once is enough") },
	}, options.Options{Width: 100, Height: 10, Fit: options.Cover, Format: options.JPEG})
	if err != nil || !bytes.Equal(kept, file) {
		t.Errorf("%d bytes are kept, %v; want the %d of the source", len(kept), err, len(file))
	}
}

// A picture whose bytes come slowly holds no processor while they do, and its work
// is not charged for the time.
func TestSlowStreamHoldsNoProcessor(t *testing.T) {
	file := readCorpus(t, "photos/mei__Kodak_PIXPRO_AZ521.jpg")
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{Slots: 1})
		r := &Resizer{Budget: b, Limits: Limits{Time: time.Minute}}
		busy := 0
		body := &slowBody{data: file, step: 64 << 10, wait: func() {
			time.Sleep(10 * time.Second) // all of it takes several minutes
			synctest.Wait()
			busy += b.Load().Working
		}}
		began := time.Now()
		result, again, err := streamed(t.Context(), r, body, len(file), options.Options{Width: 100, Format: options.JPEG})
		if err != nil || again != 0 {
			t.Fatalf("%v, opened %d times more", err, again)
		}
		if busy != 0 {
			t.Errorf("a processor was held during %d waits", busy)
		}
		if waited := time.Since(began); waited < 2*time.Minute || result.Timing.Read < waited-20*time.Second || result.Timing.Decode > time.Second {
			t.Errorf("after %v: %+v", waited, result.Timing)
		}
	})
}

// The memory of a stream is that of its chunks, not that of its file.
func TestWeightOfStreams(t *testing.T) {
	file := readCorpus(t, "photos/libavif__dog_exif_extended_xmp_icc.jpg")
	b := NewBudget(BudgetConfig{Bytes: 3 << 20})
	r := &Resizer{Budget: b}
	o := options.Options{Width: 100, Format: options.JPEG}
	if _, err := resizeBytes(t, r, file, o); !errors.Is(err, ErrLimit) {
		t.Errorf("a file of %d bytes: %v; want ErrLimit", len(file), err)
	}
	if _, _, err := streamed(t.Context(), r, &slowBody{data: file, step: 99999}, len(file), o); err != nil {
		t.Errorf("a stream: %v", err)
	}
}

// Who has gone waits for nothing, and nothing is held when the source ends.
func TestCancelledStream(t *testing.T) {
	file := readCorpus(t, "photos/mei__Kodak_PIXPRO_AZ521.jpg")
	b := NewBudget(BudgetConfig{Slots: 1})
	ctx, cancel := context.WithCancel(t.Context())
	body := &slowBody{data: file, step: 64 << 10}
	body.wait = func() {
		if body.read > len(file)/2 {
			cancel()
			body.err, body.data = ctx.Err(), body.data[:body.read]
		}
	}
	_, _, err := streamed(ctx, &Resizer{Budget: b}, body, len(file), options.Options{Width: 100, Format: options.JPEG})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want context.Canceled", err)
	}
	if l := b.Load(); l.Bytes != 0 || l.Working != 0 || l.Abandoned != 0 {
		t.Errorf("Load = %+v; want nothing taken", l)
	}
}

// What is needed as a whole is no stream.
func TestStreamsThatAreFiles(t *testing.T) {
	file := readCorpus(t, "photos/mei__Kodak_PIXPRO_AZ521.jpg")
	for _, tt := range []struct {
		name string
		o    options.Options
		want bool
	}{
		{"smaller", options.Options{Width: 100, Format: options.JPEG}, true},
		{"as it is", options.Options{Format: options.JPEG}, false},
		{"trimmed", options.Options{Width: 100, Trim: 10, Format: options.JPEG}, false},
		{"metadata kept", options.Options{Width: 100, Strip: options.StripNone, Format: options.JPEG}, false},
	} {
		a := (&Resizer{}).admission(tt.o)
		a.rereads = true
		if err := a.sniff(file); err != nil {
			t.Fatal(err)
		}
		if err := a.inspect(file[:headBytes]); err != nil {
			t.Fatal(err)
		}
		if got := a.streams(int64(len(file))); got != tt.want {
			t.Errorf("%s: a stream: %v; want %v", tt.name, got, tt.want)
		}
	}
}
