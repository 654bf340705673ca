package resize

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

// stuckCodec is a codec whose decoder waits for release, whatever the context
// says.
func stuckCodec(release <-chan struct{}) *codec {
	c := pngCodec
	c.decode = func(file []byte, want Want) (*Picture, error) {
		<-release
		return pngCodec.decode(file, want)
	}
	return &c
}

func stuckJob(b *Budget, release <-chan struct{}, limit time.Duration) *job {
	return &job{admission: &admission{limits: Limits{Time: limit}.withDefaults(), budget: b, options: options.Options{Format: options.PNG}, codec: stuckCodec(release), expected: options.PNG, resizer: &Resizer{}, held: 1000}}
}

// A decoder that does not end: who waits gets an answer, and the processor and
// the memory stay taken, visibly, until it ends.
func TestWorkThatDoesNotEnd(t *testing.T) {
	tests := []struct {
		name  string
		limit time.Duration
		ctx   func(context.Context) (context.Context, context.CancelFunc)
		want  error
		after time.Duration
	}{
		{"the client left", time.Minute, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, context.DeadlineExceeded, time.Second + endsSoon},
		{"the time is over", 5 * time.Second, context.WithCancel, ErrLimit, 5*time.Second + endsSoon},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			b := NewBudget(BudgetConfig{Bytes: 10000, Slots: 2})
			if err := b.acquire(t.Context(), 1000); err != nil {
				t.Fatal(err)
			}
			release := make(chan struct{})
			ctx, cancel := tt.ctx(t.Context())
			defer cancel()
			began := time.Now()
			_, err := runStuck(ctx, stuckJob(b, release, tt.limit))
			if d := time.Since(began); !errors.Is(err, tt.want) || d != tt.after {
				t.Errorf("%s: run = %v after %v; want %v after %v", tt.name, err, d, tt.want, tt.after)
			}
			if l := b.Load(); l.Abandoned != 1 || l.Working != 1 || l.Bytes != 1000 {
				t.Errorf("%s: Load = %+v; want one abandoned job with its processor and its bytes", tt.name, l)
			}
			close(release)
			synctest.Wait()
			if l := b.Load(); l.Abandoned != 0 || l.Working != 0 || l.Bytes != 0 {
				t.Errorf("%s: Load after its end = %+v; want nothing taken", tt.name, l)
			}
		})
	}
}

// A hundred jobs that are abandoned leave nothing behind.
func TestAbandonedJobsAreCountedExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{Bytes: 1 << 20, Slots: 4, Queue: 200})
		release := make(chan struct{})
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := b.acquire(ctx, 1000); err != nil {
				t.Fatal(err)
			}
			if _, err := runStuck(ctx, stuckJob(b, release, time.Minute)); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("run = %v; want a deadline", err)
			}
			cancel()
		}
		if l := b.Load(); l.Abandoned != 4 || l.Working != 4 || l.Bytes != 4000 {
			t.Errorf("Load = %+v; want four abandoned jobs, and nothing of those that got no processor", l)
		}
		close(release)
		synctest.Wait()
		if l := b.Load(); l.Abandoned != 0 || l.Working != 0 || l.Bytes != 0 {
			t.Errorf("Load = %+v; want nothing taken", l)
		}
	})
}

func TestPanicGivesEverythingBack(t *testing.T) {
	b := NewBudget(BudgetConfig{Bytes: 10000, Slots: 1})
	for range 3 {
		if err := b.acquire(t.Context(), 1000); err != nil {
			t.Fatal(err)
		}
		j := stuckJob(b, nil, time.Minute)
		j.codec.decode = func([]byte, Want) (*Picture, error) { panic("boom") }
		if _, err := runStuck(t.Context(), j); err == nil || errors.Is(err, ErrMalformed) {
			t.Errorf("run = %v; want an error that is nobody's fault", err)
		}
	}
	if l := b.Load(); l.Working != 0 || l.Bytes != 0 || l.Abandoned != 0 {
		t.Errorf("Load = %+v; want nothing taken", l)
	}
}

