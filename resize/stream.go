package resize

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"s3imageserver/resize/options"
)

const (
	// chunkBytes is how much of a stream is decoded at once, and streamChunks how
	// many such parts are read ahead.
	chunkBytes   = 128 << 10
	streamChunks = 2
)

// errAgain is that a stream has to be decoded as a whole file after all.
var errAgain = errors.New("the file is needed as a whole")

var chunks = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// A stream is a file that is decoded while it arrives. It is read by who called
// the Resizer, a few chunks ahead, and taken by the work on it, which holds no
// processor and has all the time of its sources while it waits for a chunk.
type stream struct {
	src  io.Reader
	head []byte // what was read of it already
	left int64  // what comes behind that, in bytes

	filled, free chan []byte
	enough       chan struct{} // closed when no more of the file is taken
	stop         func()        // closes it
	fed          chan struct{} // closed when no more of the file is read
	file         []byte        // all of it, to be kept; nil: it is not
	err          error         // of the source; set before filled is closed

	// Of the work alone:
	place  *place
	chunk  []byte // what is left of it to be taken
	taken  []byte // the chunk as a whole; nil: none is
	waited time.Duration
}

func newStream(src io.Reader, head []byte, size int64, keep bool) *stream {
	enough := make(chan struct{})
	s := &stream{src: src, head: head, left: size - int64(len(head)), filled: make(chan []byte, streamChunks), free: make(chan []byte, streamChunks), enough: enough, fed: make(chan struct{}), stop: sync.OnceFunc(func() { close(enough) })}
	for range streamChunks {
		s.free <- chunks.Get().(*[chunkBytes]byte)[:]
	}
	if keep {
		s.file = fileBuffer(size)[:0]
	}
	return s
}

// feed reads all of the file, also what the work does not want: whether it is
// what the store has is known behind the last byte.
func (s *stream) feed(ctx context.Context) (err error) {
	defer func() {
		s.err = err
		close(s.filled)
		close(s.fed)
	}()
	for len(s.head) > 0 || s.left > 0 {
		select {
		case chunk := <-s.free:
			if chunk, err = s.fill(chunk); err != nil {
				return err
			}
			s.filled <- chunk // there is room for all
		case <-s.enough:
			return s.drain()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fill reads the next chunk.
func (s *stream) fill(chunk []byte) ([]byte, error) {
	n := copy(chunk, s.head)
	s.head = s.head[n:]
	more := int(min(int64(len(chunk)-n), s.left))
	_, err := io.ReadFull(s.src, chunk[n:n+more])
	s.left -= int64(more)
	chunk = chunk[:n+more]
	if s.file != nil {
		s.file = append(s.file, chunk...)
	}
	return chunk, err
}

// drain reads what nobody takes any more.
func (s *stream) drain() error {
	chunk := chunks.Get().(*[chunkBytes]byte)
	defer chunks.Put(chunk)
	for len(s.head) > 0 || s.left > 0 {
		if _, err := s.fill(chunk[:]); err != nil {
			return err
		}
	}
	return nil
}

// Read implements [io.Reader] for the work.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.chunk) == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.chunk)
	s.chunk = s.chunk[n:]
	return n, nil
}

// next takes the next chunk, and waits for it without a processor.
func (s *stream) next() error {
	if err := s.place.ctx.Err(); err != nil {
		return err
	}
	if s.taken != nil {
		s.free <- s.taken[:chunkBytes]
		s.taken, s.chunk = nil, nil
	}
	var ok bool
	if s.place.held() {
		select {
		case s.chunk, ok = <-s.filled:
			return s.took(ok)
		default:
		}
	}
	s.place.give()
	began := time.Now()
	select {
	case s.chunk, ok = <-s.filled:
	case <-s.place.ctx.Done():
		return s.place.ctx.Err()
	}
	s.waited += time.Since(began)
	if err := s.place.take(); err != nil {
		return err
	}
	return s.took(ok)
}

func (s *stream) took(ok bool) error {
	if !ok {
		if s.err != nil {
			return s.err
		}
		return io.EOF
	}
	s.taken = s.chunk
	return nil
}

// rest takes the chunks that have not been taken until found says that it is not
// interested any more. It returns whether that was so.
func (s *stream) rest(found func(chunk []byte) bool) (bool, error) {
	for {
		if found(s.chunk) {
			return true, nil
		}
		s.chunk = nil
		if err := s.next(); err == io.EOF {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
}

// putBack lets the chunks be used again, when neither feed nor the work do.
func (s *stream) putBack() {
	if s.taken != nil {
		s.free <- s.taken
		s.taken, s.chunk = nil, nil
	}
	for c := range s.filled {
		s.free <- c
	}
	close(s.free)
	for c := range s.free {
		chunks.Put((*[chunkBytes]byte)(c[:chunkBytes]))
	}
}

// A place is a processor for work that waits now and then, and the time that the
// work may take without the waiting.
type place struct {
	ctx    context.Context // of the work; it ends when the time is over
	wait   func(context.Context) (done func(), err error)
	done   func() // nil: it is not held
	queued time.Duration

	left  time.Duration
	began time.Time
	timer *time.Timer
}

// newPlace returns a place that is not held, and what ends its context.
func newPlace(ctx context.Context, limit time.Duration, wait func(context.Context) (func(), error)) (*place, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &place{ctx: ctx, wait: wait, left: limit}
	p.timer = time.AfterFunc(limit, func() { cancel(errTime) })
	p.timer.Stop()
	return p, func() {
		p.timer.Stop()
		cancel(nil)
	}
}

func (p *place) held() bool { return p.done != nil }

// take waits for a processor; from then on the time counts.
func (p *place) take() (err error) {
	began := time.Now()
	p.done, err = p.wait(p.ctx)
	p.began = time.Now()
	p.queued += p.began.Sub(began)
	if err == nil {
		p.timer.Reset(p.left)
	}
	return err
}

// give gives the processor back, if it is held.
func (p *place) give() {
	if p.done == nil {
		return
	}
	p.timer.Stop()
	p.left -= time.Since(p.began)
	p.done()
	p.done = nil
}

// streams reports whether a source that was let in is decoded while it arrives:
// if it is large, can be read a second time should that be needed after all, and
// nothing but its pixels is asked for, of a part that is known already.
func (a *admission) streams(size int64) bool {
	o := &a.options
	return a.rereads && a.codec.stream != nil && !a.unread && size > streamChunks*chunkBytes && a.want.resamples() && a.info.streams &&
		o.Page == 0 && o.Strip == options.StripAll && !a.resizer.ShowDamaged
}

// waits returns how long the work has waited for its source and for a processor.
func (j *job) waits() time.Duration {
	if j.stream == nil {
		return j.place.queued
	}
	return j.stream.waited + j.place.queued
}
