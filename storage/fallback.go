package storage

import (
	"context"
	"errors"
	"io/fs"
)

// Fallback returns a Bucket that looks for a name in each of the buckets, in
// this order, until one has it. It has the methods of [Revalidator], [Lister]
// and, if one of the buckets has them, [Versioned].
//
// An object that an earlier bucket has not, or may not show, is the next one's
// matter. When an earlier bucket is in trouble, what a later one has is a
// [Object.Stopgap]. If none has it, the error is that of the first bucket in
// trouble, else of the first that may not show it, else it wraps
// [fs.ErrNotExist].
func Fallback(buckets ...Bucket) Bucket {
	if len(buckets) == 1 {
		return buckets[0]
	}
	f := fallback(buckets)
	for _, b := range buckets {
		if _, ok := b.(Versioned); ok {
			return versionedFallback{f}
		}
	}
	return f
}

type fallback []Bucket

var (
	_ Revalidator = fallback(nil)
	_ Lister      = fallback(nil)
	_ Versioned   = versionedFallback{}
)

// Get implements [Bucket].
func (f fallback) Get(ctx context.Context, name string) (*Object, error) {
	return f.first(ctx, true, func(b Bucket) (*Object, error) { return b.Get(ctx, name) })
}

// GetIfModified implements [Revalidator]. There is no stopgap: who has
// something already is told of the trouble.
func (f fallback) GetIfModified(ctx context.Context, name string, have Info) (*Object, error) {
	return f.first(ctx, false, func(b Bucket) (*Object, error) { return GetIfModified(ctx, b, name, have) })
}

// first returns what the first bucket that has it gives.
func (f fallback) first(ctx context.Context, stopgap bool, get func(Bucket) (*Object, error)) (*Object, error) {
	var trouble, hidden, missing error
	for _, b := range f {
		object, err := get(b)
		switch {
		case err == nil && trouble == nil:
			return object, nil
		case err == nil:
			return &Object{Info: object.Info, Body: object.Body, Stopgap: trouble}, nil
		case errors.Is(err, ErrNotModified), errors.Is(err, fs.ErrInvalid), ctx.Err() != nil:
			return nil, err
		case errors.Is(err, fs.ErrNotExist):
			missing = firstOf(missing, err)
		case errors.Is(err, fs.ErrPermission):
			hidden = firstOf(hidden, err)
		case !stopgap:
			return nil, err
		default:
			trouble = firstOf(trouble, err)
		}
	}
	return nil, firstOf(trouble, firstOf(hidden, missing))
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// List implements [Lister]: of those buckets that can, each name once.
func (f fallback) List(ctx context.Context, max int, keep func(name string) bool) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	for _, b := range f {
		l, ok := b.(Lister)
		if !ok {
			continue
		}
		names, err := l.List(ctx, max-len(all), func(name string) bool { return !seen[name] && keep(name) })
		if err != nil {
			return all, err
		}
		for _, name := range names {
			seen[name] = true
		}
		if all = append(all, names...); len(all) >= max {
			break
		}
	}
	return all, nil
}

// A versionedFallback has a bucket with versions.
type versionedFallback struct{ fallback }

// GetVersion implements [Versioned]: of those buckets that have versions.
func (f versionedFallback) GetVersion(ctx context.Context, name, version string) (*Object, error) {
	return f.first(ctx, true, func(b Bucket) (*Object, error) {
		v, ok := b.(Versioned)
		if !ok {
			return nil, &fs.PathError{Op: "get version", Path: name, Err: fs.ErrNotExist}
		}
		return v.GetVersion(ctx, name, version)
	})
}
