// Command instructions counts the instructions that a picture takes on arm64 and on
// amd64, with and without assembly, in an emulator: a figure for machines that are
// not at hand. It says nothing of time.
//
//	go run -tags nodynamic ./bench/instructions
//	go run -tags nodynamic ./bench/instructions -top 20 -jobs '1200 JPEG'
//
// It runs in the root of the project and needs gcc and Debian's qemu-user (not the
// static one, which takes no plugins).
package main

import (
	"bufio"
	"debug/elf"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// A build is of the program, and how it is run.
type build struct {
	name, arch, tags, emulator string
}

var builds = []build{
	{"arm64, Go", "arm64", "nodynamic,purego", "qemu-aarch64"},
	{"arm64, NEON", "arm64", "nodynamic", "qemu-aarch64"},
	{"amd64, Go", "amd64", "nodynamic,purego", "qemu-x86_64"},
	{"amd64, AVX2", "amd64", "nodynamic", "qemu-x86_64"},
}

// A job is a picture that is made. goal is how many million instructions it should
// take on arm64 with assembly, 0 if there is none; part is how many of plain Go's.
type job struct {
	name, source, result, options string
	goal                          uint64
	part                          float64
}

var jobs = []job{
	{name: "12 MP JPEG to 300 JPEG", source: "testdata/large/still-life.jpg", result: "a.jpg", options: "w=300", goal: 150},
	{name: "12 MP JPEG to 1200 JPEG", source: "testdata/large/still-life.jpg", result: "b.jpg", options: "w=1200", goal: 270},
	{name: "12 MP JPEG to 1200 WebP", source: "testdata/large/still-life.jpg", result: "c.webp", options: "w=1200", goal: 480},
	{name: "1080p PNG to 800 PNG", source: "1080p.png", result: "d.png", options: "w=800", part: 0.6},
}

func main() {
	top := flag.Int("top", 0, "print as many functions of each run")
	only := flag.String("jobs", "", "a `pattern` of jobs")
	flag.Parse()
	if err := run(*top, *only); err != nil {
		fmt.Fprintln(os.Stderr, "instructions:", err)
		os.Exit(1)
	}
}

func run(top int, only string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "instructions")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	plugin := filepath.Join(dir, "count.so")
	if err := command("gcc", "-O2", "-shared", "-fPIC", "-o", plugin, "bench/instructions/plugin/count.c").Run(); err != nil {
		return fmt.Errorf("gcc: %w", err)
	}
	for i, b := range builds {
		cmd := command("go", "build", "-tags", b.tags, "-o", filepath.Join(dir, fmt.Sprint(i)), ".")
		cmd.Env = append(os.Environ(), "GOARCH="+b.arch, "CGO_ENABLED=0")
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("go build for %s: %w", b.name, err)
		}
	}
	if err := command(filepath.Join(dir, "3"), "convert", "-j", "1", "testdata/large/still-life.jpg", filepath.Join(dir, "1080p.png"), "w=1920", "h=1080").Run(); err != nil {
		return fmt.Errorf("the source of 1080p: %w", err)
	}

	fmt.Print("| million instructions |")
	for _, b := range builds {
		fmt.Printf(" %s |", b.name)
	}
	fmt.Print(" NEON to Go | goal |\n|---|---:|---:|---:|---:|---:|---|\n")
	for _, j := range jobs {
		if !pattern.MatchString(j.name) {
			continue
		}
		source := j.source
		if !strings.Contains(source, "/") {
			source = filepath.Join(dir, source)
		}
		var counts []uint64
		var functions []string
		for i, b := range builds {
			program := filepath.Join(dir, fmt.Sprint(i))
			n, list, err := count(b, plugin, filepath.Join(dir, "counts"), program, top,
				"convert", "-j", "1", source, filepath.Join(dir, j.result), j.options)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", j.name, b.name, err)
			}
			counts = append(counts, n/1e6)
			functions = append(functions, list)
		}
		part := float64(counts[1]) / float64(counts[0])
		goal, met := fmt.Sprintf("<= %d", j.goal), counts[1] <= j.goal
		if j.part > 0 {
			goal, met = fmt.Sprintf("<= %.1f of Go", j.part), part <= j.part
		}
		fmt.Printf("| %s | %d | %d | %d | %d | %.2f | %s: %v |\n", j.name, counts[0], counts[1], counts[2], counts[3], part, goal, map[bool]string{true: "met", false: "missed"}[met])
		for i, list := range functions {
			if top > 0 {
				fmt.Printf("\n%s, %s:\n%s\n", j.name, builds[i].name, list)
			}
		}
	}
	return nil
}

func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// count runs a program and returns how many instructions it took, and the functions
// that took most, one a line.
func count(b build, plugin, counts, program string, top int, args ...string) (uint64, string, error) {
	cpu := []string{"-plugin", plugin, program}
	if b.arch == "amd64" {
		cpu = append([]string{"-cpu", "max"}, cpu...)
	}
	cmd := command(b.emulator, append(cpu, args...)...)
	// One thread: the counters are not atomic.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "COUNTS="+counts)
	if err := cmd.Run(); err != nil {
		return 0, "", err
	}
	f, err := os.Open(counts)
	if err != nil {
		return 0, "", err
	}
	defer f.Close() // only read
	names, err := symbols(program)
	if err != nil {
		return 0, "", err
	}
	var all uint64
	sums := map[string]uint64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var at, n, runs uint64
		if _, err := fmt.Sscanf(s.Text(), "%x %d %d", &at, &n, &runs); err != nil {
			return 0, "", err
		}
		// A block that goes on into the next function counts for the first.
		sums[names.at(at)] += n * runs
		all += n * runs
	}
	order := make([]string, 0, len(sums))
	for name := range sums {
		order = append(order, name)
	}
	sort.Slice(order, func(i, j int) bool { return sums[order[i]] > sums[order[j]] })
	var list strings.Builder
	for _, name := range order[:min(top, len(order))] {
		fmt.Fprintf(&list, "%8.1f %5.1f%% %s\n", float64(sums[name])/1e6, 100*float64(sums[name])/float64(all), name)
	}
	return all, list.String(), nil
}

// functions are those of a program, by address.
type functions []elf.Symbol

func symbols(program string) (functions, error) {
	f, err := elf.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	all, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	var found functions
	for _, s := range all {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size > 0 {
			found = append(found, s)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Value < found[j].Value })
	return found, nil
}

func (f functions) at(pc uint64) string {
	i := sort.Search(len(f), func(i int) bool { return f[i].Value > pc }) - 1
	if i >= 0 && pc < f[i].Value+f[i].Size {
		return f[i].Name
	}
	return "?"
}
