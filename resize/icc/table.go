package icc

import (
	"encoding/binary"
	"fmt"
)

// outputs is how many values a colour of a connection space has.
const outputs = 3

// A table is a transform by curves and a grid: lut8Type, lut16Type (sections
// 10.10 and 10.11) or lutAToBType (section 10.12). Stages that a profile leaves
// out are nil.
type table struct {
	channels int
	input    []curve // one a channel; the A curves
	grid     *grid
	middle   []curve // M curves
	matrix   *[12]float64
	output   []curve // B curves
	// legacy says that Lab is encoded as in version 2: white is 0xff00.
	legacy bool
}

// A grid has points in as many dimensions as there are channels, the last one
// running fastest, and outputs values each, all in [0,1].
type grid struct {
	points [4]int // along each dimension
	stride [4]int // in values
	values []float32
	n      int // channels
}

func readTable(b []byte, channels int) (*table, error) {
	if len(b) < 32 {
		return nil, fmt.Errorf("%w: table of %d bytes", ErrProfile, len(b))
	}
	if int(b[8]) != channels || b[9] != outputs {
		return nil, fmt.Errorf("%w: table from %d to %d channels", ErrProfile, b[8], b[9])
	}
	switch string(b[:4]) {
	case "mft1", "mft2":
		return readOldTable(b, channels)
	case "mAB ":
		return readNewTable(b, channels)
	}
	return nil, fmt.Errorf("%w: table of type %q", ErrProfile, b[:4])
}

// readOldTable reads mft1 and mft2. Their matrix is only for XYZ input, which
// no picture has.
func readOldTable(b []byte, channels int) (*table, error) {
	width, in, out, at := 1, 256, 256, 48
	if string(b[:4]) == "mft2" {
		if len(b) < 52 {
			return nil, fmt.Errorf("%w: table of %d bytes", ErrProfile, len(b))
		}
		width, in, out, at = 2, int(binary.BigEndian.Uint16(b[48:])), int(binary.BigEndian.Uint16(b[50:])), 52
	}
	if in < 2 || out < 2 || in > 4096 || out > 4096 {
		return nil, fmt.Errorf("%w: curves of %d and %d points", ErrProfile, in, out)
	}
	t := &table{channels: channels, legacy: width == 2}
	points := [4]int{}
	for i := range channels {
		points[i] = int(b[10])
	}
	take := func(n int) ([]byte, error) {
		if n > len(b)-at {
			return nil, fmt.Errorf("%w: table ends early", ErrProfile)
		}
		part := b[at : at+n]
		at += n
		return part, nil
	}
	curves := func(n, points int) (list []curve, err error) {
		for range n {
			part, err := take(width * points)
			if err != nil {
				return nil, err
			}
			values := make([]float64, points)
			for i := range values {
				values[i] = sample(part, i, width)
			}
			list = append(list, interpolated(values))
		}
		return list, nil
	}
	var err error
	if t.input, err = curves(channels, in); err != nil {
		return nil, err
	}
	size, err := gridSize(points, channels)
	if err != nil {
		return nil, err
	}
	part, err := take(width * size)
	if err != nil {
		return nil, err
	}
	t.grid = newGrid(points, channels, part, width)
	t.output, err = curves(outputs, out)
	return t, err
}

// sample returns the i-th number of one or two bytes, in [0,1].
func sample(b []byte, i, width int) float64 {
	if width == 1 {
		return float64(b[i]) / 255
	}
	return float64(binary.BigEndian.Uint16(b[2*i:])) / 65535
}

// gridSize returns the number of values of a grid, at most as many as fit a
// profile.
func gridSize(points [4]int, channels int) (int, error) {
	size := outputs
	for _, p := range points[:channels] {
		if p < 1 || size > MaxBytes/p {
			return 0, fmt.Errorf("%w: grid of %v points", ErrProfile, points[:channels])
		}
		size *= p
	}
	return size, nil
}

func newGrid(points [4]int, channels int, values []byte, width int) *grid {
	g := &grid{points: points, n: channels}
	stride := outputs
	for i := channels - 1; i >= 0; i-- {
		g.stride[i] = stride
		stride *= points[i]
	}
	g.values = make([]float32, stride)
	for i := range g.values {
		g.values[i] = float32(sample(values, i, width))
	}
	return g
}

