//go:build !purego

package scale

//go:generate sh -c "cd ../_asm && go run ./scale ../scale/rows_arm64.s"

// hpad: the kernel takes 8 or 16 samples at a time.
const hpad = 8

// useAsm selects the assembly. Every arm64 that Go runs on has NEON. Tests turn it
// off to compare.
var useAsm = true

// hrowAsm writes 8*groups intermediate samples. taps must be a positive
// multiple of 8.
//
//go:noescape
func hrowAsm(dst *int16, src *byte, start *int32, weights *int16, taps, groups int)

// vrowAsm writes n samples, a positive multiple of 16. stride is in bytes.
//
//go:noescape
func vrowAsm(dst *byte, ring *int16, stride int, weights *int16, pairs, n int)

// ycbcrRowAsm converts 8*groups pixels, groups being positive.
//
//go:noescape
func ycbcrRowAsm(dst, y, cb, cr *byte, groups int)

// splitRowAsm takes 8*groups pixels apart, groups being positive.
//
//go:noescape
func splitRowAsm(red, green, blue, alpha, src *byte, groups int)

// premultiplyRowAsm is splitRowAsm with colours multiplied by alpha.
//
//go:noescape
func premultiplyRowAsm(red, green, blue, alpha, src *byte, groups int)
