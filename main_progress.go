package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// toldEvery is how often a command that is not at a terminal says how far it has come,
// and shownEvery how often one that is at a terminal does.
var toldEvery = 10 * time.Second

const shownEvery = 100 * time.Millisecond

// clearLine takes the cursor of a terminal to the beginning of its line, and erases that
// (ECMA-48, CR and EL).
const clearLine = "\r\x1b[K"

// A progress shows how far a command has come: on a terminal in one line, else in a line
// now and then. It is safe for concurrent use.
type progress struct {
	terminal bool
	w        io.Writer
	what     string
	total    int // below 0: not known
	begun    time.Time
	done     atomic.Int64
	told     atomic.Int64 // when, in nanoseconds after begun
}

func newProgress(w io.Writer, total int, what string) *progress {
	p := &progress{w: w, what: what, total: total, begun: time.Now()}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) step() {
	done, every, before, after := p.done.Add(1), toldEvery, "", "\n"
	if p.terminal {
		every, before, after = min(toldEvery, shownEvery), clearLine, ""
	}
	last, now := p.told.Load(), int64(time.Since(p.begun))
	if now-last < int64(every) || !p.told.CompareAndSwap(last, now) {
		return
	}
	of := ""
	if p.total >= 0 {
		of = fmt.Sprintf(" of %d", p.total)
	}
	fmt.Fprintf(p.w, "%s%s: %d%s, %.1f a second%s", before, p.what, done, of, float64(done)/time.Since(p.begun).Seconds(), after)
}

// end leaves nothing of it on a terminal.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.w, clearLine)
	}
}
