package resize

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"runtime/debug"
)

// A Comparison says how alike two picture files are.
type Comparison struct {
	Sizes   [2]image.Point // upright, in pixels
	Formats [2]Format
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
		lumas[i], c.Formats[i], c.Sizes[i] = lumaPlane(m), f, m.Bounds().Size()
	}
	if c.Sizes[0] == c.Sizes[1] {
		c.Similarity = ssim(lumas[0], lumas[1])
	}
	return c, nil
}

// decode returns the first frame of a file, upright and in sRGB.
func (r *Resizer) decode(ctx context.Context, file []byte) (m image.Image, f Format, err error) {
	defer func() {
		if v := recover(); v != nil {
			m, err = nil, fmt.Errorf("resize: panic: %v\n%s", v, debug.Stack())
		}
	}()
	j := job{resizer: r, limits: r.Limits.withDefaults(), budget: r.Budget, options: Options{Format: PNG}}
	defer j.release()
	file, err = j.admit(ctx, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, NoFormat, err
	}
	defer giveBack(file)
	done, err := j.work(ctx)
	if err != nil {
		return nil, NoFormat, err
	}
	defer done()
	p, err := j.codec.decode(file, j.want)
	if err == nil {
		p, err = j.transform(ctx, p)
	}
	if err == nil {
		m, err = p.first()
	}
	if err != nil {
		return nil, NoFormat, malformed(j.info.Format, err)
	}
	return m, j.codec.format, nil
}
