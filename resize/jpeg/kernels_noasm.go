//go:build (!amd64 && !arm64) || purego

package jpeg

const useAsm = false

func idct4Asm(dst *byte, stride int, b *[16]int16, q *[16]float32) { panic(noAsm) }
func idct8Asm(dst *byte, stride int, b *[64]int16, q *[64]float32) { panic(noAsm) }

func fdctAsm(dst *[64]int16, src *byte, stride int, recip *[64]float32) uint64 { panic(noAsm) }

func lumaRowAsm(dst, rgb *byte, groups int)          { panic(noAsm) }
func chromaRow420Asm(cb, cr, a, b *byte, groups int) { panic(noAsm) }

const noAsm = "jpeg: no assembly in this build"
