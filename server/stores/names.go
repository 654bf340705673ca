package stores

import (
	"context"
	"errors"
	"iter"

	"s3imageserver/server/config"
	"s3imageserver/storage"
)

// errStopped ends a listing that nobody reads any more.
var errStopped = errors.New("stopped")

// Names returns the names of all objects of a handler's sources that begin with prefix and
// come after the name after: each once, in the order of their bytes. An error is the last
// it yields. Sources that cannot name their objects, as web servers, are an error too.
func Names(ctx context.Context, c *config.Config, handler int, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		sources, err := Open(c, handler)
		if err != nil {
			yield("", err)
			return
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		heads := make([]head, len(sources))
		for i, s := range sources {
			next, end := iter.Pull2(namesOf(ctx, s.Bucket, prefix, after))
			defer end()
			heads[i] = head{next: next}
			heads[i].advance()
		}
		for {
			first := -1
			for i := range heads {
				switch h := &heads[i]; {
				case h.err != nil:
					yield("", h.err)
					return
				case h.ok && (first < 0 || h.name < heads[first].name):
					first = i
				}
			}
			if first < 0 {
				return
			}
			name := heads[first].name
			if !yield(name, nil) {
				return
			}
			for i := range heads {
				if h := &heads[i]; h.ok && h.name == name {
					h.advance()
				}
			}
		}
	}
}

// A head is the next name of one source.
type head struct {
	next func() (string, error, bool)
	name string
	err  error
	ok   bool
}

func (h *head) advance() { h.name, h.err, h.ok = h.next() }

// namesOf is [storage.Names] as an iterator.
func namesOf(ctx context.Context, b storage.Bucket, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := storage.Names(ctx, b, prefix, after, func(name string) error {
			if !yield(name, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield("", err)
		}
	}
}
