// Package storage knows names and bytes: where the source pictures lie.
//
// A [Bucket] opens named objects. Its implementations live in sub-packages:
// storage/s3 for any S3-compatible store, storage/dir for a local folder,
// storage/origin for a web server.
// Package storage/storagetest holds the conformance suite that every
// implementation passes.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
	"unicode/utf8"
)

// MaxNameBytes is the longest name that a [Bucket] accepts: the limit of S3.
const MaxNameBytes = 1024

var (
	// ErrUnavailable says that the store did not answer as a store should: it
	// refused the connection, is overloaded, or reports a fault of its own. The
	// same call may succeed later.
	ErrUnavailable = errors.New("store unavailable")

	// ErrOverloaded is an ErrUnavailable whose cause is that the store asks for
	// fewer requests (S3's SlowDown, status 503 or 429).
	ErrOverloaded = fmt.Errorf("%w: asks for fewer requests", ErrUnavailable)

	// ErrIncomplete says that a body ended before its announced length, or that
	// the store announced no length, so that nobody can know whether it is whole.
	ErrIncomplete = errors.New("incomplete object")

	// ErrDamaged says that the bytes of an object are not those that its store
	// has a checksum of.
	ErrDamaged = errors.New("damaged object")

	// ErrBusy says that this process has too much to do with the store at the
	// moment. It tells nothing about the store.
	ErrBusy = errors.New("too many requests to the store")

	// ErrRefused says that the store refuses a request for this object, and not
	// that the object does not exist: it does not like the name, or the version. It
	// is an [fs.ErrPermission] that tells nothing about an object that was there.
	ErrRefused = fmt.Errorf("%w: the store refuses the request", fs.ErrPermission)

	// ErrTooLarge says that an object has more bytes than the caller accepts.
	ErrTooLarge = errors.New("object too large")
)

// Unreachable reports whether the cause of err is that an object cannot be fetched
// now, and not what the object is: it wraps [ErrUnavailable], [ErrIncomplete] or
// [ErrDamaged].
func Unreachable(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrIncomplete) || errors.Is(err, ErrDamaged)
}

// A Bucket reads named objects. It is safe for concurrent use.
//
// Names obey [ValidName]: S3 calls them keys.
type Bucket interface {
	// Get opens the named object. The caller must close its Body.
	//
	// The error wraps [fs.ErrNotExist] if there is no such object,
	// [fs.ErrPermission] if it may not be read, [fs.ErrInvalid] if the name is
	// not valid, [ErrUnavailable] if the store is in trouble, and
	// [ErrIncomplete] if the store does not say how long the object is.
	// ctx covers the reading of the Body too.
	Get(ctx context.Context, name string) (*Object, error)
}

// A Versioned is a [Bucket] that keeps earlier versions of its objects.
type Versioned interface {
	// GetVersion is Get of one version of an object, as the store names it. A
	// version that there is not gives an error that wraps [fs.ErrNotExist].
	GetVersion(ctx context.Context, name, version string) (*Object, error)
}

// A Parted is a [Bucket] over several stores that fail one by one.
type Parted interface {
	// Part returns what names the store that has the named object.
	Part(name string) string
}

// A Lister is a [Bucket] that can name its objects.
type Lister interface {
	// List returns the names of at most max objects that keep accepts.
	List(ctx context.Context, max int, keep func(name string) bool) ([]string, error)
}

// An Object is one opened source.
type Object struct {
	Info
	// Body yields exactly Size bytes and then io.EOF, or an error: a body that
	// ends early gives an error that wraps ErrIncomplete, never io.EOF; one that
	// differs from a checksum of the store wraps ErrDamaged and holds back the
	// last bytes.
	Body io.ReadCloser
	// Stopgap, if not nil, is why this object came from a later bucket of a
	// [Fallback]: an earlier one, which may have another object of that name,
	// is in trouble.
	Stopgap error
}

// Info describes an object as its store does.
type Info struct {
	Size    int64     // bytes, never negative
	ETag    string    // as the store sent it, without quotes; empty if it has none
	ModTime time.Time // zero if the store does not say
	Meta    Meta
}

// Meta is what an uploader has said about a picture, in the store's words; ""
// if nothing. S3 calls it x-amz-meta-focal and so on.
type Meta struct{ Focal, Crop, Quality, Watermark string }

// MaxMetaBytes is the longest value of a Meta; buckets leave out longer ones.
const MaxMetaBytes = 256

// ValidName reports whether name may be given to a Bucket: it obeys
// [fs.ValidPath], names no folder, has at most [MaxNameBytes] bytes of valid
// UTF-8 and holds neither a backslash nor a control byte. Stores accept much
// more; a name that one of them would read as a path out of its folder must
// not reach any.
func ValidName(name string) bool {
	if name == "." || len(name) > MaxNameBytes || !fs.ValidPath(name) || !utf8.ValidString(name) {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; c < 0x20 || c == 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// NewObject returns an Object over body that keeps the promise of
// [Object.Body]: the bytes are counted, and a body that ends before info.Size
// gives ErrIncomplete. Bytes beyond info.Size are not delivered.
func NewObject(info Info, body io.ReadCloser) *Object {
	return &Object{Info: info, Body: &exactBody{body: body, left: info.Size}}
}

type exactBody struct {
	body io.ReadCloser
	left int64
}

func (b *exactBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	switch {
	case b.left == 0:
		return n, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return n, fmt.Errorf("%w: %d bytes missing", ErrIncomplete, b.left)
	}
	return n, err
}

func (b *exactBody) Close() error { return b.body.Close() }

// ReadAll returns the bytes of the named object, at most max of them; a larger
// object gives an error that wraps [ErrTooLarge], from its length alone.
func ReadAll(ctx context.Context, b Bucket, name string, max int64) ([]byte, Info, error) {
	obj, err := b.Get(ctx, name)
	if err != nil {
		return nil, Info{}, err
	}
	defer obj.Body.Close() // read-only: nothing is lost when closing fails
	data, err := obj.ReadAll(max)
	return data, obj.Info, err
}

// ReadAll returns all of the body, at most max bytes of it; a larger
// object gives an error that wraps [ErrTooLarge], from its length alone.
func (o *Object) ReadAll(max int64) ([]byte, error) {
	if o.Size > max {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, o.Size, max)
	}
	data := make([]byte, o.Size)
	if _, err := io.ReadFull(o.Body, data); err != nil {
		return nil, err
	}
	return data, nil
}
