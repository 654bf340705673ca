package resize

import (
	"context"
	"image"

	"s3imageserver/resize/options"
)

// Trimmed returns the size of what o leaves of a source before it is turned and
// resized: of its upright picture, or of that of o.Orient, the part that o.Crop
// and o.Trim keep. The whole source is decoded for it; [Limits.Time] and ctx are
// obeyed between its stages. Errors are those of [Resizer.Resize].
func (r *Resizer) Trimmed(ctx context.Context, src Source, o options.Options) (size image.Point, err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeoutCause(ctx, r.Limits.withDefaults().Time, errTime)
	defer cancel()
	j := &job{
		resizer: r, limits: r.Limits.withDefaults(), budget: r.Budget,
		options: options.Options{Orient: o.Orient, Crop: o.Crop, Trim: o.Trim, Page: o.Page, Width: thumbnailSide, Height: thumbnailSide, Fit: options.Contain, Format: options.PNG},
	}
	defer j.release()
	file, err := j.admit(ctx, src.Body, src.Size)
	if err != nil {
		return size, err
	}
	done, err := j.work(ctx)
	if err != nil {
		return size, err
	}
	defer done()
	p, err := j.decode(file)
	if err != nil {
		return size, malformed(j.info.Format, err)
	}
	p, s, err := j.look(j.frames(p))
	if err != nil {
		return size, malformed(j.info.Format, err)
	}
	if o.Trim != 0 {
		return s.region.Size(), nil
	}
	turn := p.orientation
	if o.Orient != 0 {
		turn = o.Orient
	}
	return o.Crop.Of(turn.Size(p.Source)).Size(), nil
}
