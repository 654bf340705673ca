package av1

import "math/bits"

// header holds what the headers of a picture say; see frameHeader.
type header struct {
	width, height  int // of luma, samples
	mono           bool
	subX, subY     int // 1 where chroma has half the samples
	qIndex         int // base_q_idx, 1 to 255
	deblock        int // loop_filter_level of all four, 0 to 63
	cdef           cdefStrength
	reducedTxSet   bool
	screen         bool // allow_screen_content_tools: blocks may have palettes
	txSelect       bool // TxMode is TX_MODE_SELECT, else TX_MODE_LARGEST
	miCols, miRows int  // in units of 4x4, always even (section 5.9.9)
	tiles          tiling
}

// cdefStrength holds the one set of strengths of the directional enhancement
// filter; the zero value switches it off.
type cdefStrength struct {
	damping      int // 3 to 6
	yPri, ySec   int // 0 to 15; 0 to 3
	uvPri, uvSec int
}

func (h *header) planes() int {
	if h.mono {
		return 1
	}
	return 3
}

// profile is 0 for monochrome and 4:2:0, 1 for 4:4:4 (section 6.4.1).
func (h *header) profile() int {
	if !h.mono && h.subX == 0 {
		return 1
	}
	return 0
}

// level is seq_level_idx by the limits of size alone (annex A.3).
func (h *header) level() int {
	for _, l := range []struct{ idx, area, w, h int }{
		{0, 147456, 2048, 1152},
		{1, 278784, 2816, 1584},
		{4, 665856, 4352, 2448},
		{5, 1065024, 5504, 3096},
		{8, 2359296, 6144, 3456},
		{12, 8912896, 8192, 4352},
		{16, 35651584, 16384, 8704},
	} {
		if h.width <= l.w && h.height <= l.h && h.width*h.height <= l.area {
			return l.idx
		}
	}
	return 31
}

// sequenceHeader is the payload of the sequence header OBU (section 5.5).
func (h *header) sequenceHeader() []byte {
	var w bitWriter
	w.put(uint(h.profile()), 3)
	w.flag(true) // still_picture
	w.flag(true) // reduced_still_picture_header
	w.put(uint(h.level()), 5)
	wb, hb := uint(max(1, bits.Len(uint(h.width-1)))), uint(max(1, bits.Len(uint(h.height-1))))
	w.put(wb-1, 4)
	w.put(hb-1, 4)
	w.put(uint(h.width-1), wb)
	w.put(uint(h.height-1), hb)
	w.flag(false) // use_128x128_superblock
	w.flag(false) // enable_filter_intra
	w.flag(true)  // enable_intra_edge_filter
	w.flag(false) // enable_superres
	w.flag(true)  // enable_cdef
	w.flag(false) // enable_restoration
	// color_config (section 5.5.2)
	w.flag(false) // high_bitdepth
	if h.profile() == 0 {
		w.flag(h.mono)
	}
	w.flag(true) // color_description_present_flag
	w.put(1, 8)  // BT.709 primaries
	w.put(13, 8) // sRGB transfer
	w.put(6, 8)  // BT.601 matrix
	w.flag(true) // color_range: full
	if !h.mono {
		if h.subX == 1 && h.subY == 1 {
			w.put(0, 2) // chroma_sample_position: unknown
		}
		w.flag(false) // separate_uv_delta_q
	}
	w.flag(false) // film_grain_params_present
	w.trailing()
	return w.buf
}

// tiling is where tiles begin, in units of superblocks (section 5.9.15).
type tiling struct {
	sbCols, sbRows       int
	colsLog2, rowsLog2   int
	minCols, minRows     int // logarithms that are implied
	maxCols, maxRows     int
	widthSB, heightSB    int // of a tile
	columns, rows, count int
}

// tileLog2 is the smallest k with blk<<k >= target.
func tileLog2(blk, target int) int {
	k := 0
	for blk<<k < target {
		k++
	}
	return k
}

