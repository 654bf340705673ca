//go:build unix

package meter

import (
	"cmp"
	"slices"
)

// Median returns the middle one of all values, which are not changed; of an even number
// the upper of the two. It panics if there is none.
func Median[T cmp.Ordered](all []T) T {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

// MedianOf is Median of one figure of each measurement.
func MedianOf[T any, V cmp.Ordered](all []T, of func(T) V) V {
	values := make([]V, len(all))
	for i, one := range all {
		values[i] = of(one)
	}
	return Median(values)
}
