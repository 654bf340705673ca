// Package av1 writes still pictures as AV1 key frames, after the AV1 bitstream
// specification (AOMediaCodec/av1-spec, version 1 with errata 1), and as AVIF
// files. Section numbers in comments are of that specification.
//
// What it writes: one frame with a reduced still-picture header; 8 bits;
// monochrome, 4:2:0 or 4:4:4; superblocks of 64x64; blocks from 4x4 to 64x64,
// square and 2:1; all intra modes with angle deltas and the edge filter, chroma
// from luma, palettes; DCT, ADST and identity transforms; adaptive CDFs; tiles where a
// picture must have them. What AV1 has beyond that (filter-intra, block copy,
// quantizer matrices, segments, delta q, super-resolution, loop
// restoration, 128x128 superblocks, 4:1 blocks) is not written.
//
// The encoder's own choice (chooser) is narrower than what it can write: each block
// has one transform of its own size, and 2:1 blocks are tried up to 32x32. Luma
// alone gets palettes, in drawings. Efforts say what else is tried (searches). Tests
// take the other decisions by chance.
//
// The in-loop filters are the decoder's work: intra prediction reads samples
// before them, so the encoder only writes their levels.
package av1
