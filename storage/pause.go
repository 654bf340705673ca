package storage

import "context"

type pauseKey struct{}

// WithPause returns a context whose [Pause] calls pause: who measures the time
// of a store is told so when what is waited for is not the store.
func WithPause(ctx context.Context, pause func() (resume func())) context.Context {
	return context.WithValue(ctx, pauseKey{}, pause)
}

// Pause says that from now on, until resume is called, a [Bucket] waits for
// something of this process and not for its store. It is called by the goroutine
// that called the Bucket.
func Pause(ctx context.Context) (resume func()) {
	if pause, ok := ctx.Value(pauseKey{}).(func() func()); ok {
		return pause()
	}
	return func() {}
}
