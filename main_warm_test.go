package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"s3imageserver/testserver"
)

// With -prefix the source names its pictures; -after goes on behind one of them.
func TestWarmPrefix(t *testing.T) {
	config, _ := warmServer(t, "")
	dir := filepath.Dir(config) // which has config.json too, no picture
	for _, name := range []string{"2026/x.jpg", "2026/deep/y.jpg", "2025/z.jpg"} {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(name)), testserver.Photo(t, 90, 60)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-prefix", "2026/"}, "made: 2, there already: 0, failed: 0\n"},
		{[]string{"-prefix", "", "-after", "2026/x.jpg"}, "made: 2, there already: 0, failed: 0\n"},
		{[]string{"-prefix", ""}, "made: 1, there already: 4, failed: 0\n"},
		{[]string{"-prefix", "none/"}, "made: 0, there already: 0, failed: 0\n"},
	} {
		if out, err := command(t, append([]string{"warm", "-c", config, "-q", "w=40"}, tt.args...)...); err != nil || out != tt.want {
			t.Errorf("%v: %q, %v; want %q", tt.args, out, err, tt.want)
		}
	}
	for _, args := range [][]string{{"-prefix", "2026/", "list"}, {"-prefix", "", "-handler", "none"}, {"-rate", "0", "-prefix", ""}} {
		if _, err := command(t, append([]string{"warm", "-c", config}, args...)...); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	web := filepath.Join(dir, "web.json")
	if err := os.WriteFile(web, []byte(`{"handlers": [{"name": "h", "source": {"url": "https://example.org/"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "warm", "-c", web, "-prefix", ""); err == nil || !strings.Contains(err.Error(), "cannot list its objects") {
		t.Errorf("a source without names: %v", err)
	}
}

// One that is interrupted says where to go on, and nothing before that name is left out.
func TestWarmGoesOn(t *testing.T) {
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("%02d.jpg", i))
	}
	list := filepath.Join(t.TempDir(), "names")
	if err := os.WriteFile(list, []byte(strings.Join(names, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, atOnce := range []string{"1", "3"} {
		ctx, interrupt := context.WithCancel(t.Context())
		var mu sync.Mutex
		var asked []string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if len(asked) == 9 {
				interrupt()
				return
			}
			asked = append(asked, strings.TrimPrefix(r.URL.Path, "/h/"))
		}))
		var stderr bytes.Buffer
		err := run(ctx, []string{"warm", "-url", s.URL, "-handler", "h", "-j", atOnce, list}, io.Discard, &stderr)
		s.Close() // once no handler runs
		if err == nil {
			t.Fatalf("-j %s: interrupted without an error", atOnce)
		}
		_, last, said := strings.Cut(strings.TrimSpace(stderr.String()), "-after '")
		i := slices.Index(names, strings.TrimSuffix(last, "'"))
		switch {
		case atOnce == "1" && i != 8:
			t.Errorf("-j 1: %q; want to go on after the ninth name", &stderr)
		case said && i < 0: // nothing is said while the first of all is not done
			t.Errorf("-j %s: %q names no picture to go on after", atOnce, &stderr)
		}
		for _, name := range names[:i+1] {
			if !slices.Contains(asked, name) {
				t.Errorf("-j %s: %s comes before %s and was not asked for", atOnce, name, last)
			}
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	if out, err := command(t, "warm", "-url", s.URL, "-handler", "h", "-after", names[11], list); err != nil || !strings.HasPrefix(out, "made: 8,") {
		t.Errorf("-after %s: %q, %v; want the 8 that are left", names[11], out, err)
	}
	if _, err := command(t, "warm", "-url", s.URL, "-handler", "h", "-after", "none.jpg", list); err == nil {
		t.Error("-after a name that no list has: no error")
	}
}

// Whatever their order, all before the name that doneInOrder knows are done.
func TestDoneInOrder(t *testing.T) {
	var d doneInOrder
	for _, tt := range []struct {
		place int
		want  string
	}{{1, ""}, {2, ""}, {0, "c"}, {4, "c"}, {3, "e"}} {
		d.add(numbered{tt.place, string(rune('a' + tt.place))})
		if d.last != tt.want {
			t.Errorf("with %d: %q; want %q", tt.place, d.last, tt.want)
		}
	}
	if len(d.waiting) > 0 {
		t.Errorf("%v still wait", d.waiting)
	}
}

// Where there is no terminal, lines say how far it has come.
func TestProgressInLines(t *testing.T) {
	defer func(before time.Duration) { toldEvery = before }(toldEvery)
	toldEvery = 0
	var told bytes.Buffer
	for _, total := range []int{2, -1} {
		p := newProgress(&told, total, "warming")
		p.step()
		p.step()
		p.end()
	}
	for _, want := range []string{"warming: 1 of 2, ", "warming: 2 of 2, ", "warming: 2, ", " a second\n"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("%q; want %q in it", &told, want)
		}
	}
}

// On a terminal it is one line, which is written over and erased at the end.
func TestProgressOnATerminal(t *testing.T) {
	defer func(before time.Duration) { toldEvery = before }(toldEvery)
	toldEvery = 0
	var told bytes.Buffer
	p := newProgress(&told, 2, "warming")
	p.terminal = true
	p.step()
	p.step()
	p.end()
	lines := strings.Split(told.String(), clearLine)
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "warming: 1 of 2, ") || !strings.HasPrefix(lines[2], "warming: 2 of 2, ") || lines[0]+lines[3] != "" || strings.Contains(told.String(), "\n") {
		t.Errorf("%q; want two states of one line, and nothing left", &told)
	}
}
