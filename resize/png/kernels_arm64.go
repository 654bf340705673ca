//go:build !purego

package png

//go:generate sh -c "cd ../_asm && go run ./png ../png/kernels_arm64.s"

// useAsm selects the assembly. Every arm64 that Go runs on has NEON. Tests turn it
// off to compare.
var useAsm = true

// costsAsm adds up the costs of the first 32*groups bytes, groups being positive.
// bpp bytes before cur and above are read, too.
//
//go:noescape
func costsAsm(sums *[5]uint64, cur, above *byte, bpp, groups int)

// The others write what their filters leave of so many bytes.

//go:noescape
func subAsm(dst, cur, above *byte, bpp, groups int)

//go:noescape
func upAsm(dst, cur, above *byte, bpp, groups int)

//go:noescape
func averageAsm(dst, cur, above *byte, bpp, groups int)

//go:noescape
func paethAsm(dst, cur, above *byte, bpp, groups int)
