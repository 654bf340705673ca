//go:build !purego

package av1

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && go run . -out ../kernels_amd64.s"

// useAsm selects the assembly.
var useAsm = cpu.X86.HasAVX2

// The functions check no bounds. Widths are multiples of 8.

//go:noescape
func stepsAsm(data *int32, stride, groups int, steps *flowStep, runs *[2]int32, pairs int, limit int32)

//go:noescape
func movesAsm(dst, src *int32, stride, groups int, moves *flowMove, n int)

//go:noescape
func transposeAsm(dst, src *int32, w, h int)

//go:noescape
func scaleAsm(data *int32, n int, factor, round, shift, limit int32)

//go:noescape
func addAsm(dst *uint8, stride int, pred *uint8, residual *int32, w, h int)

//go:noescape
func residualAsm(dst *int32, src *uint8, stride int, pred *uint8, w, h int) (energy, still uint64)

//go:noescape
func satdAsm(src *uint8, stride int, pred *uint8, w, h int) (sum uint64)

//go:noescape
func largeAsm(mask *uint8, coefs *int32, n int, least int32)

//go:noescape
func paethAsm(dst, above, left *uint8, w, h int, corner int32)

//go:noescape
func smoothAsm(dst *uint8, columns, rows *slope, w, h int, base, shift int32)

//go:noescape
func dequantizeAsm(coefs, levels *int32, n int, q, halvings int32)
