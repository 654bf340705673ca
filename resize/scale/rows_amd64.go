//go:build !purego

package scale

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && go run . -out ../rows_amd64.s"

// hpad: the kernel takes 16 samples at a time.
const hpad = 16

// useAVX2 selects the assembly. Tests turn it off to compare.
var useAVX2 = cpu.X86.HasAVX2

// hrowAVX2 writes 8*groups intermediate samples. taps must be a positive
// multiple of 16.
//
//go:noescape
func hrowAVX2(dst *int16, src *byte, start *int32, weights *int16, taps, groups int)

// vrowAVX2 writes n samples, a positive multiple of 16. stride is in bytes.
//
//go:noescape
func vrowAVX2(dst *byte, ring *int16, stride int, weights *int16, pairs, n int)

// ycbcrRowAVX2 converts 8*groups pixels, groups being positive.
//
//go:noescape
func ycbcrRowAVX2(dst, y, cb, cr *byte, groups int)

// splitRowAVX2 takes 8*groups pixels apart, groups being positive.
//
//go:noescape
func splitRowAVX2(red, green, blue, alpha, src *byte, groups int)

// premultiplyRowAVX2 is splitRowAVX2 with colours multiplied by alpha.
//
//go:noescape
func premultiplyRowAVX2(red, green, blue, alpha, src *byte, groups int)
