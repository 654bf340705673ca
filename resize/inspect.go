package resize

import (
	"bytes"
	"context"
	"image"
	"io"
	"iter"
	"slices"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
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

// look finds what only the pixels tell: where the edges to trim end, and what
// catches the eye. Of an animation the first frame decides. The picture that it
// returns has the same frames.
func (j *job) look(p *Picture) (*Picture, content, error) {
	var s content
	o := j.options
	if o.Trim == 0 && !o.Gravity.DependsOnPicture() {
		return p, s, nil
	}
	next, stop := iter.Pull2(p.Frames)
	j.close = append(j.close, stop)
	first, err, ok := next()
	if !ok {
		return nil, s, ErrMalformed
	}
	if err != nil {
		return nil, s, err
	}
	q := *p
	q.Frames = func(yield func(Frame, error) bool) {
		for f, err, ok := first, error(nil), true; ok; f, err, ok = next() {
			if !yield(f, err) {
				return
			}
		}
	}
	turn := p.orientation
	if o.Orient != 0 {
		turn = o.Orient
	}
	if o.Trim != 0 {
		s.trimmed = trimmed(first.Image, p, turn, o)
	}
	if o.Gravity.DependsOnPicture() {
		s.focus = j.focus(j.proxy(first.Image, p, s))
	}
	return &q, s, nil
}

// trimmed returns the part of the upright source whose edges are not of one
// colour: that of a corner of what Crop leaves.
func trimmed(img image.Image, p *Picture, turn exif.Orientation, o options.Options) image.Rectangle {
	region := o.Crop.Of(turn.Size(p.Source))
	stored := integer(turn.Stored(float(region), p.Source))
	first, tolerance := region.Min, o.Trim
	if tolerance < 0 {
		first, tolerance = region.Max.Sub(image.Pt(1, 1)), -tolerance
	}
	if tolerance == options.ExactTrim {
		tolerance = 0
	}
	at := turn.Stored(scale.Rect{X: float64(first.X), Y: float64(first.Y), W: 1, H: 1}, p.Source)
	corner := integer(at).Min
	left := look.Trim(img, stored, corner, tolerance)
	return integer(turn.Shown(float(left), p.Source))
}

// proxySide is the longer side of the picture that is looked at instead of the
// whole one.
const proxySide = 144

// proxy returns a small picture of what is to be laid into the box: cropped,
// trimmed and turned, but not tilted.
func (j *job) proxy(img image.Image, p *Picture, s content) *image.NRGBA {
	o := j.options
	o = options.Options{Orient: o.Orient, Crop: o.Crop, Angle: o.Angle, Flip: o.Flip, Width: proxySide, Height: proxySide, Fit: options.Contain, Format: options.PNG}
	o.Angle = (o.Angle + 4500) / 9000 % 4 * 9000
	plan := planOf(p.Source, p.orientation, o, s)
	part, options := plan.resample.at(p.Scale)
	return pixel.Of(paint.Turn(scale.Image(img, part, plan.resample.size, options), plan.turn))
}

// focus returns the focal point for the box of the options.
func (j *job) focus(m *image.NRGBA) options.Gravity {
	o := j.options
	size := m.Rect.Size()
	// The proxy has the ratio of the picture; its box is that of the picture,
	// in its own pixels.
	l := lay(image.Pt(size.X*focusUnit, size.Y*focusUnit), options.Options{Width: o.Width, Height: o.Height, Fit: o.Fit, Ratio: o.Ratio, Enlarge: true})
	part := func(kept float64, n int) int { return max(1, min(n, int(float64(kept/focusUnit)+0.5))) }
	return look.Focus(m, image.Pt(part(l.Crop.W, size.X), part(l.Crop.H, size.Y)), o.Gravity.WantsDetail())
}

// focusUnit is how many times the proxy is taken to be larger, so that a side
// rounded to a pixel hardly changes the ratio.
const focusUnit = 64
