package resize

import (
	"errors"
	"fmt"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
)

// ErrSettle is wrapped by errors of Source.Settle: the picture is not to blame.
var ErrSettle = errors.New("no options for this picture")

// A Header is what is known of a source before its pixels are.
type Header struct {
	Width, Height int // upright; behind a trim, of what is left
	// Turned says that it is stored lying: with EXIF's orientations 5 to 8.
	Turned   bool
	Format   options.Format
	Animated bool // there may be more than one frame
	Alpha    bool // there may be transparency
	// Trimmed says that the edges have been cut that Options.Trim is about. The
	// crop of the options that are returned is one of what is left.
	Trimmed bool
}

// settled asks Source.Settle for the options: when the header is read, and
// again where the picture tells more than that.
func (a *admission) settled(h Header) error {
	o, err := a.settle(h)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSettle, err)
	}
	if !o.Format.IsAuto() && !o.Format.Writable() {
		return fmt.Errorf("%w: no output format", ErrUnsupported)
	}
	a.options = o
	return nil
}

func headerOf(info Info, o exif.Orientation) Header {
	size := o.Size(info.Size)
	return Header{Width: size.X, Height: size.Y, Turned: o >= 5, Format: info.Format, Animated: info.Animated, Alpha: info.Alpha}
}

// resettle asks again for the options of a picture whose orientation only its
// file has told, or whose edges have been cut.
func (j *job) resettle(p *Picture, s *seen) error {
	if j.settle == nil {
		return nil
	}
	h := headerOf(Info{Format: j.info.Format, Size: p.Source, Animated: p.Count > 1, Alpha: j.info.Alpha}, p.orientation)
	turned := p.orientation != j.info.orientation
	if s.region.Empty() {
		if !turned {
			return nil
		}
		return j.settled(h)
	}
	h.Width, h.Height, h.Trimmed = s.region.Dx(), s.region.Dy(), true
	h.Turned = false // that is how the edges have been seen
	if err := j.settled(h); err != nil {
		return err
	}
	s.region = j.options.Crop.Of(s.region.Size()).Add(s.region.Min)
	return nil
}
