//go:build linux

// Hold measures what the server must hold under faults and load: it starts the
// real binary, MinIO, nginx and a store that misbehaves, and prints every figure
// beside what is wanted. See bench/README.md.
//
// Usage, from the root of the module:
//
//	go run -tags nodynamic ./bench/hold [-short] [-only REGEXP]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A check measures something and reports rows.
type check struct {
	name string
	run  func(*bench) error
}

var checks = []check{
	{"R4 faults of the store", (*bench).faults},
	{"odd requests", (*bench).odd},
	{"R5 faults of the cache", (*bench).crashes},
	{"R6 overload", (*bench).overload},
	{"R7 memory", (*bench).memory},
	{"hostile files", (*bench).hostile},
	{"R10 shutdown", (*bench).shutdown},
	{"hits", (*bench).hits},
	{"one fill", (*bench).oneFill},
	{"machines", (*bench).machines},
	{"eviction", (*bench).eviction},
	{sizingName, (*bench).sizing},
}

// sizingName is that of the check which runs only if it is named: it takes a quarter
// of an hour, and holds nothing.
const sizingName = "sizing"

// A row is one figure.
type row struct {
	check, figure, want, got string
	met                      bool
	timed                    bool // another machine, or a busier one, makes another figure
}

type bench struct {
	short  bool
	binary string
	folder string // temporary
	check  string // that runs
	rows   []row
}

// report adds a figure.
func (b *bench) report(figure, want string, met bool, format string, args ...any) {
	b.add(row{b.check, figure, want, fmt.Sprintf(format, args...), met, !exact.MatchString(b.check)})
}

// reportTime adds a figure that is a time.
func (b *bench) reportTime(figure, want string, met bool, took time.Duration) {
	b.add(row{b.check, figure, want, took.Round(10 * time.Millisecond).String(), met, true})
}

func (b *bench) add(r row) {
	b.rows = append(b.rows, r)
	fmt.Printf("  %-58s %-30s want %-22s %s\n", r.figure, r.got, r.want, map[bool]string{true: "met", false: "MISSED"}[r.met])
}

// scale returns full, or short in a short run.
func (b *bench) scale(full, short int) int {
	if b.short {
		return short
	}
	return full
}

func main() {
	serveBare()
	short := flag.Bool("short", false, "fewer rounds: about three minutes")
	only := flag.String("only", "", "regular expression of the checks to run; all if empty")
	strict := flag.Bool("strict", false, "exit with 1 if a count of faults is missed: what no speed of the machine changes")
	binary := flag.String("binary", "", "a server that is built already; empty: this one is built")
	flag.Parse()
	b := &bench{short: *short, binary: *binary}
	missed, err := b.run(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hold:", err)
		os.Exit(1)
	}
	if *strict && missed > 0 {
		os.Exit(1)
	}
}

// exact are the checks whose figures are counts, not times.
var exact = regexp.MustCompile(`^(R4|R5|R10|odd|hostile|one fill|machines|eviction)`)

func (b *bench) run(only string) (missed int, err error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return 0, err
	}
	if b.folder, err = os.MkdirTemp("", "hold"); err != nil {
		return 0, err
	}
	defer os.RemoveAll(b.folder)
	if b.binary == "" {
		b.binary = filepath.Join(b.folder, "s3imageserver")
		build := exec.Command("go", "build", "-tags", "nodynamic", "-o", b.binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return 0, fmt.Errorf("build: %w\n%s", err, out)
		}
	}
	for _, c := range checks {
		if !pattern.MatchString(c.name) || only == "" && c.name == sizingName {
			continue
		}
		fmt.Printf("%s\n", c.name)
		b.check = c.name
		began := time.Now()
		if err := c.run(b); err != nil {
			return 0, fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Printf("  (%v)\n", time.Since(began).Round(time.Second))
	}
	b.table()
	for _, r := range b.rows {
		if !r.met && !r.timed {
			missed++
		}
	}
	return missed, nil
}

// table prints all rows in Markdown.
func (b *bench) table() {
	fmt.Printf("\n| check | figure | wanted | measured | met |\n|---|---|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Println("| " + strings.Join([]string{r.check, r.figure, r.want, r.got, map[bool]string{true: "yes", false: "no"}[r.met]}, " | ") + " |")
	}
}
