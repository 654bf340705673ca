package resize

import (
	"context"
	"errors"
	"fmt"

	"s3imageserver/resize/heif"
	"s3imageserver/resize/jxl"
	"s3imageserver/resize/options"
	"s3imageserver/resize/tiff"
	"s3imageserver/resize/vp8"
	"s3imageserver/resize/webp"
)

var (
	// ErrNotPicture says that the bytes are no picture at all: nothing, HTML,
	// or the error document of a store.
	ErrNotPicture = errors.New("not a picture")
	// ErrUnsupported says that the bytes are of a kind that is not read, or not
	// allowed here.
	ErrUnsupported = errors.New("unsupported format")
	// ErrMalformed says that a file of a known format does not decode.
	ErrMalformed = errors.New("malformed picture")
	// ErrLimit says that a picture is beyond a limit, or would be.
	ErrLimit = errors.New("picture beyond a limit")
	// ErrBusy says that the memory budget stayed full for too long.
	ErrBusy = errors.New("too much work at once")
)

// below has what errors of the packages that read containers are here.
var below = []struct{ theirs, ours error }{
	{heif.ErrMalformed, ErrMalformed}, {heif.ErrUnsupported, ErrUnsupported}, {heif.ErrLimit, ErrLimit},
	{webp.ErrMalformed, ErrMalformed}, {webp.ErrLimit, ErrLimit}, {vp8.ErrMalformed, ErrMalformed},
	{tiff.ErrMalformed, ErrMalformed}, {tiff.ErrUnsupported, ErrUnsupported},
	{jxl.ErrMalformed, ErrMalformed}, {jxl.ErrUnsupported, ErrUnsupported}, {jxl.ErrLimit, ErrLimit},
}

// fromBelow returns an error of a package that reads containers as one of ours,
// which wraps both. Other errors, as [io.ErrUnexpectedEOF], stay as they are.
func fromBelow(err error) error {
	for _, e := range below {
		if errors.Is(err, e.theirs) {
			return fmt.Errorf("%w: %w", e.ours, err)
		}
	}
	return err
}

// malformed says that a file did not decode, unless err says more. Frames are
// decoded while they are encoded, so both stages may find it.
func malformed(f options.Format, err error) error {
	for _, known := range []error{errAgain, ErrSettle, ErrUnsupported, ErrMalformed, ErrLimit, ErrBusy, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %s: %w", ErrMalformed, f, err)
}
