package resize

import (
	"context"
	"errors"
	"fmt"
	"image"

	"s3imageserver/resize/sandbox"
)

// Want says how much of a file decode should read.
type Want struct {
	// Min is the smallest useful size of the stored picture. The zero value
	// stands for the size in the header.
	Min image.Point
	// Limits are those of the Resizer.
	Limits Limits

	// resample is what will become of the stored picture, if the header is right. A
	// codec may do it while it decodes, and then says so in Picture.resampled. The
	// zero value asks for nothing.
	resample resample
	// shown is the quality of JPEG that shows as much of the picture as the result
	// will, 1 to 100.
	shown int
	// fast says that the decoder may leave less to the resampler, as
	// [Resizer.FastScaling] has it.
	fast bool
	// fine says that the result has chroma at the resolution of luma.
	fine bool
	// only is the number of the only frame that is wanted, from 1, or of the last one
	// if there are not so many; 0 means all. A codec may leave out what the others
	// would take, and then there is one frame.
	only int
	// show, if not nil, is called when what is decoded is only a part of a picture
	// that is damaged; nil: such a picture is refused.
	show func()
	// grow, if not nil, asks the budget for more bytes than codec.memory said.
	grow func(n int64) error
	// ran, if not nil, is told how much memory a sandbox had.
	ran func(linear int64)
	// ctx ends decoders that can be ended; nil: they go on to their end.
	ctx context.Context
}

// resamples reports whether there is something to crop or to scale.
func (w Want) resamples() bool { return w.resample != (resample{}) && !w.resample.identity() }

// damaged returns err, which says what is wrong with a picture of which a part can
// be shown; nil if it is to be.
func (w Want) damaged(err error) error {
	if w.show == nil {
		return err
	}
	w.show()
	return nil
}

// ended returns the error of a context that has ended: nobody waits for the picture.
func (w Want) ended() error {
	if w.ctx == nil {
		return nil
	}
	return w.ctx.Err()
}

// reserve makes sure that n more bytes may be used than codec.memory said.
func (w Want) reserve(n int64) error {
	if w.grow == nil {
		return nil
	}
	return w.grow(n)
}

// spareBytes is what any picture may take beyond its estimate.
const spareBytes = 48 << 20

// sandbox runs a decoder that was admitted with so many bytes of linear memory
// and the file, which lies at in. It may grow to three times as much if the budget
// has it: headers do not tell all that decoding takes.
func (w Want) sandbox(p *sandbox.Program, file []byte, linear int64, f func(i *sandbox.Instance, in sandbox.Pointer) error) error {
	ctx := w.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	linear += int64(len(file))
	err := p.Run(ctx, sandbox.Room{Bytes: linear, Most: 3*linear + spareBytes, More: w.grow}, func(i *sandbox.Instance) error {
		if w.ran != nil {
			defer func() { w.ran(i.Size()) }()
		}
		in, err := i.Put(file)
		if err != nil {
			return err
		}
		return f(i, in)
	})
	switch {
	case errors.Is(err, sandbox.ErrMemory):
		return fmt.Errorf("%w: decoding takes more memory than the header says: %w", ErrLimit, err)
	case errors.Is(err, sandbox.ErrCodec):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return err
}
