//go:build !purego

package jpeg

//go:generate sh -c "cd ../_asm && go run ./jpeg ../jpeg/kernels_arm64.s"

// useAsm selects the assembly. Every arm64 that Go runs on has NEON.
const useAsm = true

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
