package vp8l

import (
	"image"
	"slices"
)

const mostColors = 256

// paletteSlots is how many places a table of a palette's colours has.
const paletteSlots = 1 << 10

func paletteSlot(p uint32) uint32 { return p * 0x9e3779b1 >> 22 }

// paletteOf returns the colours of a picture, those that are alike next to each other; nil
// if there are more than 256.
func paletteOf(argb []uint32) []uint32 {
	var slots [paletteSlots]uint32
	var used [paletteSlots]bool
	var palette []uint32
	last := ^argb[0]
	for _, p := range argb {
		if p == last {
			continue
		}
		last = p
		s := paletteSlot(p)
		for used[s] && slots[s] != p {
			s = (s + 1) % paletteSlots
		}
		if used[s] {
			continue
		}
		if len(palette) == mostColors {
			return nil
		}
		used[s], slots[s] = true, p
		palette = append(palette, p)
	}
	slices.Sort(palette)
	// Each next one is the nearest to the one before.
	before := uint32(0)
	for i := range palette {
		best, distance := i, 1<<30
		for j, p := range palette[i:] {
			d := subPixels(p, before)
			n := 0
			for shift := 0; shift < 32; shift += 8 {
				n += abs(int(int8(d >> shift)))
			}
			if n < distance {
				best, distance = i+j, n
			}
		}
		before = palette[best]
		copy(palette[i+1:best+1], palette[i:best])
		palette[i] = before
	}
	return palette
}

// indexOf returns a function that finds a colour of a palette.
func indexOf(palette []uint32) func(p uint32) uint8 {
	var slots [paletteSlots]uint32
	var indices [paletteSlots]int16
	for i, p := range palette {
		s := paletteSlot(p)
		for indices[s] > 0 {
			s = (s + 1) % paletteSlots
		}
		slots[s], indices[s] = p, int16(i+1)
	}
	return func(p uint32) uint8 {
		s := paletteSlot(p)
		for slots[s] != p || indices[s] == 0 {
			s = (s + 1) % paletteSlots
		}
		return uint8(indices[s] - 1)
	}
}

// differences returns a palette as it is written.
func differences(palette []uint32) []uint32 {
	d := make([]uint32, len(palette))
	before := uint32(0)
	for i, p := range palette {
		d[i] = subPixels(p, before)
		before = p
	}
	return d
}

// bundle replaces pixels by their indices, in place, several in one where the palette is
// small, and returns how many there are a row (section 3.5.4).
func bundle(argb []uint32, size image.Point, palette []uint32) (indices []uint32, width int) {
	t := transform{bits: bundleBits(len(palette))}
	index := indexOf(palette)
	width = blocks(size.X, t.bits)
	perPixel := uint(8) >> t.bits
	for y := range size.Y {
		row, out := argb[y*size.X:][:size.X], argb[y*width:][:width]
		packed, have := uint32(0), uint(0)
		to := 0
		last, lastIndex := row[0], uint32(index(row[0]))
		for _, p := range row {
			if p != last {
				last, lastIndex = p, uint32(index(p))
			}
			packed |= lastIndex << have
			if have += perPixel; have == 8 {
				out[to] = 0xff000000 | packed<<8
				to++
				packed, have = 0, 0
			}
		}
		if have > 0 {
			out[to] = 0xff000000 | packed<<8
		}
	}
	return argb[:width*size.Y], width
}

// bundleBits returns log2 of how many indices of a palette of n colours are in a pixel.
func bundleBits(n int) uint {
	switch {
	case n <= 2:
		return 3
	case n <= 4:
		return 2
	case n <= 16:
		return 1
	}
	return 0
}
