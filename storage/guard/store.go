package guard

import (
	"context"
	"time"

	"s3imageserver/storage"
)

// Store is a guarded [storage.Store]: its writes do not begin while the circuit
// is open, and are not tried again.
type Store struct {
	*Bucket
	inner storage.Store
}

var _ storage.Store = (*Store)(nil)

// NewStore returns a guarded inner.
func NewStore(inner storage.Store, c Config) *Store { return &Store{New(inner, c), inner} }

// Put implements [storage.Store].
func (s *Store) Put(ctx context.Context, name string, data []byte) error {
	return s.do(ctx, name, s.config.Timeout, func(ctx context.Context) error { return s.inner.Put(ctx, name, data) })
}

// Delete implements [storage.Store].
func (s *Store) Delete(ctx context.Context, name string) error {
	return s.do(ctx, name, s.config.Timeout, func(ctx context.Context) error { return s.inner.Delete(ctx, name) })
}

// Walk implements [storage.Store]. An error of visit does not count as one of
// the store's.
func (s *Store) Walk(ctx context.Context, prefix, after string, visit func(string, storage.Info) error) error {
	var visitErr error
	err := s.do(ctx, prefix, walkFactor*s.config.Timeout, func(ctx context.Context) error {
		err := s.inner.Walk(ctx, prefix, after, func(name string, info storage.Info) error {
			visitErr = visit(name, info)
			return visitErr
		})
		if visitErr != nil {
			return nil
		}
		return err
	})
	if visitErr != nil {
		return visitErr
	}
	return err
}

// walkFactor is how much longer than one object a walk may take.
const walkFactor = 10

func (s *Store) do(ctx context.Context, name string, timeout time.Duration, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTooSlow)
	defer cancel()
	_, asked, err := s.ask(ctx, name, func(ctx context.Context) (*storage.Object, error) { return nil, call(ctx) })
	if err != nil {
		return err
	}
	asked.settle(nil)
	return nil
}
