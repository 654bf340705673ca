package neon

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
)

// all returns instructions of every form, name, width of lanes and shift, with
// registers that have each of their bits set and not.
func all() (words []Word) {
	registers := [][3]V{{0, 1, 2}, {31, 30, 29}, {21, 10, 15}, {8, 16, 31}}
	each := func(form map[string]instruction, f func(name string, a Arrangement, d, n, m V)) {
		for _, name := range slices.Sorted(maps.Keys(form)) {
			for _, a := range []Arrangement{B8, B16, H4, H8, S2, S4} {
				if !strings.Contains(form[name].lanes, "bhs"[a.size():a.size()+1]) {
					continue
				}
				for _, r := range registers {
					f(name, a, r[0], r[1], r[2])
				}
			}
		}
	}
	add := func(w ...Word) { words = append(words, w...) }
	each(same, func(name string, a Arrangement, d, n, m V) { add(Same(name, d, n, m, a)) })
	each(long, func(name string, a Arrangement, d, n, m V) {
		add(Long(name, d, n, m, a))
		if a.size() == 1 && long[name].code >= 8 {
			for lane := range 8 {
				add(LongLane(name, d, n, m&15, lane, a))
			}
		}
	})
	each(narrowing, func(name string, a Arrangement, d, n, m V) { add(Narrow(name, d, n, a)) })
	each(unary, func(name string, a Arrangement, d, n, m V) { add(Unary(name, d, n, a)) })
	each(pairwise, func(name string, a Arrangement, d, n, m V) { add(Pairs(name, d, n, a)) })
	each(shift, func(name string, a Arrangement, d, n, m V) {
		for by := 1; by <= 8<<a.size(); by++ {
			add(Shift(name, d, n, by, a))
		}
	})
	each(shiftNarrow, func(name string, a Arrangement, d, n, m V) {
		for by := 1; by <= 8<<a.size(); by++ {
			add(ShiftNarrow(name, d, n, by, a))
		}
	})
	for _, a := range []Arrangement{B8, B16, H4, H8, S2, S4} {
		add(Extend(true, 5, 6, a), Extend(false, 31, 0, a))
	}
	return words
}

// GNU as makes the same words of the texts, and takes none for newer than ARMv8.0.
func TestEncodings(t *testing.T) {
	const as = "aarch64-linux-gnu-as"
	if _, err := exec.LookPath(as); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("not compared with another assembler: ", err)
	}
	words := all()
	var src bytes.Buffer
	for _, w := range words {
		fmt.Fprintln(&src, w.GNU)
	}
	dir := t.TempDir()
	object, raw := filepath.Join(dir, "o"), filepath.Join(dir, "raw")
	cmd := exec.Command(as, "-march=armv8-a", "-o", object, "-")
	cmd.Stdin = &src
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("aarch64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", object, raw).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(code) != 4*len(words) {
		t.Fatalf("%d bytes of code for %d instructions", len(code), len(words))
	}
	for i, w := range words {
		if got := binary.LittleEndian.Uint32(code[4*i:]); got != w.Code {
			t.Errorf("%s: %08x; as makes %08x of it", w.GNU, w.Code, got)
		}
	}
}

// Each word of the files that are checked in decodes to the text beside it.
func TestCheckedIn(t *testing.T) {
	files, err := filepath.Glob("../../*/*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatal("no assembly for arm64: ", err)
	}
	word := regexp.MustCompile(`^\tWORD \$0x([0-9a-f]{8}) // (.*)$`)
	checked := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(src), "\n") {
			if !strings.Contains(line, "WORD") {
				continue
			}
			m := word.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s:%d: not a word with its text: %s", file, i+1, line)
				continue
			}
			code, err := strconv.ParseUint(m[1], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			inst, err := arm64asm.Decode(binary.LittleEndian.AppendUint32(nil, uint32(code)))
			if err != nil {
				t.Errorf("%s:%d: %s: %v", file, i+1, m[2], err)
				continue
			}
			if got := normal(arm64asm.GNUSyntax(inst)); got != normal(m[2]) {
				t.Errorf("%s:%d: the word says %s; the text says %s", file, i+1, got, m[2])
			}
			checked++
		}
	}
	t.Log(checked, "words")
}

// normal is a text in the spelling that both have: shifts in decimal, without
// spaces.
func normal(s string) string {
	s = regexp.MustCompile(`#0x[0-9a-f]+`).ReplaceAllStringFunc(s, func(n string) string {
		v, _ := strconv.ParseUint(n[3:], 16, 32) // the pattern has read it
		return "#" + strconv.FormatUint(v, 10)
	})
	return strings.ReplaceAll(s, " ", "")
}
