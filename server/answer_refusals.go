package server

import (
	"path"
	"sync"
	"time"
)

// A refusals says once a minute what is refused, so that a flood of requests is no
// flood of lines, and the first mistake is not silent.
type refusals struct {
	mu    sync.Mutex
	kinds map[string]*refusedKind // as many as there are cures
}

type refusedKind struct {
	count int       // since the last line
	next  time.Time // nothing is said before
}

// refusalsEvery is how often a kind is told of.
const refusalsEvery = time.Minute

// note counts a refusal, and returns how many there were since the last line if a
// line is due; else 0.
func (r *refusals) note(kind string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kinds[kind]
	if k == nil {
		if r.kinds == nil {
			r.kinds = map[string]*refusedKind{}
		}
		k = new(refusedKind)
		r.kinds[kind] = k
	}
	k.count++
	if now.Before(k.next) {
		return 0
	}
	n := k.count
	k.count, k.next = 0, now.Add(refusalsEvery)
	return n
}

// refused tells operators of a request that is refused, and of what to do.
func (a *answerer) refused(req *request, kind string, err error, now time.Time) {
	cure := cures[kind]
	if cure == "" {
		return
	}
	n := a.refusals.note(kind, now)
	if n == 0 {
		return
	}
	attributes := []any{"kind", kind, "requests", n, "error", err}
	if kind == "extension" {
		attributes = append(attributes, "extension", shortened(path.Ext(req.name)))
	}
	a.log.Warn("requests are refused", append(attributes, "cure", cure)...)
}

// debugText says to developers why there is no picture; "" if the handler says
// that to operators alone.
func (a *answerer) debugText(req *request, f failure, err error) string {
	if !a.config.Debug {
		return ""
	}
	why := f.err.Error() // what a store has said is for the log
	if cure := cures[f.kind]; cure != "" {
		why = err.Error() + "\n" + cure
	}
	switch f.kind {
	case "extension":
		why = "extension " + shortened(path.Ext(req.name)) + " is not allowed\n" + cures[f.kind]
	case "missing":
		why = "the source has no object " + shortened(req.name)
	}
	return why
}
