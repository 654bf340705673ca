package storage

import (
	"context"
	"errors"
)

// A Store is a [Bucket] that can be written. It is safe for concurrent use.
type Store interface {
	Bucket
	// Put stores data under name, in place of what was there. A reader finds
	// the whole old object or the whole new one. Errors as in Bucket.Get.
	Put(ctx context.Context, name string, data []byte) error
	// Delete removes the named object; one that is not there is no error.
	Delete(ctx context.Context, name string) error
	// Walk calls visit for every object whose name begins with prefix and comes
	// after the name after, in the order of the names' bytes. Info has at least
	// Size and ModTime. An error of visit ends the walk and is returned.
	Walk(ctx context.Context, prefix, after string, visit func(name string, info Info) error) error
}

// ErrNotModified says that an object is what the caller has already.
var ErrNotModified = errors.New("object not modified")

// A Revalidator is a [Bucket] that can say that an object has not changed
// without sending it.
type Revalidator interface {
	// GetIfModified is Get, but the error wraps [ErrNotModified] if the object
	// has the ETag and the ModTime of have; a zero ModTime, and one that the
	// store does not tell, counts as equal.
	GetIfModified(ctx context.Context, name string, have Info) (*Object, error)
}

// GetIfModified is [Revalidator.GetIfModified] of b. A Bucket that has none is
// asked for the object, whose info is then compared.
func GetIfModified(ctx context.Context, b Bucket, name string, have Info) (*Object, error) {
	if r, ok := b.(Revalidator); ok && have.ETag != "" {
		return r.GetIfModified(ctx, name, have)
	}
	object, err := b.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if have.ETag != "" && have.ETag == object.ETag && have.ModTime.Equal(object.ModTime) {
		_ = object.Body.Close() // nothing of it was read
		return nil, ErrNotModified
	}
	return object, nil
}

// A Watcher is a [Bucket] that tells of changes.
type Watcher interface {
	// Watch calls changed with the name of every object that was written or
	// removed, until ctx ends or the store ends it, and returns why. Changes
	// before the call and between two calls are not told.
	Watch(ctx context.Context, changed func(name string)) error
}
