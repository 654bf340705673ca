package resize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"s3imageserver/resize/options"
)

// A job is the work on a source that was admitted.
type job struct {
	*admission
	file   []byte  // of a stream, its first bytes
	stream *stream // nil: the file was read
	place  *place
	timing Timing

	format        options.Format // of the result, once the picture is transformed
	asStored      bool           // the result shows the picture as it is stored
	nonconforming bool           // of Picture
	damaged       bool           // a part of the picture is missing, and the rest is shown

	watch abandonment
	close []func() // what has to be ended when the job is done
}

// An outcome is what a job ends with.
type outcome[T any] struct {
	value T
	err   error
}

// endsSoon is how long a job that checks its context takes to end at the most.
const endsSoon = 100 * time.Millisecond

var errTime = errors.New("time is over")

// run admits a source of size bytes and does work on it: there is no other way to
// a picture. What the work returns refers to nothing of the file.
func run[T any](ctx context.Context, a *admission, src io.Reader, size int64, work func(context.Context, *job) (T, error)) (T, error) {
	began := time.Now()
	file, err := a.read(ctx, src, size)
	if err != nil {
		var none T
		return none, err
	}
	j := &job{admission: a, file: file, timing: Timing{Queue: a.queued, Read: time.Since(began) - a.queued}}
	if int64(len(file)) < size {
		j.stream = newStream(src, file, size, a.keeps)
	}
	return perform(ctx, j, work)
}

// perform does the work of a job, and gives back what it holds.
//
// The work is done in a goroutine of its own, since decoders cannot be
// cancelled: when ctx ends or the time is over perform returns, and the job goes on
// holding its processor and its memory until it ends. The first part of the work
// is the header, where that was longer than the first bytes. A stream is read
// meanwhile; its error is that of the job, whatever has been made of what came.
func perform[T any](ctx context.Context, j *job, work func(context.Context, *job) (T, error)) (T, error) {
	p, cancel := newPlace(ctx, j.limits.Time, j.processor)
	defer cancel()
	j.place = p
	if j.stream != nil {
		j.stream.place = p
	} else if err := p.take(); err != nil {
		j.end()
		var none T
		return none, err
	}
	ended := make(chan outcome[T], 1)
	j.watch.budget = j.budget
	go func() {
		value, err := guarded(p.ctx, j, work)
		j.watch.end()
		p.give()
		if j.stream != nil {
			j.stream.stop()
			<-j.stream.fed // until then its memory is held
		}
		j.end()
		if err == nil && j.stream == nil {
			giveBack(j.file) // not after an error or a panic: a decoder may still read it
		}
		ended <- outcome[T]{value, err}
	}()
	var unread error
	if j.stream != nil {
		unread = j.stream.feed(p.ctx)
	}
	var o outcome[T]
	select {
	case o = <-ended:
		if j.stream != nil {
			j.stream.putBack()
		}
	case <-p.ctx.Done():
		o = leave(p.ctx, ended, &j.watch)
	}
	switch {
	case o.err != nil && context.Cause(p.ctx) == errTime:
		o.err = fmt.Errorf("%w: the work takes longer than %v", ErrLimit, j.limits.Time)
	case unread != nil && p.ctx.Err() == nil:
		return outcome[T]{}.value, unread
	}
	return o.value, o.err
}

// guarded does the work of a job; a panic becomes an error.
func guarded[T any](ctx context.Context, j *job, work func(context.Context, *job) (T, error)) (value T, err error) {
	defer recovered(&err)
	if j.unread {
		if err := j.inspectAll(j.file); err != nil {
			return value, err
		}
	}
	j.want.ctx = ctx
	if j.stream != nil {
		if err := j.stream.next(); err != nil {
			return value, err
		}
	}
	value, err = work(ctx, j)
	if err != nil {
		err = malformed(j.codec.format, err)
	}
	return value, err
}

// recovered makes a panic an error.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("resize: panic: %v\n%s", v, debug.Stack())
	}
}

// decode decodes what the options want of the file.
func (j *job) decode() (p *Picture, err error) {
	if j.stream != nil {
		defer j.stream.stop()
		return j.codec.stream(j.stream, j.file, j.info, j.want)
	}
	err = j.onPage(j.file, func() error {
		p, err = j.codec.decode(j.file, j.want)
		return err
	})
	return p, err
}

// end gives back what the job holds, but for its file.
func (j *job) end() {
	for _, end := range j.close {
		end()
	}
	j.release()
}

// leave gives a job whose context ended a moment to notice.
func leave[T any](ctx context.Context, ended <-chan outcome[T], watch *abandonment) outcome[T] {
	timer := time.NewTimer(endsSoon)
	defer timer.Stop()
	select {
	case o := <-ended:
		return o
	case <-timer.C:
		watch.begin()
		return outcome[T]{err: ctx.Err()}
	}
}

// An abandonment counts a job among the abandoned ones of its budget from begin
// to end, which come in any order.
type abandonment struct {
	budget *Budget // nil: nobody counts

	mu           sync.Mutex
	begun, ended bool // guarded by mu
}

func (a *abandonment) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun = !a.ended; a.begun {
		a.budget.abandon(1)
	}
}

// unlessBegun calls f, unless nobody waits for the job any more; begin waits for
// it to return.
func (a *abandonment) unlessBegun(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.begun {
		f()
	}
}

func (a *abandonment) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended = true; a.begun {
		a.budget.abandon(-1)
	}
}

// unlessAbandoned calls f, unless nobody waits for the job any more.
func (j *job) unlessAbandoned(f func()) { j.watch.unlessBegun(f) }

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
