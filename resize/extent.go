package resize

import (
	"context"
	"image"

	"s3imageserver/resize/options"
)

// Trimmed returns the size of what o leaves of a source before it is turned and
// resized: of its upright picture, or of that of o.Orient, the part that o.Crop
// and o.Trim keep. The whole source is decoded for it; [Limits.Time] and ctx are
// obeyed as [Resizer.Resize] does. Errors are those of [Resizer.Resize].
func (r *Resizer) Trimmed(ctx context.Context, src Source, o options.Options) (size image.Point, err error) {
	j := r.newJob(options.Options{
		Orient: o.Orient, Crop: o.Crop, Trim: o.Trim, Page: o.Page,
		Width: thumbnailSide, Height: thumbnailSide, Fit: options.Contain, Format: options.PNG,
	})
	file, err := j.read(ctx, src.Body, src.Size)
	if err != nil {
		return size, err
	}
	return runJob(ctx, j, file, func(_ context.Context, file []byte) (image.Point, error) {
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
	})
}
