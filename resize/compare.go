package resize

import (
	"bytes"
	"context"
	"image"

	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
)

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
		m, f, err := r.decode(ctx, file)
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

// decode returns the first frame of a file, upright and in sRGB.
func (r *Resizer) decode(ctx context.Context, file []byte) (m image.Image, f options.Format, err error) {
	j := r.newJob(options.Options{Format: options.PNG})
	file, err = j.read(ctx, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, options.NoFormat, err
	}
	m, err = runJob(ctx, j, file, func(ctx context.Context, file []byte) (image.Image, error) {
		p, err := j.decode(file)
		if err == nil {
			p, err = j.transform(ctx, p)
		}
		var m image.Image
		if err == nil {
			m, err = p.first()
		}
		if err != nil {
			return nil, malformed(j.info.Format, err)
		}
		giveBack(file)
		return m, nil
	})
	if err != nil {
		return nil, options.NoFormat, err
	}
	return m, j.codec.format, nil
}
