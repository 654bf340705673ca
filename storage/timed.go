package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// TimedBody returns a body whose Read fails when it waits longer than wait for
// the next bytes; cancel must end the request, and is called by Close too. Time
// between two Reads does not count: the reader may be slow. The error of a body
// that is too slow wraps [ErrUnavailable] and [os.ErrDeadlineExceeded], that of
// one that breaks off [ErrIncomplete].
func TimedBody(body io.ReadCloser, cancel context.CancelFunc, wait time.Duration) io.ReadCloser {
	return &timedBody{body: body, cancel: cancel, wait: wait}
}

type timedBody struct {
	body   io.ReadCloser
	cancel context.CancelFunc
	wait   time.Duration
}

func (b *timedBody) Read(p []byte) (int, error) {
	var late atomic.Bool
	timer := time.AfterFunc(b.wait, func() { late.Store(true); b.cancel() })
	n, err := b.body.Read(p)
	timer.Stop()
	if err != nil && err != io.EOF {
		switch {
		case late.Load():
			err = fmt.Errorf("%w: %w: no bytes for %v", ErrUnavailable, os.ErrDeadlineExceeded, b.wait)
		case errors.Is(err, io.ErrUnexpectedEOF):
		case !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
			err = fmt.Errorf("%w: %w", ErrIncomplete, err)
		}
	}
	return n, err
}

func (b *timedBody) Close() error {
	b.cancel()
	return b.body.Close()
}
