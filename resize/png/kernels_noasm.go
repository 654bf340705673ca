//go:build (!amd64 && !arm64) || purego

package png

// useAsm is a variable as elsewhere, since tests turn it off to compare.
var useAsm = false

func costsAsm(sums *[5]uint64, cur, above *byte, bpp, groups int) {
	panic("png: no assembly in this build")
}

func subAsm(dst, cur, above *byte, bpp, groups int)     { panic("png: no assembly in this build") }
func upAsm(dst, cur, above *byte, bpp, groups int)      { panic("png: no assembly in this build") }
func averageAsm(dst, cur, above *byte, bpp, groups int) { panic("png: no assembly in this build") }
func paethAsm(dst, cur, above *byte, bpp, groups int)   { panic("png: no assembly in this build") }
