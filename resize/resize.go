// Package resize knows image files and pixels: one image file in, another out.
package resize

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"s3imageserver/resize/heif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
)

// A Resizer makes pictures from pictures. It is safe for concurrent use.
type Resizer struct {
	// Budget bounds the memory of all work; several Resizers share one. Nil
	// means no bound.
	Budget *Budget
	// Limits say what is refused; zero fields mean defaults.
	Limits Limits
	// Watermark is laid over results whose options name one; nil: none is.
	Watermark *paint.Overlay
	// Fonts are known by name beside the built-in ones.
	Fonts map[string]*paint.Font
	// Quality is what results are encoded with; zero means the defaults.
	Quality Quality
	// FastScaling decodes JPEG smaller where that shows a little: at 1.6 times the
	// result, for results of a quality up to 80.
	FastScaling bool
	// ShowDamaged lets Resize make something of what can be decoded of a damaged
	// picture, and mark the Result; else it is refused as malformed.
	ShowDamaged bool
}

// A Result is a file.
type Result struct {
	Body   []byte
	Format options.Format
	Size   image.Point
	Timing Timing
	// Damaged reports that a part of the source could not be decoded: what is
	// missing is transparent, grey or black.
	Damaged bool
}

// Timing tells where the time of a result went.
type Timing struct {
	Queue  time.Duration // waiting for memory and a processor
	Read   time.Duration // waiting for the source
	Decode time.Duration // of an animation: the first look only
	// Transform is what the steps take: crop, scale, effects. Frames of an
	// animation are decoded and transformed while they are encoded.
	Transform time.Duration
	Encode    time.Duration
}

// headBytes is how much of a source is read before its memory is accounted
// for. Few headers are longer.
const headBytes = 64 << 10

// A Source is a file to make something of.
type Source struct {
	Body io.Reader // yields Size bytes
	Size int64
	// Keep, if not nil, is called with the whole file when it has decoded, and was
	// not damaged, before Resize returns. The bytes are valid until Keep returns.
	Keep func(file []byte)
	// Settle, if not nil, is asked for the options once the header is read, in
	// place of those of the call, of which only Page counts before. It may be asked
	// several times. Its error is wrapped, together with
	// [ErrSettle].
	Settle func(Header) (options.Options, error)
}

// Resize reads a source and makes what o asks for. An o.Format that is
// neither writable nor a choice is the caller's mistake.
//
// Nothing is allocated for pixels before the header has passed the limits and
// the budget has room. An error of the Body is returned as it is; other errors
// wrap [ErrNotPicture], [ErrUnsupported], [ErrMalformed], [ErrLimit] or
// [ErrBusy], or are that of ctx. A panic of a decoder becomes an error that
// wraps none of them.
//
// When ctx ends, or Limits.Time is over, Resize returns soon, whatever the
// decoder does; what that holds of the budget is given back when it ends. See
// [Load].
func (r *Resizer) Resize(ctx context.Context, src Source, o options.Options) (result *Result, err error) {
	job := r.newJob(o)
	job.keep, job.settle = src.Keep, src.Settle
	if job.settle == nil && !o.Format.IsAuto() && !o.Format.Writable() {
		return nil, fmt.Errorf("%w: no output format", ErrUnsupported)
	}
	began := time.Now()
	job.shows = r.ShowDamaged
	file, err := job.read(ctx, src.Body, src.Size)
	if err != nil {
		return nil, err
	}
	job.timing.Read = time.Since(began) - job.timing.Queue
	return runJob(ctx, job, file, job.make) // releases
}

func (r *Resizer) newJob(o options.Options) *job {
	return &job{resizer: r, limits: r.Limits.withDefaults(), budget: r.Budget, options: o}
}

// read is admit; a panic of what reads headers becomes an error. After an error
// the job holds nothing.
func (j *job) read(ctx context.Context, src io.Reader, size int64) (file []byte, err error) {
	defer func() {
		if err != nil {
			j.release()
		}
	}()
	defer recovered(&err)
	return j.admit(ctx, src, size)
}

