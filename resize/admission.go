package resize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/heif"
	"s3imageserver/resize/options"
)

// headBytes is how much of a source is read before its memory is accounted
// for. Few headers are longer.
const headBytes = 64 << 10

// An admission lets a source in: it is what the header tells, within the limits,
// and the bytes of the budget that the work on it may hold.
type admission struct {
	resizer *Resizer
	limits  Limits
	budget  *Budget
	options options.Options
	settle  func(Header) (options.Options, error) // nil: the options are settled

	codec    *codec
	info     Info
	plan     plan // made from the header alone
	want     Want
	expected options.Format // of the result, as far as the header tells

	rereads bool // the source can be opened once more
	keeps   bool // the whole file is kept

	unread bool          // the header is longer than the first bytes, and not known yet
	held   int64         // bytes of the budget
	queued time.Duration // how long it waited for them
}

func (r *Resizer) admission(o options.Options) *admission {
	return &admission{resizer: r, limits: r.Limits.withDefaults(), budget: r.Budget, options: o}
}

// read is admit; a panic of what reads headers becomes an error. After an error
// nothing is held.
func (a *admission) read(ctx context.Context, src io.Reader, size int64) (file []byte, err error) {
	defer func() {
		if err != nil {
			a.release()
		}
	}()
	defer recovered(&err)
	return a.admit(ctx, src, size)
}

// admit reads the source, or of one that is decoded while it arrives the first
// bytes, after its header has passed the limits and the budget
// has room for it, its pixels and the result. If the first bytes do not hold the
// header, the source is all that there is room for, and the rest is left to
// inspectAll: the work on a few bytes is little, on a whole file it may be much.
func (a *admission) admit(ctx context.Context, src io.Reader, size int64) (file []byte, err error) {
	head := make([]byte, min(size, headBytes))
	if _, err := io.ReadFull(src, head); err != nil {
		return nil, err
	}
	if err := a.sniff(head); err != nil {
		return nil, err
	}
	err = a.inspect(head)
	a.unread = errors.Is(err, io.ErrUnexpectedEOF) && int64(len(head)) < size
	weight := size
	if !a.unread {
		if err != nil {
			return nil, malformed(a.codec.format, err)
		}
		weight = a.weight(size)
		if a.streams(size) {
			held := int64(streamChunks * chunkBytes)
			if a.keeps {
				held += size
			}
			return head, a.acquire(ctx, a.weight(held))
		}
	}
	if err := a.acquire(ctx, weight); err != nil {
		return nil, err
	}
	file = fileBuffer(size)
	if _, err := io.ReadFull(src, file[copy(file, head):]); err != nil {
		return nil, err
	}
	return file, nil
}

// inspectAll does what admit left: it reads the header from the whole file.
func (a *admission) inspectAll(file []byte) error {
	if err := a.inspect(file); err != nil {
		return malformed(a.codec.format, err)
	}
	return a.grow(a.weight(int64(len(file))))
}

// sniff finds the codec, if it may be used.
func (a *admission) sniff(head []byte) error {
	format, err := Sniff(head)
	if err != nil {
		return err
	}
	a.codec = codecOf(format)
	if tag := a.codec.without; tag != "" {
		return fmt.Errorf("%w: the program was built without %s (-tags %s)", ErrUnsupported, format, tag)
	}
	if a.codec.optIn && !slices.Contains(a.limits.Formats, format) {
		return fmt.Errorf("%w: %s is not allowed here: allowed_formats has to name it, \"*\" is about names only", ErrUnsupported, format)
	}
	return nil
}

// inspect reads the header and checks it against the limits.
func (a *admission) inspect(head []byte) error {
	var info Info
	err := a.onPage(head, func() (err error) {
		info, err = a.codec.config(head)
		return err
	})
	if err != nil {
		return err
	}
	info.Format = a.codec.format
	if err := a.limits.check(info); err != nil {
		return err
	}
	if a.settle != nil {
		if err := a.settled(headerOf(info, info.orientation)); err != nil {
			return err
		}
	}
	plan := planOf(info.Size, info.orientation, a.options, content{})
	if err := a.limits.checkOutput(plan.canvas); err != nil {
		return err
	}
	if a.options.Format == options.WebP && a.options.Lossless {
		if err := a.limits.checkLossless(1, plan.canvas); err != nil {
			return err
		}
	}
	a.info = info
	a.expected = a.expect(plan)
	a.plan = planOf(info.Size, info.orientation, a.planned(), content{})
	a.want = Want{Limits: a.limits, fine: a.plan.fine, shown: a.shown(), fast: a.resizer.FastScaling, grow: func(n int64) error { return a.grow(a.held + n) }}
	if a.options.Trim == 0 { // else what remains is known too late
		a.want.Min = a.plan.smallest()
		if !a.options.Gravity.DependsOnPicture() {
			a.want.resample = a.plan.resample
		}
	}
	return nil
}

// onPage calls f while the first bytes of the file, or of what is there of it,
// name the page that the options want.
func (a *admission) onPage(file []byte, f func() error) error {
	if a.options.Page == 0 || a.codec.page == nil {
		return f()
	}
	first, err := a.codec.page(file, a.options.Page)
	if err != nil {
		return err
	}
	saved := bytes.Clone(file[:len(first)])
	copy(file, first)
	defer copy(file, saved)
	return f()
}

