//go:build !unix

package sandbox

// outsideHeap says that pages are not of Go's heap.
const outsideHeap = false

// reserve returns pages of Go's heap.
func reserve(int64) (pages, error) { return new(heapPages), nil }
