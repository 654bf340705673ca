//go:build (!amd64 && !arm64) || purego

package scale

const hpad = 4

// useAsm is a variable as elsewhere, since tests turn it off to compare.
var useAsm = false

func hrowAsm(dst *int16, src *byte, start *int32, weights *int16, taps, groups int) {
	panic("scale: no assembly in this build")
}

func vrowAsm(dst *byte, ring *int16, stride int, weights *int16, pairs, n int) {
	panic("scale: no assembly in this build")
}

func ycbcrRowAsm(dst, y, cb, cr *byte, groups int) {
	panic("scale: no assembly in this build")
}

func splitRowAsm(red, green, blue, alpha, src *byte, groups int) {
	panic("scale: no assembly in this build")
}

func premultiplyRowAsm(red, green, blue, alpha, src *byte, groups int) {
	panic("scale: no assembly in this build")
}