// weight estimates the bytes that the source, decoding, scaling and encoding
// will hold.
func (a *admission) weight(size int64) int64 {
	decoding, result := a.codec.memory(a.info, a.want), a.resultWeight(a.plan)
	if a.info.linear == 0 {
		return size + decoding + result
	}
	// The sandbox, which has a copy of the file, is gone when the result is made.
	kept := max(decoding-a.info.linear, memoryStill(a.info, a.want))
	return size + max(size+decoding, kept+result)
}

// resultWeight estimates the bytes that a result holds while it is made and
// encoded: of one that is painted on, also what it is before and after a step.
func (a *admission) resultWeight(p plan) int64 {
	weight := codecOf(a.expected).resultBytes * area(p.canvas)
	if p.detail {
		weight += 4 * 4 * max(area(p.canvas), area(p.resample.size))
	}
	if a.expected == options.JPEG && a.options.Progressive {
		weight += 4 * area(p.canvas) // coefficients
	}
	if a.options.MaxBytes != 0 || a.options.AutoQuality != 0 {
		weight += 2 * area(p.canvas) // the best file so far
	}
	if a.options.AutoQuality != 0 { // what it looks like, and the luma of both
		made := Info{Size: p.canvas, Depth: 4, Alpha: a.info.Alpha}
		if a.expected == options.AVIF {
			made.linear = heif.Header{Coded: area(p.canvas), Planes: 3, Alpha: made.Alpha}.MemoryAV1()
		}
		weight += codecOf(a.expected).memory(made, Want{}) + 2*area(p.canvas)
	}
	if a.expected == options.AVIF {
		weight += 1 << 20 // what the encoder knows of a superblock
		switch {
		case a.options.Lossless:
			weight += avifLosslessBytes * area(p.canvas)
		case p.clear || a.info.Alpha: // a plane of its own, and opaque colours
			weight += 8 * area(p.canvas)
		}
	}
	if a.expected == options.WebP {
		switch {
		case a.options.Lossless:
			weight += losslessWebPBytes(p.canvas, a.resizer.Quality.WebPMethod)
		case p.clear || a.info.Alpha: // a plane of its own, and opaque colours
			weight += 14 * area(p.canvas)
		}
	}
	return weight
}

func (a *admission) acquire(ctx context.Context, n int64) error {
	if a.budget == nil {
		return nil
	}
	began := time.Now()
	err := a.budget.acquire(ctx, n)
	a.queued += time.Since(began)
	if err != nil {
		return err
	}
	a.held = n
	return nil
}

// grow raises what is held to n bytes.
func (a *admission) grow(n int64) error {
	if a.budget == nil || n <= a.held {
		return nil
	}
	if err := a.budget.grow(a.held, n-a.held); err != nil {
		return err
	}
	a.held = n
	return nil
}

// processor waits for one; done gives it back.
func (a *admission) processor(ctx context.Context) (done func(), err error) {
	if a.budget == nil {
		return func() {}, ctx.Err()
	}
	o := a.options
	if !a.unread {
		o.Format = a.expected
	}
	return a.budget.work(ctx, a.codec.heavy || o.Slow())
}

// release gives back what was held of the budget.
func (a *admission) release() {
	if a.held > 0 {
		a.budget.release(a.held)
	}
}

// ErrSettle is wrapped by errors of Source.Settle: the picture is not to blame.
var ErrSettle = errors.New("no options for this picture")

// A Header is what is known of a source before its pixels are.
type Header struct {
	Width, Height int // upright; behind a trim, of what is left
	// Turned says that it is stored lying: with EXIF's orientations 5 to 8.
	Turned   bool
	Format   options.Format
	Animated bool // there may be more than one frame
	Alpha    bool // there may be transparency
	// Trimmed says that the edges have been cut that Options.Trim is about. The
	// crop of the options that are returned is one of what is left.
	Trimmed bool
}

// settled asks Source.Settle for the options: when the header is read, and
// again where the picture tells more than that.
func (a *admission) settled(h Header) error {
	o, err := a.settle(h)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettle, err)
	}
	if !o.Format.IsAuto() && !o.Format.Writable() {
		return fmt.Errorf("%w: no output format", ErrUnsupported)
	}
	a.options = o
	return nil
}

func headerOf(info Info, o exif.Orientation) Header {
	size := o.Size(info.Size)
	return Header{Width: size.X, Height: size.Y, Turned: o >= 5, Format: info.Format, Animated: info.Animated, Alpha: info.Alpha}
}

// resettle asks again for the options of a picture whose orientation only its
// file has told, or whose edges have been cut.
func (j *job) resettle(p *Picture, s *content) error {
	if j.settle == nil {
		return nil
	}
	h := headerOf(Info{Format: j.info.Format, Size: p.Source, Animated: p.Count > 1, Alpha: j.info.Alpha}, p.orientation)
	turned := p.orientation != j.info.orientation
	if s.trimmed.Empty() {
		if !turned {
			return nil
		}
		return j.settled(h)
	}
	h.Width, h.Height, h.Trimmed = s.trimmed.Dx(), s.trimmed.Dy(), true
	h.Turned = false // that is how the edges have been seen
	if err := j.settled(h); err != nil {
		return err
	}
	s.trimmed = j.options.Crop.Of(s.trimmed.Size()).Add(s.trimmed.Min)
	return nil
}
