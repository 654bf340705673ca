//go:build !amd64 || purego

package png

var useAVX2 = false

func costsAVX2(sums *[5]uint64, cur, above *byte, bpp, groups int) {
	panic("png: no assembly in this build")
}

func subAVX2(dst, cur, above *byte, bpp, groups int)     { panic("png: no assembly in this build") }
func upAVX2(dst, cur, above *byte, bpp, groups int)      { panic("png: no assembly in this build") }
func averageAVX2(dst, cur, above *byte, bpp, groups int) { panic("png: no assembly in this build") }
func paethAVX2(dst, cur, above *byte, bpp, groups int)   { panic("png: no assembly in this build") }
