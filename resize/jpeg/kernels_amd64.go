//go:build !purego

package jpeg

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm/idct && go run . -out ../../idct_amd64.s"
//go:generate sh -c "cd _asm/fdct && go run . -out ../../fdct_amd64.s"
//go:generate sh -c "cd _asm/color && go run . -out ../../encode_color_amd64.s"

// useAsm selects the assembly.
var useAsm = cpu.X86.HasAVX2

// idct4Asm is idct4Generic; it checks no bounds.
//
//go:noescape
func idct4Asm(dst *byte, stride int, b *[16]int16, q *[16]float32)

// idct8Asm is idct8Generic; it checks no bounds.
//
//go:noescape
func idct8Asm(dst *byte, stride int, b *[64]int16, q *[64]float32)

// fdctAsm is fdctGeneric; it checks no bounds.
//
//go:noescape
func fdctAsm(dst *[64]int16, src *byte, stride int, recip *[64]float32) (nonzero uint64)

// lumaRowAsm converts 8*groups pixels, groups being positive.
//
//go:noescape
func lumaRowAsm(dst, rgb *byte, groups int)

// chromaRow420Asm makes 8*groups samples, groups being positive.
//
//go:noescape
func chromaRow420Asm(cb, cr, a, b *byte, groups int)
