package refresh

import (
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often files are looked at. Nobody is told of changes by a
// mounted ConfigMap, which is a link that is replaced, or by network file systems.
const lookEvery = time.Second

// A Watched is what files hold, which are read again when one of them has
// changed. It is safe for concurrent use.
type Watched[T any] struct {
	read  func() (T, error)
	files []string
	value atomic.Pointer[T]

	mu     sync.Mutex
	stamps []Stamp   // of files; guarded by mu, as looked
	looked time.Time // when the files were looked at
}

// Watch reads the files by read. Without any it reads once.
func Watch[T any](read func() (T, error), files ...string) (*Watched[T], error) {
	w := &Watched[T]{read: read, files: files, looked: time.Now()}
	w.stamps = w.stampsNow() // before it is read: what changes meanwhile is read again
	value, err := read()
	if err != nil {
		return nil, err
	}
	w.value.Store(&value)
	return w, nil
}

// Get returns what the files hold. It looks at them, but not more than once a
// second, and tells when it has read them again; if that is an error, what was
// there before stays. While one reads, others get that too.
func (w *Watched[T]) Get(tell func(value T, err error)) T {
	if len(w.files) > 0 && w.mu.TryLock() {
		w.look(tell)
		w.mu.Unlock()
	}
	return *w.value.Load()
}

// look reads the files if one has changed; w.mu is held.
func (w *Watched[T]) look(tell func(value T, err error)) {
	now := time.Now()
	if now.Sub(w.looked) < lookEvery {
		return
	}
	w.looked = now
	stamps := w.stampsNow()
	same := true
	for i := range stamps {
		same = same && stamps[i] == w.stamps[i]
	}
	if same {
		return
	}
	w.stamps = stamps
	value, err := w.read()
	if err == nil {
		w.value.Store(&value)
	}
	tell(value, err)
}

func (w *Watched[T]) stampsNow() []Stamp {
	all := make([]Stamp, len(w.files))
	for i, file := range w.files {
		all[i] = StampOf(file)
	}
	return all
}

// Forget makes the next Get look at the files, however soon it comes.
func (w *Watched[T]) Forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = time.Time{}
}
