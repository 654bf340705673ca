//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// A report is all that was measured.
type report struct {
	Machine   string
	Go, Sharp string // versions
	Runs      int
	Rows      []row
	Allocated []allocation
}

// A row is a job with the means over its photographs.
type row struct {
	Job     string
	Millis  [engineCount]float64 // CPU time of one picture
	Bytes   [engineCount]float64 // size of the result
	Ratios  [3]float64           // of our time to that of the rivals
	Met     *bool                `json:",omitempty"`
	Photos  []photoRow
	targets [3]float64
}

// A photoRow is a job on one photograph.
type photoRow struct {
	Photo, Size string
	SourceBytes int
	Millis      [engineCount]float64 // medians
	Bytes       [engineCount]int
}

// An allocation is what one request to 300 px allocates, besides buffers that
// are used again.
type allocation struct {
	Kind, Photo, Size string
	Bytes             int64
}

// Targets besides those of the jobs.
const (
	allocatedTarget = 3e6
	sizeTarget      = 1.03 // of our result to sharp's
)

func (r *row) sum() {
	n := float64(len(r.Photos))
	for _, p := range r.Photos {
		for k := range engineCount {
			r.Millis[k] += p.Millis[k] / n
			r.Bytes[k] += float64(p.Bytes[k]) / n
		}
	}
	met := true
	for i, k := range rivals {
		r.Ratios[i] = r.Millis[iOurs] / r.Millis[k]
		met = met && r.Ratios[i] <= r.targets[i]
	}
	if r.targets[0] > 0 {
		r.Met = &met
	}
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%s; %s; sharp %s; medians of %d rounds.\n\n", r.Machine, r.Go, r.Sharp, r.Runs)
	fmt.Fprintf(w, "CPU milliseconds a picture, mean of the photographs:\n\n")
	fmt.Fprintf(w, "| job | %s | to sharp | to vipsthumbnail | to plain Go | met |\n", strings.Join(engineNames[:], " | "))
	fmt.Fprintf(w, "|---|%s---|\n", strings.Repeat("---:|", engineCount+3))
	for _, row := range r.Rows {
		fmt.Fprintf(w, "| %s |", row.Job)
		for _, ms := range row.Millis {
			fmt.Fprintf(w, " %.1f |", ms)
		}
		for i, ratio := range row.Ratios {
			fmt.Fprintf(w, " %.3f", ratio)
			if row.targets[i] > 0 {
				fmt.Fprintf(w, " (<= %.2f)", row.targets[i])
			}
			fmt.Fprint(w, " |")
		}
		fmt.Fprintf(w, " %s |\n", verdict(row.Met))
	}
	fmt.Fprintf(w, "\nThe same, one photograph at a time:\n\n")
	fmt.Fprintf(w, "| job | photograph | %s | to sharp | to vipsthumbnail | to plain Go |\n", strings.Join(engineNames[:], " | "))
	fmt.Fprintf(w, "|---|---|%s\n", strings.Repeat("---:|", engineCount+3))
	for _, row := range r.Rows {
		for _, p := range row.Photos {
			fmt.Fprintf(w, "| %s | %s %s |", row.Job, p.Photo, p.Size)
			for _, ms := range p.Millis {
				fmt.Fprintf(w, " %.1f |", ms)
			}
			for _, k := range rivals {
				fmt.Fprintf(w, " %.3f |", p.Millis[iOurs]/p.Millis[k])
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintf(w, "\nSizes of the results at quality %d, mean bytes:\n\n", quality)
	fmt.Fprintf(w, "| job | %s | %s | %s | %s | to sharp | met |\n", engineNames[iOurs], engineNames[iSharp], engineNames[iVips], engineNames[iPlain])
	fmt.Fprintf(w, "|---|---:|---:|---:|---:|---:|---|\n")
	for _, row := range r.Rows {
		ratio := row.Bytes[iOurs] / row.Bytes[iSharp]
		met := ratio <= sizeTarget
		fmt.Fprintf(w, "| %s | %.0f | %.0f | %.0f | %.0f | %.3f (<= %.2f) | %s |\n", row.Job, row.Bytes[iOurs], row.Bytes[iSharp], row.Bytes[iVips], row.Bytes[iPlain], ratio, sizeTarget, verdict(&met))
	}
	fmt.Fprintf(w, "\nBytes that a request to 300 px allocates, all in all:\n\n")
	fmt.Fprintf(w, "| source | photograph | bytes | met (<= %.0f MB) |\n|---|---|---:|---|\n", allocatedTarget/1e6)
	for _, a := range r.Allocated {
		met := a.Bytes <= allocatedTarget
		fmt.Fprintf(w, "| %s | %s %s | %d | %s |\n", a.Kind, a.Photo, a.Size, a.Bytes, verdict(&met))
	}
}

func verdict(met *bool) string {
	switch {
	case met == nil:
		return "-"
	case *met:
		return "yes"
	}
	return "no"
}

// machine names the processor.
func machine() string {
	name := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores", name, runtime.NumCPU())
}
