package limits

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"s3imageserver/server/config"
	"s3imageserver/server/refresh"
)

// What is said of a picture that is not shown any more.
var (
	ErrGone  = errors.New("the picture is gone")
	ErrLegal = errors.New("the picture is not shown for legal reasons")
)

const maxBlockedBytes = 32 << 20

// A Logger is what a list that is read again needs of slog.Logger.
type Logger interface {
	Info(msg string, args ...any)
	Error(msg string, args ...any)
}

// A Blocked is one list of pictures that are not shown. It is safe for
// concurrent use.
type Blocked struct {
	Err   error    // of its pictures
	names []string // of the configuration
	file  string   // "": none

	list *refresh.Watched[*nameList]
}

func NewBlocked(c *config.Config, b *config.BlockedConfig) (l *Blocked, err error) {
	l = &Blocked{Err: ErrGone, names: b.Names, file: c.Path(b.File)}
	if b.Status == http.StatusUnavailableForLegalReasons {
		l.Err = ErrLegal
	}
	var files []string
	if l.file != "" {
		files = append(files, l.file)
	}
	l.list, err = refresh.Watch(l.read, files...)
	return l, err
}

// Has reports whether the list has a name. A file that has changed is read
// first; one that cannot be read changes nothing.
func (l *Blocked) Has(name string, log Logger) bool {
	list := l.list.Get(func(list *nameList, err error) {
		if err != nil {
			log.Error("blocked names not reloaded: the old ones stay in use", "error", err)
		} else {
			log.Info("blocked names reloaded", "file", l.file, "names", len(list.exact)+len(list.begin))
		}
	})
	return list.has(name)
}

// Forget makes the next question look at the file again.
func (l *Blocked) Forget() { l.list.Forget() }

// read returns the names of the configuration and of the file.
func (l *Blocked) read() (*nameList, error) {
	list := &nameList{map[string]bool{}, map[string]bool{}, nil}
	for _, name := range l.names {
		list.add(name)
	}
	if l.file == "" {
		return list, nil
	}
	f, err := os.Open(l.file)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	data, err := io.ReadAll(io.LimitReader(f, maxBlockedBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBlockedBytes {
		return nil, fmt.Errorf("%s has more than %d bytes", l.file, maxBlockedBytes)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		name := strings.TrimSpace(lines.Text())
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		if !config.ValidBlocked(name) {
			return nil, fmt.Errorf("%s:%d: %q is not a name of an object", l.file, n, name)
		}
		list.add(name)
	}
	return list, lines.Err()
}

// A nameList is a set of names and of their beginnings.
type nameList struct {
	exact, begin map[string]bool
	lengths      []int // of those in begin, each one once
}

func (l *nameList) add(name string) {
	beginning, ok := strings.CutSuffix(name, "*")
	if !ok {
		l.exact[name] = true
		return
	}
	l.begin[beginning] = true
	for _, n := range l.lengths {
		if n == len(beginning) {
			return
		}
	}
	l.lengths = append(l.lengths, len(beginning))
}

func (l *nameList) has(name string) bool {
	if l.exact[name] {
		return true
	}
	for _, n := range l.lengths {
		if n <= len(name) && l.begin[name[:n]] {
			return true
		}
	}
	return false
}