const (
	maxTileWidth = 4096
	maxTileArea  = 4096 * 2304
	maxTiles     = 64 // in each direction
)

// newTiling makes as few tiles as may be, or 1<<cols by 1<<rows where more are
// asked for and allowed.
func newTiling(miCols, miRows, cols, rows int) tiling {
	t := tiling{sbCols: (miCols + 15) >> 4, sbRows: (miRows + 15) >> 4}
	t.minCols = tileLog2(maxTileWidth>>6, t.sbCols)
	t.maxCols = tileLog2(1, min(t.sbCols, maxTiles))
	t.maxRows = tileLog2(1, min(t.sbRows, maxTiles))
	minTiles := max(t.minCols, tileLog2(maxTileArea>>12, t.sbRows*t.sbCols))
	t.colsLog2 = min(max(cols, t.minCols), t.maxCols)
	t.widthSB = (t.sbCols + 1<<t.colsLog2 - 1) >> t.colsLog2
	t.columns = (t.sbCols + t.widthSB - 1) / t.widthSB
	t.minRows = max(minTiles-t.colsLog2, 0)
	t.rowsLog2 = max(min(max(rows, t.minRows), t.maxRows), t.minRows)
	t.heightSB = (t.sbRows + 1<<t.rowsLog2 - 1) >> t.rowsLog2
	t.rows = (t.sbRows + t.heightSB - 1) / t.heightSB
	t.count = t.columns * t.rows
	return t
}

// put writes tile_info without what depends on the tiles' sizes.
func (t *tiling) put(w *bitWriter) {
	w.flag(true) // uniform_tile_spacing_flag
	for k := t.minCols; k < t.maxCols; k++ {
		w.flag(k < t.colsLog2)
		if k >= t.colsLog2 {
			break
		}
	}
	for k := t.minRows; k < t.maxRows; k++ {
		w.flag(k < t.rowsLog2)
		if k >= t.rowsLog2 {
			break
		}
	}
	if t.colsLog2 > 0 || t.rowsLog2 > 0 {
		w.put(0, uint(t.colsLog2+t.rowsLog2)) // context_update_tile_id
		w.put(3, 2)                           // tile_size_bytes_minus_1
	}
}

// frameHeader is the uncompressed header with its byte alignment, as a frame OBU
// begins (sections 5.9.2, 5.10).
func (h *header) frameHeader() []byte {
	var w bitWriter
	w.flag(false) // disable_cdf_update
	w.flag(h.screen)
	if h.screen {
		w.flag(true) // force_integer_mv, of no meaning in a key frame
	}
	w.flag(false) // render_and_frame_size_different
	if h.screen {
		w.flag(false) // allow_intrabc
	}
	h.tiles.put(&w)
	w.put(uint(h.qIndex), 8)
	w.flag(false) // delta_coded of Y DC
	if !h.mono {
		w.flag(false) // of U DC
		w.flag(false) // of U AC
	}
	w.flag(false) // using_qmatrix
	w.flag(false) // segmentation_enabled
	if h.qIndex > 0 {
		w.flag(false) // delta_q_present
	}
	w.put(uint(h.deblock), 6)
	w.put(uint(h.deblock), 6)
	if !h.mono && h.deblock > 0 {
		w.put(uint(h.deblock), 6)
		w.put(uint(h.deblock), 6)
	}
	w.put(0, 3)   // loop_filter_sharpness
	w.flag(false) // loop_filter_delta_enabled
	w.put(uint(max(h.cdef.damping, 3)-3), 2)
	w.put(0, 2) // cdef_bits
	w.put(uint(h.cdef.yPri), 4)
	w.put(uint(h.cdef.ySec), 2)
	if !h.mono {
		w.put(uint(h.cdef.uvPri), 4)
		w.put(uint(h.cdef.uvSec), 2)
	}
	w.flag(h.txSelect)
	w.flag(h.reducedTxSet)
	w.align()
	return w.buf
}
