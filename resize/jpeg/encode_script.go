package jpeg

// A bandScript is how the AC coefficients of a component are sent: from which
// bit on before those below it, and up to which place, 63 at the most, before
// those behind it.
type bandScript struct{ al, split int }

// mostScans is the longest script: one scan of DC, and for each component low
// coefficients, the rest, and bits that were left out.
const mostScans = 1 + maxEncComps*(2+mostBits)

const (
	maxEncComps = 3
	mostBits    = 2 // that are left out at first
	firstSplit  = 8
)

// Splits that are tried besides firstSplit.
var splits = [...]int{63, 12, 2}

// chooseScript returns the scans that take the fewest bytes of those tried. DC
// coefficients come first, then the low ones of luma: a part of the file
// shows all of the picture.
func (e *encoder) chooseScript() []encScan {
	var best [maxEncComps]bandScript
	for c := range e.ncomps {
		best[c] = e.chooseBands(c)
	}
	script := append(e.script[:0], encScan{0, e.ncomps, 0, 0, 0, 0})
	for c, b := range best[:e.ncomps] {
		script = append(script, encScan{c, c + 1, 1, b.split, 0, b.al})
	}
	for c, b := range best[:e.ncomps] {
		if b.split < 63 {
			script = append(script, encScan{c, c + 1, b.split + 1, 63, 0, b.al})
		}
	}
	for al := mostBits; al > 0; al-- {
		for c, b := range best[:e.ncomps] {
			if b.al >= al {
				script = append(script, encScan{c, c + 1, 1, 63, al, al - 1})
			}
		}
	}
	return script
}

// chooseBands returns the best script for component c: it finds the bit first,
// then the split.
func (e *encoder) chooseBands(c int) bandScript {
	size := func(b bandScript) int {
		n := e.scanBits(encScan{c, c + 1, 1, b.split, 0, b.al})
		if b.split < 63 {
			n += e.scanBits(encScan{c, c + 1, b.split + 1, 63, 0, b.al})
		}
		return n
	}
	best := bandScript{0, firstSplit}
	bands := size(best) // without the scans of the bits left out
	least, refinements := bands, 0
	for al := 1; al <= mostBits; al++ {
		refinements += e.scanBits(encScan{c, c + 1, 1, 63, al, al - 1})
		b := bandScript{al, firstSplit}
		n := size(b)
		if n+refinements >= least {
			break
		}
		best, bands, least = b, n, n+refinements
	}
	for _, split := range splits {
		b := bandScript{best.al, split}
		if n := size(b); n < bands {
			best, bands = b, n
		}
	}
	return best
}

// scanBits returns how many bits a scan takes, with its tables and its header.
func (e *encoder) scanBits(s encScan) int {
	e.makeScan(s)
	n := 8 * (10 + 2*(s.end-s.first))
	for t := range 4 {
		if !e.optimalTable(t) {
			continue
		}
		values := e.spec.values
		n += 8 * (21 + len(values))
		for l, codes := range e.spec.count {
			for _, v := range values[:codes] {
				n += (l + 1) * int(e.counts[t<<8|int(v)])
			}
			values = values[codes:]
		}
	}
	for _, t := range e.tokens {
		n += int(t >> 16 & 31)
	}
	return n
}
