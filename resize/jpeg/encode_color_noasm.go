//go:build !amd64 || purego

package jpeg

func lumaRow(dst, rgb []byte, generic bool) { lumaRowGeneric(dst, rgb) }

func chromaRow420(cb, cr, a, b []byte, generic bool) { chromaRow420Generic(cb, cr, a, b) }