func TestKeepGetsTheWholeFile(t *testing.T) {
	file := readSample(t, "photos/logo.png")
	var kept []byte
	r := Resizer{Budget: NewBudget(BudgetConfig{})}
	_, err := r.Resize(t.Context(), Source{Body: bytes.NewReader(file), Size: int64(len(file)), Keep: func(f []byte) { kept = bytes.Clone(f) }}, options.Options{Width: 5, Format: options.PNG})
	if err != nil || !bytes.Equal(kept, file) {
		t.Errorf("Keep got %d bytes, %v; want the %d of the source", len(kept), err, len(file))
	}
}

func runStuck(ctx context.Context, j *job) (*Result, error) {
	return perform(ctx, j, func(ctx context.Context, j *job) (*Result, error) { return j.result(ctx) })
}

// withPNG replaces the functions of the PNG codec for one test.
func withPNG(t *testing.T, change func(c *codec)) {
	saved := pngCodec
	change(&pngCodec)
	t.Cleanup(func() { pngCodec = saved })
}

// Inspect and Compare run as Resize does: on a processor of the budget, until
// the time is over or the client has gone.
func TestInspectAndCompareAreJobs(t *testing.T) {
	file := readSample(t, "photos/logo.png")
	release := make(chan struct{})
	decode := pngCodec.decode
	withPNG(t, func(c *codec) {
		c.decode = func(file []byte, want Want) (*Picture, error) {
			<-release
			return decode(file, want)
		}
	})
	for name, ask := range map[string]func(context.Context, *Resizer) error{
		"Inspect": func(ctx context.Context, r *Resizer) error {
			_, err := r.Inspect(ctx, bytes.NewReader(file), int64(len(file)), []string{"colors"})
			return err
		},
		"Compare": func(ctx context.Context, r *Resizer) error {
			_, err := r.Compare(ctx, file, file)
			return err
		},
	} {
		release = make(chan struct{})
		synctest.Test(t, func(t *testing.T) {
			release = make(chan struct{})
			r := &Resizer{Budget: NewBudget(BudgetConfig{Slots: 1}), Limits: Limits{Time: 5 * time.Second}}
			began := time.Now()
			if err := ask(t.Context(), r); !errors.Is(err, ErrLimit) || time.Since(began) != 5*time.Second+endsSoon {
				t.Errorf("%s: %v after %v; want ErrLimit after 5 s", name, err, time.Since(began))
			}
			if l := r.Budget.Load(); l.Working != 1 || l.Abandoned != 1 || l.Bytes == 0 {
				t.Errorf("%s: Load = %+v; want one abandoned job", name, l)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := ask(ctx, r); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s without a processor: %v; want context.DeadlineExceeded", name, err)
			}
			close(release)
			synctest.Wait()
			if l := r.Budget.Load(); l.Working != 0 || l.Abandoned != 0 || l.Bytes != 0 {
				t.Errorf("%s: Load after its end = %+v; want nothing taken", name, l)
			}
		})
	}
}

// A header that is longer than the first bytes is read on a processor of the
// budget, and the client need not wait for it.
func TestLongHeadersAreWork(t *testing.T) {
	file := append(readSample(t, "photos/logo.png"), make([]byte, 2*headBytes)...)
	var release chan struct{}
	withPNG(t, func(c *codec) {
		c.config = func(head []byte) (Info, error) {
			if len(head) == headBytes {
				return Info{}, io.ErrUnexpectedEOF
			}
			<-release
			return Info{}, ErrMalformed
		}
	})
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		r := &Resizer{Budget: NewBudget(BudgetConfig{Slots: 1})}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Resize(ctx, Source{Body: bytes.NewReader(file), Size: int64(len(file))}, options.Options{Width: 5, Format: options.PNG})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; want context.DeadlineExceeded", err)
		}
		if l := r.Budget.Load(); l.Working != 1 || l.Abandoned != 1 || l.Bytes != int64(len(file)) {
			t.Errorf("Load = %+v; want one abandoned job with the bytes of the file", l)
		}
		close(release)
		synctest.Wait()
		if l := r.Budget.Load(); l.Working != 0 || l.Abandoned != 0 || l.Bytes != 0 {
			t.Errorf("Load after its end = %+v; want nothing taken", l)
		}
	})
}

