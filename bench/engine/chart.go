//go:build unix

package main

import (
	"fmt"
	"strings"
)

// Bars of the chart, from top to bottom. The second sharp is left to the
// table.
var charted = [...]int{iOurs, iSharp, iVips, iPlain}

const (
	chartWidth  = 760
	chartLabels = 118 // width of the names
	chartValues = 62  // width of the numbers behind the bars
	barHeight   = 15
	barStep     = 19
	panelHead   = 30
	panelFoot   = 16
)

// chart draws the CPU times as an SVG picture, a panel a job. Each has its own
// scale, on which the slowest of the C libraries fills the width; plain Go is
// cut off there. Colours are readable on light and on dark ground.
func (r *report) chart() []byte {
	var b strings.Builder
	panel := panelHead + len(charted)*barStep + panelFoot
	columns := 2
	lines := (len(r.Rows) + columns - 1) / columns
	const top = 56
	height := top + lines*panel + 12
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="CPU time of a thumbnail, by job and program">`+"\n", chartWidth, height, chartWidth, height)
	b.WriteString(`<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a }
.title { font-size: 16px; font-weight: 600 }
.job { font-size: 13px; font-weight: 600 }
.title, .job, .us { fill: #24292f }
.us { font-weight: 600 }
.bar { fill: #9aa4af }
.our { fill: #0a8f62 }
@media (prefers-color-scheme: dark) {
text { fill: #9aa4af }
.title, .job, .us { fill: #e6edf3 }
.bar { fill: #6e7781 }
.our { fill: #2fbf8a }
}
</style>
`)
	fmt.Fprintf(&b, `<text class="title" x="0" y="20">CPU milliseconds to make one JPEG thumbnail</text>`+"\n")
	fmt.Fprintf(&b, `<text x="0" y="40">less is better; one thread; sharp %s, vipsthumbnail, and image/jpeg with imaging (plain Go)</text>`+"\n", r.Sharp)
	const gap = 24
	width := (chartWidth - (columns-1)*gap) / columns
	for i, row := range r.Rows {
		x, y := i%columns*(width+gap), top+i/columns*panel
		fmt.Fprintf(&b, `<text class="job" x="%d" y="%d">%s</text>`+"\n", x, y+19, row.Job)
		full := max(row.Millis[iSharp], row.Millis[iVips], row.Millis[iOurs])
		room := float64(width - chartLabels - chartValues)
		for n, k := range charted {
			name, bar, label := engineNames[k], "bar", ""
			if k == iOurs {
				bar, label = "our", ` class="us"`
			}
			y := y + panelHead + n*barStep
			length := min(row.Millis[k]/full, 1) * room
			fmt.Fprintf(&b, `<text%s x="%d" y="%d">%s</text>`, label, x, y+12, name)
			bx := x + chartLabels
			fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, bar, bx, y, length, barHeight)
			if row.Millis[k] > full { // cut: a slanted gap says that it goes on
				end := float64(bx) + length
				fmt.Fprintf(&b, `<path class="%s" d="M%.1f %dh8l-5 %dh-8z"/>`, bar, end+3, y, barHeight)
				length += 11
			}
			fmt.Fprintf(&b, `<text%s x="%.1f" y="%d">%s</text>`+"\n", label, float64(bx)+length+6, y+12, millis(row.Millis[k]))
		}
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

func millis(ms float64) string {
	if ms < 100 {
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}
