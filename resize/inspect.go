package resize

import (
	"bytes"
	"context"
	"image"
	"io"
	"slices"

	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
	"s3imageserver/resize/webp"
)

// What is asked of a source without a result: Inspect, Trimmed, Covers, Compare.

// thumbnailSide is the longest side of the picture that colours and hashes are
// taken of.
const thumbnailSide = 64

// thumbnail returns the options with which a picture is decoded to be looked at. PNG
// keeps its transparency.
func thumbnail(o options.Options) options.Options {
	o.Width, o.Height, o.Fit, o.Format = thumbnailSide, thumbnailSide, options.Contain, options.PNG
	return o
}

// Inspect reads what the fields ask for of a source of size bytes. If its first
// bytes tell all of it, no more is read. Errors are those of [Resizer.Resize].
func (r *Resizer) Inspect(ctx context.Context, src io.Reader, size int64, fields []string) (d *Details, err error) {
	defer recovered(&err)
	need := needsHead
	for _, name := range fields {
		need = max(need, detailFields[name])
	}
	a := r.admission(thumbnail(options.Options{}))
	if need == needsHead {
		head := make([]byte, min(size, headBytes))
		if _, err := io.ReadFull(src, head); err != nil {
			return nil, err
		}
		if err := a.sniff(head); err != nil {
			return nil, err
		}
		if headTells(a.codec.format, head) && a.inspect(head) == nil {
			d := &Details{Bytes: size}
			d.ofHeader(a.codec.format, a.info.Size, a.info.orientation)
			return d, nil
		}
		src = io.MultiReader(bytes.NewReader(head), src)
	}
	return run(ctx, a, src, size, func(ctx context.Context, j *job) (*Details, error) {
		p, err := j.decode()
		if err != nil {
			return nil, err
		}
		d := &Details{Bytes: size}
		d.ofHeader(j.codec.format, p.Source, p.orientation)
		if need >= needsFile {
			d.ofFile(j.file, p, j.codec.format, fields)
		}
		if need >= needsPixels {
			if err := d.ofPixels(ctx, j, p, fields); err != nil {
				return nil, err
			}
		}
		return d, nil
	})
}

// headTells reports whether size and orientation are in the first bytes of a
// file: EXIF may lie behind the picture in PNG and WebP, and everything in
// TIFF.
func headTells(f options.Format, head []byte) bool {
	switch f {
	case options.PNG, options.TIFF:
		return false
	case options.WebP:
		return len(head) > 20 && (string(head[12:16]) != "VP8X" || head[20]&webp.FlagEXIF == 0)
	}
	return true
}

// Trimmed returns the size of what o leaves of a source before it is turned and
// resized: of its upright picture, or of that of o.Orient, the part that o.Crop
// and o.Trim keep. The whole source is decoded for it; [Limits.Time] and ctx are
// obeyed as [Resizer.Resize] does. Errors are those of [Resizer.Resize].
func (r *Resizer) Trimmed(ctx context.Context, src Source, o options.Options) (image.Point, error) {
	a := r.admission(thumbnail(options.Options{Orient: o.Orient, Crop: o.Crop, Trim: o.Trim, Page: o.Page}))
	return run(ctx, a, src.Body, src.Size, func(_ context.Context, j *job) (size image.Point, err error) {
		p, err := j.decode()
		if err != nil {
			return size, err
		}
		p, s, err := j.look(j.frames(p))
		if err != nil {
			return size, err
		}
		if o.Trim != 0 {
			return s.trimmed.Size(), nil
		}
		turn := p.orientation
		if o.Orient != 0 {
			turn = o.Orient
		}
		return o.Crop.Of(turn.Size(p.Source)).Size(), nil
	})
}

// Covers reports whether a file is large enough for o: nothing of it would be
// scaled up that its own source might have had more of.
func (r *Resizer) Covers(file []byte, o options.Options) bool {
	a := r.admission(o)
	head := file[:min(len(file), headBytes)]
	if a.sniff(head) != nil || !slices.Contains(derivableFrom, a.codec.format) || a.inspect(head) != nil || a.info.Animated {
		return false
	}
	size := a.info.orientation.Size(a.info.Size)
	l := lay(size, o)
	if l.Size.X == size.X && l.Size.Y == size.Y {
		return false // it may be the limit of the copy, and not of the source
	}
	return l.Crop.W >= float64(l.Size.X) && l.Crop.H >= float64(l.Size.Y)
}

// derivableFrom are formats whose files are as good as a smaller source.
var derivableFrom = []options.Format{options.JPEG, options.PNG, options.WebP}

// A Comparison says how alike two picture files are.
type Comparison struct {
	Sizes   [2]image.Point // upright, in pixels
	Formats [2]options.Format
	// Similarity is the mean structural similarity of the lumas of the first
	// frames, 1 if they are equal; 0 if the sizes differ.
	Similarity float64
}

// Compare decodes two files. Errors are those of [Resizer.Resize].
func (r *Resizer) Compare(ctx context.Context, a, b []byte) (c Comparison, err error) {
	var lumas [2]*image.Gray
	for i, file := range [2][]byte{a, b} {
		m, f, err := r.firstFrame(ctx, file)
		if err != nil {
			return Comparison{}, err
		}
		lumas[i], c.Formats[i], c.Sizes[i] = look.Luma(m), f, m.Bounds().Size()
	}
	if c.Sizes[0] == c.Sizes[1] {
		c.Similarity = look.Similarity(lumas[0], lumas[1])
	}
	return c, nil
}

// firstFrame returns that of a file, upright and in sRGB.
func (r *Resizer) firstFrame(ctx context.Context, file []byte) (image.Image, options.Format, error) {
	a := r.admission(options.Options{Format: options.PNG})
	m, err := run(ctx, a, bytes.NewReader(file), int64(len(file)), func(ctx context.Context, j *job) (image.Image, error) {
		p, err := j.decode()
		if err != nil {
			return nil, err
		}
		if p, err = j.transform(ctx, p); err != nil {
			return nil, err
		}
		return p.first()
	})
	if err != nil {
		return nil, options.NoFormat, err
	}
	return m, a.codec.format, nil
}