func readNewTable(b []byte, channels int) (*table, error) {
	var at [5]int // B curves, matrix, M curves, grid, A curves
	for i := range at {
		v := binary.BigEndian.Uint32(b[12+4*i:])
		if uint64(v) > uint64(len(b)) {
			return nil, fmt.Errorf("%w: table with a part at %d", ErrProfile, v)
		}
		at[i] = int(v)
	}
	curves := func(at, n int) (list []curve, err error) {
		for range n {
			c, length, err := readCurve(b[min(at, len(b)):])
			if err != nil {
				return nil, err
			}
			list = append(list, c)
			at += (length + 3) &^ 3
		}
		return list, nil
	}
	t := &table{channels: channels}
	var err error
	if at[0] == 0 {
		return nil, fmt.Errorf("%w: table without B curves", ErrProfile)
	}
	if t.output, err = curves(at[0], outputs); err != nil {
		return nil, err
	}
	if at[1] != 0 {
		if len(b)-at[1] < 48 {
			return nil, fmt.Errorf("%w: matrix ends early", ErrProfile)
		}
		t.matrix = new([12]float64)
		for i := range t.matrix {
			t.matrix[i] = s15Fixed16(b[at[1]+4*i:])
		}
	}
	if at[2] != 0 {
		if t.middle, err = curves(at[2], outputs); err != nil {
			return nil, err
		}
	}
	if at[3] == 0 {
		if channels != outputs {
			return nil, fmt.Errorf("%w: %d channels without a grid", ErrProfile, channels)
		}
		return t, nil
	}
	g := b[at[3]:]
	if len(g) < 20 {
		return nil, fmt.Errorf("%w: grid ends early", ErrProfile)
	}
	var points [4]int
	for i := range channels {
		points[i] = int(g[i])
	}
	width := int(g[16])
	size, err := gridSize(points, channels)
	if err != nil {
		return nil, err
	}
	if (width != 1 && width != 2) || size*width > len(g)-20 {
		return nil, fmt.Errorf("%w: grid of %v points of %d bytes", ErrProfile, points[:channels], width)
	}
	t.grid = newGrid(points, channels, g[20:], width)
	if at[4] != 0 {
		t.input, err = curves(at[4], channels)
	}
	return t, err
}

// eval returns the encoded connection colour of a device colour.
func (t *table) eval(in *[4]float64) (v [outputs]float64) {
	x := *in
	for i, c := range t.input {
		x[i] = clamp(c(x[i]))
	}
	return t.after(&x)
}

// after is eval without the input curves.
func (t *table) after(x *[4]float64) (v [outputs]float64) {
	if t.grid != nil {
		v = t.grid.at(x)
	} else {
		copy(v[:], x[:])
	}
	for i, c := range t.middle {
		v[i] = c(v[i])
	}
	if m := t.matrix; m != nil {
		v = [outputs]float64{
			float64(m[0]*v[0]) + float64(m[1]*v[1]) + float64(m[2]*v[2]) + m[9],
			float64(m[3]*v[0]) + float64(m[4]*v[1]) + float64(m[5]*v[2]) + m[10],
			float64(m[6]*v[0]) + float64(m[7]*v[1]) + float64(m[8]*v[2]) + m[11],
		}
	}
	for i, c := range t.output {
		v[i] = c(v[i])
	}
	return v
}

// at interpolates between the points around x: of three channels in the
// tetrahedron that x lies in, of which there are six in a cell; of four so twice,
// and linearly along the first one. That is how other readers do it: where a
// profile is steep, other ways are seen as faint outlines.
func (g *grid) at(x *[4]float64) (v [outputs]float64) {
	var f [4]float64
	base := 0
	step := g.stride
	for i := range g.n {
		last := g.points[i] - 1
		p := float64(x[i] * float64(last))
		k := min(int(p), last)
		f[i] = p - float64(k)
		if k == last {
			step[i] = 0
		}
		base += k * g.stride[i]
	}
	if g.n < 4 {
		g.add(&v, 1, base, f[:g.n], step[:g.n])
		return v
	}
	g.add(&v, 1-f[0], base, f[1:], step[1:])
	g.add(&v, f[0], base+step[0], f[1:], step[1:])
	return v
}

// add adds weight times what lies at the fractions f of a cell that begins at
// base. The way from its first point to its last one goes along the dimension
// with the largest fraction first.
func (g *grid) add(v *[outputs]float64, weight float64, base int, f []float64, step []int) {
	if weight == 0 {
		return
	}
	var order [4]int
	n := len(f)
	for i := range n {
		j := i
		for j > 0 && f[order[j-1]] < f[i] {
			order[j] = order[j-1]
			j--
		}
		order[j] = i
	}
	before := 1.0
	for i := range n + 1 {
		after := 0.0
		if i < n {
			after = f[order[i]]
		}
		if w := weight * (before - after); w != 0 {
			for j := range v {
				v[j] += float64(w * float64(g.values[base+j]))
			}
		}
		if i < n {
			base += step[order[i]]
			before = after
		}
	}
}
