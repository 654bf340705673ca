package vp8

// Kernels are the functions that take most of the time: written in assembly for
// some CPUs, and in Go, with the same results.
type kernels struct {
	generic bool // only those in Go
}
