package vp8

// Trees and probabilities of modes in key frames (RFC 6386, sections 11.2 to
// 11.5).
var (
	lumaProbs   = []uint8{145, 156, 163, 128}
	chromaProbs = []uint8{142, 114, 183}

	// in4x4 says that a macroblock is predicted in blocks of 4x4.
	in4x4 = []step{{0, false}}

	lumaPaths = [modes16][]step{
		modeDC: {{0, true}, {1, false}, {2, false}},
		modeV:  {{0, true}, {1, false}, {2, true}},
		modeH:  {{0, true}, {1, true}, {3, false}},
		modeTM: {{0, true}, {1, true}, {3, true}},
	}
	chromaPaths = [modes16][]step{
		modeDC: {{0, false}},
		modeV:  {{0, true}, {1, false}},
		modeH:  {{0, true}, {1, true}, {2, false}},
		modeTM: {{0, true}, {1, true}, {2, true}},
	}
	block4Paths = [modes4][]step{
		block4DC: {{0, false}},
		block4TM: {{0, true}, {1, false}},
		block4VE: {{0, true}, {1, true}, {2, false}},
		block4HE: {{0, true}, {1, true}, {2, true}, {3, false}, {4, false}},
		block4RD: {{0, true}, {1, true}, {2, true}, {3, false}, {4, true}, {5, false}},
		block4VR: {{0, true}, {1, true}, {2, true}, {3, false}, {4, true}, {5, true}},
		block4LD: {{0, true}, {1, true}, {2, true}, {3, true}, {6, false}},
		block4VL: {{0, true}, {1, true}, {2, true}, {3, true}, {6, true}, {7, false}},
		block4HD: {{0, true}, {1, true}, {2, true}, {3, true}, {6, true}, {7, true}, {8, false}},
		block4HU: {{0, true}, {1, true}, {2, true}, {3, true}, {6, true}, {7, true}, {8, true}},
	}
)

// What modes cost, in 1/256 bits; those of 4x4 blocks after the modes above and
// to the left.
var (
	in4x4Cost   = costOfPath(in4x4, lumaProbs)
	lumaCosts   = costsOf(lumaPaths, lumaProbs)
	chromaCosts = costsOf(chromaPaths, chromaProbs)
	block4Costs = block4CostTable()
)

func costsOf(paths [modes16][]step, probs []uint8) (t [modes16]uint32) {
	for m, p := range paths {
		t[m] = costOfPath(p, probs)
	}
	return t
}

func block4CostTable() (t [modes4][modes4][modes4]uint32) {
	for above := range t {
		for left := range t[above] {
			for m, p := range block4Paths {
				t[above][left][m] = costOfPath(p, modeProbabilities[above][left][:])
			}
		}
	}
	return t
}
