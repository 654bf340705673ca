//go:build !purego

package png

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && go run . -out ../kernels_amd64.s"

// useAVX2 selects the assembly. Tests turn it off to compare.
var useAVX2 = cpu.X86.HasAVX2

// costsAVX2 adds up the costs of the first 32*groups bytes, groups being positive.
// bpp bytes before cur and above are read, too.
//
//go:noescape
func costsAVX2(sums *[5]uint64, cur, above *byte, bpp, groups int)

// The others write what their filters leave of so many bytes.

//go:noescape
func subAVX2(dst, cur, above *byte, bpp, groups int)

//go:noescape
func upAVX2(dst, cur, above *byte, bpp, groups int)

//go:noescape
func averageAVX2(dst, cur, above *byte, bpp, groups int)

//go:noescape
func paethAVX2(dst, cur, above *byte, bpp, groups int)
