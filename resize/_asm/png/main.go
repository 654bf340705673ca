// Command png generates kernels_arm64.s of package png: the NEON twins of its
// functions whose names end in Generic, 32 bytes of a row at a time.
package main

import . "s3imageserver/resize/_asm/neon"

func main() {
	f := NewFile("resize/_asm/png")
	costs(f)
	kernel(f, "subAsm", func(p *Pool, n neighbourhood) V { return n.a })
	kernel(f, "upAsm", func(p *Pool, n neighbourhood) V { return n.b })
	kernel(f, "averageAsm", func(p *Pool, n neighbourhood) V { return average(f, p, n) })
	kernel(f, "paethAsm", func(p *Pool, n neighbourhood) V { return paeth(f, p, n) })
	f.Write()
}

// A neighbourhood is 16 bytes of a row and those around them, as the PNG
// specification names them (section 9.2): a to the left, b above, c above to the left.
type neighbourhood struct{ x, a, b, c V }

// load reads the neighbourhood of the bytes at R1, below those at R2, to the right
// of those at R5 and R6.
func load(f *File, p *Pool) neighbourhood {
	n := neighbourhood{p.One(), p.One(), p.One(), p.One()}
	for i, v := range []V{n.x, n.b, n.a, n.c} {
		f.Go("FMOVQ.P 16(%s), F%d", []string{"R1", "R2", "R5", "R6"}[i], v)
	}
	return n
}

// corners sets R5 and R6 to the places of a and c.
func corners(f *File) {
	f.Go("SUB R3, R1, R5")
	f.Go("SUB R3, R2, R6")
}

func average(f *File, p *Pool, n neighbourhood) V {
	r := p.One()
	f.Words(Same("UHADD", r, n.a, n.b, B16))
	return r
}

// paeth has the distance of c to a+b-c from the two others': they add up if c is not
// between a and b, else the smaller is taken from the larger. A sum that is cut at 255
// is as far from both as it was.
func paeth(f *File, p *Pool, n neighbourhood) V {
	pa, pb, pc, t, same := p.One(), p.One(), p.One(), p.One(), p.One()
	f.Words(
		Same("UABD", pa, n.b, n.c, B16), Same("UABD", pb, n.a, n.c, B16),
		Same("CMHS", t, n.b, n.c, B16), Same("CMHS", same, n.a, n.c, B16))
	f.Op("VEOR", same, same, t, B16) // set where the signs differ
	f.Words(Same("UQADD", pc, pa, pb, B16), Same("UABD", t, pa, pb, B16))
	f.Op("VBSL", same, t, pc, B16) // t where same is set
	pc, same = same, pc
	f.Words(Same("CMHS", t, pc, pb, B16)) // pb <= pc: b, else c
	f.Op("VBSL", t, n.b, n.c, B16)
	f.Words(Same("CMHS", same, pb, pa, B16), Same("CMHS", pc, pc, pa, B16))
	f.Op("VAND", same, same, pc, B16) // pa <= pb and pa <= pc: a
	f.Op("VBSL", same, n.a, t, B16)
	p.Free(pa, pb, pc, t)
	return same
}

func costs(f *File) {
	f.Text("costsAsm", 0, "sums", "cur", "above", "bpp", "groups")
	var p Pool
	corners(f)
	f.Go("LSL $1, R4")
	total := p.Take(5)
	for _, v := range total {
		f.Zero(v)
	}
	loop := f.NewLabel()
	f.Label(loop)
	n := load(f, &p)
	for i, v := range total {
		d := p.One()
		switch i {
		case 0:
			f.Words(Unary("ABS", d, n.x, B16))
		case 1, 2:
			f.Op("VSUB", d, n.x, []V{n.a, n.b}[i-1], B16)
			f.Words(Unary("ABS", d, d, B16))
		case 3, 4:
			predicted := []func(*File, *Pool, neighbourhood) V{average, paeth}[i-3](f, &p, n)
			f.Op("VSUB", d, n.x, predicted, B16)
			f.Words(Unary("ABS", d, d, B16))
			p.Free(predicted)
		}
		f.Words(Pairs("UADDLP", d, d, B16), Pairs("UADALP", v, d, H8))
		p.Free(d)
	}
	f.Go("SUBS $1, R4")
	f.Go("BNE %s", loop)
	for i, v := range total {
		f.Go("VUADDLV %s, V%d", v.Go(S4), v)
		f.Go("VMOV V%d.D[0], R7", v)
		f.Go("MOVD %d(R0), R8", 8*i)
		f.Go("ADD R7, R8")
		f.Go("MOVD R8, %d(R0)", 8*i)
	}
	f.Go("RET")
}

// kernel makes a function that writes what a filter leaves of a row.
func kernel(f *File, name string, predict func(p *Pool, n neighbourhood) V) {
	f.Text(name, 0, "dst", "cur", "above", "bpp", "groups")
	var p Pool
	corners(f)
	f.Go("LSL $1, R4")
	loop := f.NewLabel()
	f.Label(loop)
	n := load(f, &p)
	f.Op("VSUB", n.x, n.x, predict(&p, n), B16)
	f.Go("FMOVQ.P F%d, 16(R0)", n.x)
	f.Go("SUBS $1, R4")
	f.Go("BNE %s", loop)
	f.Go("RET")
}
