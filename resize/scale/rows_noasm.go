//go:build !amd64 || purego

package scale

const hpad = 4

var useAVX2 = false

func hrowAVX2(dst *int16, src *byte, start *int32, weights *int16, taps, groups int) {
	panic("scale: no assembly in this build")
}

func vrowAVX2(dst *byte, ring *int16, stride int, weights *int16, pairs, n int) {
	panic("scale: no assembly in this build")
}

func ycbcrRowAVX2(dst, y, cb, cr *byte, groups int) {
	panic("scale: no assembly in this build")
}

func splitRowAVX2(red, green, blue, alpha, src *byte, groups int) {
	panic("scale: no assembly in this build")
}

func premultiplyRowAVX2(red, green, blue, alpha, src *byte, groups int) {
	panic("scale: no assembly in this build")
}
