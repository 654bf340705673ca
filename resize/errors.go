package resize

import (
	"errors"
	"fmt"

	"s3imageserver/resize/heif"
	"s3imageserver/resize/jxl"
	"s3imageserver/resize/vp8"
	"s3imageserver/resize/webp"
)

// below has what errors of the packages that read files are here.
var below = []struct{ theirs, ours error }{
	{heif.ErrMalformed, ErrMalformed}, {heif.ErrUnsupported, ErrUnsupported}, {heif.ErrLimit, ErrLimit},
	{webp.ErrMalformed, ErrMalformed}, {webp.ErrLimit, ErrLimit}, {vp8.ErrMalformed, ErrMalformed},
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
