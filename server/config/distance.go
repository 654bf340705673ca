package config

// distance returns how many letters have to be added, removed or replaced to make one text
// of the other: the distance of Levenshtein, row by row.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1) // distances from what was read of a to the beginnings of b
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		corner := row[0]
		row[0] = i + 1
		for j, q := range to {
			d := corner
			if r != q {
				d = 1 + min(corner, row[j], row[j+1])
			}
			corner, row[j+1] = row[j+1], d
		}
	}
	return row[len(to)]
}
