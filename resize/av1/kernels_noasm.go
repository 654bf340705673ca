//go:build !amd64 || purego

package av1

const useAsm = false

func stepsAsm(data *int32, stride, groups int, steps *flowStep, runs *[2]int32, pairs int, limit int32) {
	panic(noAsm)
}
func movesAsm(dst, src *int32, stride, groups int, moves *flowMove, n int)  { panic(noAsm) }
func transposeAsm(dst, src *int32, w, h int)                                { panic(noAsm) }
func scaleAsm(data *int32, n int, factor, round, shift, limit int32)        { panic(noAsm) }
func addAsm(dst *uint8, stride int, pred *uint8, residual *int32, w, h int) { panic(noAsm) }
func satdAsm(src *uint8, stride int, pred *uint8, w, h int) (sum uint64)    { panic(noAsm) }
func largeAsm(mask *uint8, coefs *int32, n int, least int32)                { panic(noAsm) }
func dequantizeAsm(coefs, levels *int32, n int, q, halvings int32)          { panic(noAsm) }
func residualAsm(dst *int32, src *uint8, stride int, pred *uint8, w, h int) (energy, still uint64) {
	panic(noAsm)
}
func paethAsm(dst, above, left *uint8, w, h int, corner int32)                { panic(noAsm) }
func smoothAsm(dst *uint8, columns, rows *slope, w, h int, base, shift int32) { panic(noAsm) }

const noAsm = "av1: no assembly in this build"
