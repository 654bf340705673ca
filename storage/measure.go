package storage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrCoding says that the bytes of an object are not what the name of its content
// coding says, or end too soon for it.
var ErrCoding = errors.New("content coding is broken")

// A Measurer makes objects of bodies whose length is not known before they are
// read: it reads them whole, and bounds how many bytes lie in memory for that. It
// is safe for concurrent use.
type Measurer struct {
	max  int64
	free *semaphore.Weighted // bytes of bodies that come as they like
	wide chan struct{}       // taken by the one body that has max bytes of its own
}

const (
	gzipCoding      = "gzip"
	defaultMaxBytes = 50 << 20
	leastHeld       = 16 << 20
	leastPart       = 64 << 10 // of a body
	mostPart        = 4 << 20
	wideWait        = 10 * time.Second
)

// NewMeasurer returns a Measurer of bodies of that many bytes at most; 0 means 50 MB.
// All of them together hold about twice that, or 16 MB and that if it is more.
func NewMeasurer(most int64) *Measurer {
	if most <= 0 {
		most = defaultMaxBytes
	}
	return &Measurer{max: most, free: semaphore.NewWeighted(max(most, leastHeld) + 1), wide: make(chan struct{}, 1)}
}

// Coding returns what has to be undone of a Content-Encoding: "gzip", or "" for
// all that is left as it is.
func Coding(header string) string {
	coding := ""
	for part := range strings.SplitSeq(header, ",") {
		switch part = strings.ToLower(strings.TrimSpace(part)); part {
		case "", "identity", "aws-chunked": // the last is of an upload
		case "gzip", "x-gzip":
			if coding != "" {
				return ""
			}
			coding = gzipCoding
		default:
			return ""
		}
	}
	return coding
}

// Decoded undoes the coding of an object, as [Coding] names it; object is not
// used any more. One that only says that it is compressed is left as it is. The
// Size is then that of the decoded bytes, all else that of the stored ones.
//
// The error wraps [ErrTooLarge] if there are more bytes than the Measurer allows,
// [ErrCoding] if they cannot be decoded, [ErrBusy] as that of [Measurer.Object],
// or is that of the Body.
func (m *Measurer) Decoded(ctx context.Context, object *Object, coding string) (*Object, error) {
	if coding != gzipCoding {
		return object, nil
	}
	peeked := bufio.NewReader(object.Body)
	zipped, err := isGzip(peeked)
	if err != nil {
		_ = object.Body.Close() // nothing of it is wanted
		return nil, err
	}
	body := &peekedBody{peeked, object.Body}
	if !zipped {
		return &Object{Info: object.Info, Body: body, Stopgap: object.Stopgap}, nil
	}
	decoded, err := m.Object(ctx, object.Info, body, coding)
	if err != nil {
		return nil, err
	}
	decoded.Stopgap = object.Stopgap
	return decoded, nil
}

// Object reads body, whose coding is as [Coding] names it, and closes it. All but
// the Size of info is taken over.
//
// The error wraps [ErrTooLarge] and [ErrCoding] as that of [Measurer.Decoded],
// [ErrIncomplete] if the body breaks off, and [ErrBusy] if too much lies in memory
// for too long; else it is that of body. The wait for memory is a [Pause].
func (m *Measurer) Object(ctx context.Context, info Info, body io.ReadCloser, coding string) (*Object, error) {
	defer body.Close() // only read
	h := &held{m: m}
	if err := h.fill(ctx, body, coding); err != nil {
		h.release()
		return nil, err
	}
	info.Size = h.size
	readers := make([]io.Reader, len(h.parts))
	for i, part := range h.parts {
		readers[i] = bytes.NewReader(part)
	}
	return NewObject(info, &heldBody{io.MultiReader(readers...), sync.OnceFunc(h.release)}), nil
}

// isGzip reports whether what is read next begins as gzip does (RFC 1952, section
// 2.3.1).
func isGzip(r *bufio.Reader) (bool, error) {
	head, err := r.Peek(2)
	if err != nil && err != io.EOF {
		return false, err
	}
	return string(head) == "\x1f\x8b", nil
}

// held are the bytes of a body in memory.
type held struct {
	m     *Measurer
	parts [][]byte
	size  int64
	taken int64 // of m.free
	wide  bool  // it has m.wide
}

// fill reads all of body.
func (h *held) fill(ctx context.Context, body io.Reader, coding string) error {
	source := &source{Reader: body}
	var r io.Reader = source
	if coding == gzipCoding {
		peeked := bufio.NewReader(source)
		zipped, err := isGzip(peeked)
		if err != nil {
			return brokenOff(err)
		}
		if r = peeked; zipped {
			if r, err = gzip.NewReader(peeked); err != nil {
				return source.fault(err)
			}
		}
	}
	for n := int64(leastPart); ; n = min(2*n, mostPart) {
		n = min(n, h.m.max+1-h.size) // with the byte that is too much
		if err := h.take(ctx, n); err != nil {
			return err
		}
		part := make([]byte, n)
		filled := 0
		for filled < len(part) {
			got, err := r.Read(part[filled:])
			filled += got
			h.size += int64(got)
			if h.size > h.m.max {
				return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, h.m.max)
			}
			if err == io.EOF {
				h.parts = append(h.parts, part[:filled])
				return nil
			}
			if err != nil {
				return source.fault(err)
			}
		}
		h.parts = append(h.parts, part)
	}
}

// take takes n bytes more. A body for which there is not enough waits until it is
// the only wide one, and holds meanwhile what it has: the wide one waits for
// nobody.
func (h *held) take(ctx context.Context, n int64) error {
	if h.wide {
		return nil
	}
	if h.m.free.TryAcquire(n) {
		h.taken += n
		return nil
	}
	resume := Pause(ctx)
	defer resume()
	timer := time.NewTimer(wideWait)
	defer timer.Stop()
	select {
	case h.m.wide <- struct{}{}:
		h.wide = true
		return nil
	case <-timer.C:
		return fmt.Errorf("%w: too many bodies of unknown length are in memory", ErrBusy)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *held) release() {
	h.parts = nil
	h.m.free.Release(h.taken)
	h.taken = 0
	if h.wide {
		h.wide = false
		<-h.m.wide
	}
}

// source remembers why it could not be read.
type source struct {
	io.Reader
	err error // nil: it could
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// fault returns the reason of an error of what reads the source: either that the
// source could not be read, or that it cannot be decoded.
func (s *source) fault(err error) error {
	if s.err != nil {
		return brokenOff(s.err)
	}
	return fmt.Errorf("%w: %w", ErrCoding, err)
}

func brokenOff(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrIncomplete) {
		return fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
	return err
}

// A heldBody was read before it is given out.
type heldBody struct {
	io.Reader
	release func() // called once
}

func (b *heldBody) Close() error {
	b.Reader = eof{}
	b.release()
	return nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// A peekedBody is a body of which a part lies in a buffer.
type peekedBody struct {
	io.Reader
	io.Closer
}