// make is the work of a job, from the file to the result.
func (j *job) make(ctx context.Context, file []byte) (result *Result, err error) {
	began := time.Now()
	j.want.only = j.only()
	picture, err := j.decode(file)
	if err != nil {
		return nil, malformed(j.info.Format, err)
	}
	j.odd = picture.odd
	j.timing.Decode = time.Since(began)
	began = time.Now()
	picture, err = j.transform(ctx, j.frames(picture))
	if err != nil {
		return nil, malformed(j.info.Format, err)
	}
	j.timing.Transform = time.Since(began)
	began = time.Now()
	result, err = j.output(ctx, picture, file, j.resizer)
	if err != nil {
		return nil, malformed(j.info.Format, err)
	}
	j.timing.Encode = time.Since(began)
	result.Damaged = j.damaged
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if j.keep != nil && !j.damaged {
		j.watch.unlessBegun(func() { j.keep(file) })
	}
	giveBack(file) // not after an error or a panic: a decoder may still read it
	result.Timing = j.timing
	return result, nil
}

// recovered makes a panic an error.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("resize: panic: %v\n%s", v, debug.Stack())
	}
}

// files has the buffers of sources that were read before. To clear new ones,
// and to collect them, takes 3 % of the time of a thumbnail.
var files sync.Pool // of *[]byte

// fileBuffer returns size bytes of any value.
func fileBuffer(size int64) []byte {
	if b, _ := files.Get().(*[]byte); b != nil && int64(cap(*b)) >= size {
		return (*b)[:size]
	}
	return make([]byte, size)
}

// giveBack lets the buffer be used again. Nothing may refer to it.
func giveBack(file []byte) {
	const keep = 16 << 20
	if cap(file) <= keep {
		files.Put(&file)
	}
}

// A job is one picture on its way through a Resizer.
type job struct {
	resizer *Resizer
	limits  Limits
	budget  *Budget
	options options.Options
	keep    func(file []byte)
	settle  func(Header) (options.Options, error) // nil: the options are settled
	timing  Timing

	codec *codec
	info  Info
	plan  plan // made from the header alone
	want  Want

	target  options.Format // of the result: a guess from the header until the picture is decoded
	altered bool           // the picture does not look as it is stored
	odd     bool           // of Picture
	shows   bool           // a damaged picture is shown
	damaged bool           // it is one

	unread bool        // the header is longer than the first bytes, and not known yet
	watch  abandonment // of the work
	held   int64       // bytes of the budget
	close  []func()    // what has to be ended when the job is done
}

// admit reads the source after its header has passed the limits and the budget
// has room for it, its pixels and the result. If the first bytes do not hold the
// header, the source is all that there is room for, and the rest is left to
// inspectAll: the work on a few bytes is little, on a whole file it may be much.
func (j *job) admit(ctx context.Context, src io.Reader, size int64) (file []byte, err error) {
	head := make([]byte, min(size, headBytes))
	if _, err := io.ReadFull(src, head); err != nil {
		return nil, err
	}
	if err := j.sniff(head); err != nil {
		return nil, err
	}
	err = j.inspect(head)
	j.unread = errors.Is(err, io.ErrUnexpectedEOF) && int64(len(head)) < size
	weight := size
	if !j.unread {
		if err != nil {
			return nil, malformed(j.codec.format, err)
		}
		weight = j.weight(size)
	}
	if err := j.acquire(ctx, weight); err != nil {
		return nil, err
	}
	file = fileBuffer(size)
	if _, err := io.ReadFull(src, file[copy(file, head):]); err != nil {
		return nil, err
	}
	return file, nil
}

// inspectAll does what admit left: it reads the header from the whole file.
func (j *job) inspectAll(file []byte) error {
	if err := j.inspect(file); err != nil {
		return malformed(j.codec.format, err)
	}
	return j.grow(j.weight(int64(len(file))))
}

// sniff finds the codec, if it may be used.
func (j *job) sniff(head []byte) error {
	format, err := Sniff(head)
	if err != nil {
		return err
	}
	j.codec = codecOf(format)
	if j.codec.optIn && !slices.Contains(j.limits.Formats, format) {
		return fmt.Errorf("%w: %s is not allowed here: allowed_formats has to name it, \"*\" is about names only", ErrUnsupported, format)
	}
	return nil
}