// Nothing is kept when Resize has returned.
func TestKeepOfAnAbandonedJob(t *testing.T) {
	file := readSample(t, "photos/logo.png")
	var release chan struct{}
	encode := pngCodec.encode
	withPNG(t, func(c *codec) {
		c.encode = func(w io.Writer, p *Picture, q Quality) error {
			<-release
			return encode(w, p, q)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		returned := false
		keep := func([]byte) { t.Errorf("kept; Resize has returned: %v", returned) }
		r := &Resizer{Budget: NewBudget(BudgetConfig{Slots: 1})}
		_, err := r.Resize(ctx, Source{Body: bytes.NewReader(file), Size: int64(len(file)), Keep: keep}, options.Options{Width: 5, Format: options.PNG})
		returned = true
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; want context.DeadlineExceeded", err)
		}
		close(release)
		synctest.Wait()
		if l := r.Budget.Load(); l.Working != 0 || l.Bytes != 0 {
			t.Errorf("Load = %+v; want nothing taken", l)
		}
	})
}

// An endingContext ends when it has been asked so often.
type endingContext struct {
	context.Context
	left int // then it has ended; negative: so often it was asked since
}

func (c *endingContext) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// Our own decoders of rows end when nobody waits for the picture any more, and not
// when the file does.
func TestDecodingEndsWithItsContext(t *testing.T) {
	m := picturetest.Noisy(image.Pt(900, 700), false)
	files := map[string][]byte{
		"8 bits.png":     rawPNG(pngKind{depth: 8, color: 2}, m.Rect.Max, nil),
		"16 bits.png":    rawPNG(pngKind{depth: 16, color: 6}, m.Rect.Max, nil),
		"interlaced.png": rawPNG(pngKind{depth: 16, color: 6, interlaced: 1}, m.Rect.Max, nil),
	}
	for name, progressive := range map[string]bool{"baseline.jpg": false, "progressive.jpg": true} {
		var b bytes.Buffer
		if err := jpegCodec.encode(&b, still(m), Quality{Quality: 95, Progressive: progressive}); err != nil {
			t.Fatal(err)
		}
		files[name] = b.Bytes()
	}
	for name, file := range files {
		for _, o := range []Options{{Format: PNG}, {Width: 200, Format: PNG}} {
			j := &job{admission: everything.admission(o), file: file}
			if err := j.sniff(file); err != nil {
				t.Fatal(name, err)
			}
			if err := j.inspect(file); err != nil {
				t.Fatal(name, err)
			}
			ctx := &endingContext{Context: t.Context(), left: 3}
			j.want.ctx = ctx
			const few = 3 // who asks, who is told of it, and who makes sure
			if _, err := j.decode(); !errors.Is(err, context.Canceled) || ctx.left < -few {
				t.Errorf("%s, %v: %v, and was asked %d times after its end; want context.Canceled at once", name, o, err, -ctx.left)
			}
		}
	}
}

// Memory that is not free while a picture is decoded is no fault of the picture.
func TestBusyIsNotMalformed(t *testing.T) {
	file := readSample(t, "photos/logo.png")
	withPNG(t, func(c *codec) {
		c.decode = func(_ []byte, want Want) (*Picture, error) { return nil, want.reserve(3_000_000) }
	})
	b := NewBudget(BudgetConfig{Bytes: 10_000_000})
	if err := b.acquire(t.Context(), 7_000_000); err != nil {
		t.Fatal(err)
	}
	defer b.release(7_000_000)
	r := &Resizer{Budget: b}
	_, err := r.Resize(t.Context(), Source{Body: bytes.NewReader(file), Size: int64(len(file))}, options.Options{Width: 5, Format: options.PNG})
	if !errors.Is(err, ErrBusy) || errors.Is(err, ErrMalformed) {
		t.Errorf("%v; want ErrBusy alone", err)
	}
}
