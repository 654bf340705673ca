package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// toldEvery is how often a command that is not at a terminal says how far it has come.
var toldEvery = 10 * time.Second

// A progress shows how far a command has come: as a bar on a terminal, else as a line now
// and then. It is safe for concurrent use.
type progress struct {
	bar   *progressbar.ProgressBar // nil: lines
	w     io.Writer
	what  string
	total int // below 0: not known
	begun time.Time
	done  atomic.Int64
	told  atomic.Int64 // when, in nanoseconds after begun
}

func newProgress(w io.Writer, total int, what string) *progress {
	p := &progress{w: w, what: what, total: total, begun: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
	}
	return p
}

func (p *progress) step() {
	done := p.done.Add(1)
	if p.bar != nil {
		_ = p.bar.Add(1) // a terminal that is gone
		return
	}
	last, now := p.told.Load(), int64(time.Since(p.begun))
	if now-last < int64(toldEvery) || !p.told.CompareAndSwap(last, now) {
		return
	}
	of := ""
	if p.total >= 0 {
		of = fmt.Sprintf(" of %d", p.total)
	}
	fmt.Fprintf(p.w, "%s: %d%s, %.1f a second\n", p.what, done, of, float64(done)/time.Since(p.begun).Seconds())
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // a terminal that is gone
	}
}