// inspect reads the header and checks it against the limits.
func (j *job) inspect(head []byte) error {
	var info Info
	err := j.onPage(head, func() (err error) {
		info, err = j.codec.config(head)
		return err
	})
	if err != nil {
		return err
	}
	info.Format = j.codec.format
	if err := j.limits.check(info); err != nil {
		return err
	}
	if j.settle != nil {
		if err := j.settled(headerOf(info, info.orientation)); err != nil {
			return err
		}
	}
	plan := planOf(info.Size, info.orientation, j.options, seen{})
	if err := j.limits.checkOutput(plan.canvas); err != nil {
		return err
	}
	if j.options.Format == options.WebP && j.options.Lossless {
		if err := j.limits.checkLossless(1, plan.canvas); err != nil {
			return err
		}
	}
	j.info = info
	j.target = j.guess(plan)
	j.plan = planOf(info.Size, info.orientation, j.planned(), seen{})
	j.want = Want{Limits: j.limits, fine: j.plan.fine, shown: j.shown(), fast: j.resizer.FastScaling, grow: func(n int64) error { return j.grow(j.held + n) }}
	if j.shows {
		j.want.show = func() { j.damaged = true }
	}
	if j.options.Trim == 0 { // else what remains is known too late
		j.want.Min = j.plan.smallest()
		if !j.options.Gravity.DependsOnPicture() {
			j.want.cut = j.plan.cut
		}
	}
	return nil
}

// weight estimates the bytes that the source, decoding, scaling and encoding
// will hold.
func (j *job) weight(size int64) int64 {
	decoding, result := j.codec.memory(j.info, j.want), j.resultWeight(j.plan)
	if j.info.linear == 0 {
		return size + decoding + result
	}
	// The sandbox, which has a copy of the file, is gone when the result is made.
	kept := max(decoding-j.info.linear, memoryStill(j.info, j.want))
	return size + max(size+decoding, kept+result)
}

// resultWeight estimates the bytes that a result holds while it is made and
// encoded: of one that is painted on, also what it is before and after a step.
func (j *job) resultWeight(p plan) int64 {
	weight := codecOf(j.target).resultBytes * area(p.canvas)
	if p.detail {
		weight += 4 * 4 * max(area(p.canvas), area(p.cut.size))
	}
	if j.target == options.JPEG && j.options.Progressive {
		weight += 4 * area(p.canvas) // coefficients
	}
	if j.options.MaxBytes != 0 || j.options.AutoQuality != 0 {
		weight += 2 * area(p.canvas) // the best file so far
	}
	if j.options.AutoQuality != 0 { // what it looks like, and the luma of both
		made := Info{Size: p.canvas, Depth: 4, Alpha: j.info.Alpha}
		if j.target == options.AVIF {
			made.linear = linearAVIF(heif.Header{Coded: area(p.canvas), Planes: 3, Alpha: made.Alpha})
		}
		weight += codecOf(j.target).memory(made, Want{}) + 2*area(p.canvas)
	}
	if j.target == options.AVIF {
		weight += 1 << 20 // what the encoder knows of a superblock
		switch {
		case j.options.Lossless:
			weight += avifLosslessBytes * area(p.canvas)
		case p.clear || j.info.Alpha: // a plane of its own, and opaque colours
			weight += 8 * area(p.canvas)
		}
	}
	if j.target == options.WebP {
		switch {
		case j.options.Lossless:
			weight += 140 * area(p.canvas)
		case p.clear || j.info.Alpha: // a plane of its own, and opaque colours
			weight += 14 * area(p.canvas)
		}
	}
	return weight
}

func (j *job) acquire(ctx context.Context, n int64) error {
	if j.budget == nil {
		return nil
	}
	began := time.Now()
	err := j.budget.acquire(ctx, n)
	j.timing.Queue += time.Since(began)
	if err != nil {
		return err
	}
	j.held = n
	return nil
}

// grow raises what the job holds to n bytes.
func (j *job) grow(n int64) error {
	if j.budget == nil || n <= j.held {
		return nil
	}
	if err := j.budget.grow(j.held, n-j.held); err != nil {
		return err
	}
	j.held = n
	return nil
}

// work waits for a processor; done gives it back.
func (j *job) work(ctx context.Context) (done func(), err error) {
	if j.budget == nil {
		return func() {}, ctx.Err()
	}
	o := j.options
	if !j.unread {
		o.Format = j.target
	}
	return j.budget.work(ctx, j.codec.heavy || o.Slow())
}

func (j *job) release() {
	for _, end := range j.close {
		end()
	}
	if j.held > 0 {
		j.budget.release(j.held)
	}
}

// malformed says that a file did not decode, unless err says more. Frames are
// decoded while they are encoded, so both stages may find it.
func malformed(f options.Format, err error) error {
	for _, known := range []error{ErrSettle, ErrUnsupported, ErrMalformed, ErrLimit, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %s: %w", ErrMalformed, f, err)
}
