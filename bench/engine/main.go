//go:build unix

// Engine measures this server's engine side by side with sharp, vipsthumbnail
// and the plain Go libraries: CPU time, memory, fidelity and the size of what
// is written. See bench/README.md.
//
// Usage, from the root of the module:
//
//	go run -tags nodynamic ./bench/engine [flags]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// A job is a row of the table.
type job struct {
	Name          string
	kind          string
	width, height int
	// targets are the largest ratios of our CPU time to that of sharp,
	// vipsthumbnail and plain Go; 0: none.
	targets [3]float64
}

var jobs = []job{
	{"12 MP baseline to 300 px", baseline, 300, 0, [3]float64{0.60, 0.50, 0.06}},
	{"12 MP to a 300 x 200 crop", baseline, 300, 200, [3]float64{0.60, 0.50, 0.06}},
	{"12 MP to 1200 px", baseline, 1200, 0, [3]float64{0.65, 0.45, 0.09}},
	{"12 MP progressive to 300 px", progressive, 300, 0, [3]float64{0.15, 0.15, 0.04}},
	{"2 MP to 300 px", small, 300, 0, [3]float64{0.60, 0.60, 0.10}},
	{"24 MP to 300 px", large, 300, 0, [3]float64{}},
}

// Engines in the order of the table. Ratios are to the rivals: the second
// sharp is for information.
const (
	iOurs = iota
	iSharp
	iSharp2
	iVips
	iPlain
	engineCount
)

var engineNames = [engineCount]string{"this server", "sharp", "sharp, 2 threads", "vipsthumbnail", "plain Go"}

// rivals are the engines that the targets name.
var rivals = [3]int{iSharp, iVips, iPlain}

const sharpVersion = "0.35.5"

func main() {
	runs := flag.Int("runs", 5, "rounds of measurements; medians are taken")
	only := flag.String("jobs", "", "regular expression of the jobs to run; all if empty")
	photos := flag.String("photos", "../shared/corpus/photos", "folder of the photographs")
	work := flag.String("work", "bench/.work", "work folder for inputs and rivals")
	jsonFile := flag.String("json", "", "write everything measured to this file")
	svgFile := flag.String("svg", "", "write a chart to this file")
	fidelity := flag.Bool("fidelity", false, "measure fidelity instead of speed")
	visible := flag.Bool("visible", false, "measure what results of several qualities show, of photographs and drawings")
	sheet := flag.String("sheet", "", "write our and sharp's pictures side by side to this PNG file, and nothing else")
	flag.Parse()
	err := run(config{*runs, *only, *photos, *work, *jsonFile, *svgFile, *fidelity, *visible, *sheet})
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

type config struct {
	runs                                  int
	only, photos, work, jsonFile, svgFile string
	fidelity, visible                     bool
	sheet                                 string
}

func run(c config) error {
	pattern, err := regexp.Compile(c.only)
	if err != nil {
		return err
	}
	work, err := filepath.Abs(c.work)
	if err != nil {
		return err
	}
	inputs, err := prepare(c.photos, work)
	if err != nil {
		return err
	}
	if err := install(work, sharpVersion); err != nil {
		return err
	}
	sharp, err := startSharp(work)
	if err != nil {
		return err
	}
	defer sharp.stop()
	// One thread: what the others cost is CPU time as well.
	runtime.GOMAXPROCS(1)
	engines := [engineCount]engine{
		iOurs:   &ours{times: 10},
		iSharp:  &sharpEngine{process: sharp, times: 5, concurrency: 1},
		iSharp2: &sharpEngine{process: sharp, times: 5, concurrency: 2},
		iVips:   &vips{work: work, times: 4},
		iPlain:  &plain{times: 1},
	}
	selected := slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return !pattern.MatchString(j.Name) })
	switch {
	case c.sheet != "":
		return writeSheet(c.sheet, selected, inputs, engines)
	case c.visible:
		return measureVisible(os.Stdout, work, pattern, inputs, engines)
	case c.fidelity:
		return measureFidelity(os.Stdout, selected, inputs, engines)
	}
	r := &report{Machine: machine(), Go: runtime.Version(), Sharp: sharpVersion, Runs: c.runs}
	if r.Rows, err = measure(selected, inputs, engines, c.runs); err != nil {
		return err
	}
	if r.Allocated, err = measureAllocated(inputs, engines[iOurs].(*ours)); err != nil {
		return err
	}
	r.print(os.Stdout)
	if c.jsonFile != "" {
		text, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.jsonFile, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if c.svgFile != "" {
		return os.WriteFile(c.svgFile, r.chart(), 0o644)
	}
	return nil
}

// measure runs all engines in turn, task by task, round by round: what
// disturbs the machine for a while disturbs them all.
func measure(jobs []job, inputs map[string][]*input, engines [engineCount]engine, runs int) ([]row, error) {
	rows := make([]row, len(jobs))
	for i, j := range jobs {
		rows[i] = row{Job: j.Name, targets: j.targets}
		for _, in := range inputs[j.kind] {
			t := task{in, j.width, j.height}
			p := photoRow{Photo: in.photo, Size: in.size.String(), SourceBytes: len(in.data)}
			var times [engineCount][]time.Duration
			for round := range 1 + runs {
				for k, e := range engines {
					if round == 0 { // warm up, and look at the files
						file, err := e.make(t, quality)
						if err != nil {
							return nil, fmt.Errorf("%s, %s: %w", engineNames[k], in.path, err)
						}
						p.Bytes[k] = len(file)
						continue
					}
					d, err := e.measure(t)
					if err != nil {
						return nil, fmt.Errorf("%s, %s: %w", engineNames[k], in.path, err)
					}
					times[k] = append(times[k], d)
				}
			}
			for k := range engines {
				p.Millis[k] = median(times[k]).Seconds() * 1000
			}
			fmt.Fprintf(os.Stderr, "%s, %s: %.1f ms\n", j.Name, in.photo, p.Millis)
			rows[i].Photos = append(rows[i].Photos, p)
		}
		rows[i].sum()
	}
	return rows, nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	n := len(d)
	return (d[(n-1)/2] + d[n/2]) / 2
}

func measureAllocated(inputs map[string][]*input, e *ours) ([]allocation, error) {
	var list []allocation
	for _, kind := range []string{baseline, progressive, large} {
		for _, in := range inputs[kind] {
			n, err := e.allocated(task{in, 300, 0})
			if err != nil {
				return nil, err
			}
			list = append(list, allocation{kind, in.photo, in.size.String(), n})
		}
	}
	return list, nil
}
