package vp8l

import (
	"cmp"
	"math"
	"slices"
)

// Parts of a picture that are alike share a group of prefix codes (section 3.7.2.2).

// A tile holds the symbols of a square of a picture: each is an index into a histogram's
// counts, and 12 bits above it how often it is there.
type tile []uint32

const (
	symbolBits = 12
	mostTiles  = 1 << 11
	mostGroups = 32
)

// tilesOf counts symbols by squares of 1<<bits pixels.
func tilesOf(argb []uint32, width, height int, refs []reference, cacheBits, bits uint, codes *distanceCodes) []tile {
	across := blocks(width, bits)
	tiles := make([]tile, 0, across*blocks(height, bits))
	line := make([]histogram, across)
	for i := range line {
		line[i] = newHistogram(cacheBits)
	}
	flush := func() {
		for i := range line {
			counts, n := line[i].counts, 0
			for _, c := range counts {
				if c > 0 {
					n += 1 + int(c>>(32-symbolBits))
				}
			}
			t := make(tile, 0, n)
			for s, c := range counts {
				for c > 0 {
					part := min(c, 1<<(32-symbolBits)-1)
					t = append(t, part<<symbolBits|uint32(s))
					c -= part
				}
			}
			clear(counts)
			tiles = append(tiles, t)
		}
	}
	cache := newColorCache(cacheBits)
	i, x, y := 0, 0, 0
	for _, r := range refs {
		h := &line[x>>bits]
		n := max(1, r.length())
		if r.length() > 0 {
			h.repetition(r, codes)
			cache.putAll(argb[i:][:n])
		} else if place, there := cache.put(argb[i]); there {
			h.counts[literals+lengthSymbols+int(place)]++
		} else {
			h.literal(argb[i])
		}
		i += n
		for x += n; x >= width; x -= width {
			if y++; y&(1<<bits-1) == 0 || y == height {
				flush()
			}
		}
	}
	return tiles
}

func (h *histogram) add(t tile) {
	for _, v := range t {
		h.counts[v&(1<<symbolBits-1)] += v >> symbolBits
	}
}

// cluster puts tiles into groups and returns the group of each, and their histograms.
func (e *encoder) cluster(tiles []tile, cacheBits uint) (groupOf []uint32, groups []histogram, err error) {
	// The first groups are tiles far apart by what they take.
	k := max(1, min(mostGroups, len(tiles)/4))
	groupOf = make([]uint32, len(tiles))
	whole := newHistogram(cacheBits)
	for _, t := range tiles {
		whole.add(t)
	}
	costs := newHistogram(cacheBits)
	weigh := func(h histogram) {
		for code := range codesOfGroup {
			symbolCosts(costs.code(code), h.code(code))
		}
	}
	weigh(whole)
	type weight struct{ tile, perSymbol uint32 }
	order := make([]weight, 0, len(tiles))
	for i, t := range tiles {
		var total, n uint64
		for _, v := range t {
			total += uint64(v>>symbolBits) * uint64(costs.counts[v&(1<<symbolBits-1)])
			n += uint64(v >> symbolBits)
		}
		order = append(order, weight{uint32(i), uint32(total / max(1, n))})
	}
	slices.SortFunc(order, func(a, b weight) int {
		return cmp.Or(cmp.Compare(a.perSymbol, b.perSymbol), cmp.Compare(a.tile, b.tile))
	})
	for i, w := range order {
		groupOf[w.tile] = uint32(i * k / len(order))
	}
	const rounds = 3
	prices := make([][]uint32, 0, k)
	for round := range rounds {
		if err := e.goOn(); err != nil {
			return nil, nil, err
		}
		groups = groupsOf(tiles, groupOf, k, cacheBits)
		prices = prices[:0]
		for _, g := range groups {
			weigh(g)
			prices = append(prices, append([]uint32(nil), costs.counts...))
		}
		for i, t := range tiles {
			best, cost := uint32(0), uint64(math.MaxUint64)
			for g, p := range prices {
				c := uint64(0)
				for _, v := range t {
					c += uint64(v>>symbolBits) * uint64(p[v&(1<<symbolBits-1)])
				}
				if c < cost {
					best, cost = uint32(g), c
				}
			}
			groupOf[i] = best
		}
		k = renumber(groupOf)
		if round == rounds-1 {
			groups = groupsOf(tiles, groupOf, k, cacheBits)
			if groups, err = e.merge(groups, groupOf); err != nil {
				return nil, nil, err
			}
			k = len(groups)
		}
		if k == 1 {
			break
		}
	}
	return groupOf, groupsOf(tiles, groupOf, k, cacheBits), nil
}

func groupsOf(tiles []tile, groupOf []uint32, k int, cacheBits uint) []histogram {
	groups := make([]histogram, k)
	for i := range groups {
		groups[i] = newHistogram(cacheBits)
	}
	for i, t := range tiles {
		groups[groupOf[i]].add(t)
	}
	return groups
}

// renumber makes the numbers of groups follow each other, and returns how many there are.
func renumber(groupOf []uint32) int {
	names := map[uint32]uint32{}
	for i, g := range groupOf {
		name, ok := names[g]
		if !ok {
			name = uint32(len(names))
			names[g] = name
		}
		groupOf[i] = name
	}
	return len(names)
}

// merge makes one of two groups, the pair that saves the most first, as long as any does.
func (e *encoder) merge(groups []histogram, groupOf []uint32) ([]histogram, error) {
	n := len(groups)
	sizes := make([]int64, n)
	for i, g := range groups {
		sizes[i] = g.size()
	}
	both := histogram{make([]uint32, len(groups[0].counts)), groups[0].green}
	gain := make([][]int64, n) // of i and a j below it
	weigh := func(i, j int) int64 {
		for s, c := range groups[i].counts {
			both.counts[s] = c + groups[j].counts[s]
		}
		return sizes[i] + sizes[j] - both.size()
	}
	for i := range gain {
		if err := e.goOn(); err != nil {
			return nil, err
		}
		gain[i] = make([]int64, i)
		for j := range i {
			gain[i][j] = weigh(i, j)
		}
	}
	into := make([]int, n)
	for i := range into {
		into[i] = i
	}
	for {
		a, b, most := 0, 0, int64(0)
		for i := range n {
			for j := range i {
				if into[i] == i && into[j] == j && gain[i][j] > most {
					a, b, most = i, j, gain[i][j]
				}
			}
		}
		if most == 0 {
			break
		}
		for s, c := range groups[a].counts {
			groups[b].counts[s] += c
		}
		sizes[b] = groups[b].size()
		into[a] = b
		for j := range n {
			if into[j] == j && j != b {
				gain[max(b, j)][min(b, j)] = weigh(b, j)
			}
		}
	}
	for i, g := range groupOf {
		at := int(g)
		for into[at] != at {
			at = into[at]
		}
		groupOf[i] = uint32(at)
	}
	k := renumber(groupOf)
	return groups[:k], nil
}
