package config

import (
	"errors"
	"fmt"
	"strings"
)

// A Fault is one thing that is wrong in a configuration.
type Fault struct {
	File         string // empty if the configuration is not from a file
	Line, Column int    // 1 and up; 0 if unknown
	Key          string // path of the key, as in handlers.0.prefix
	Text         string
}

func (f *Fault) Error() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Text)
	return b.String()
}

type Faults []*Fault

func (f *Faults) Add(key, format string, args ...any) {
	*f = append(*f, &Fault{Key: key, Text: fmt.Sprintf(format, args...)})
}

// Collect adds the faults that are joined in err, or the only one.
func (f *Faults) Collect(err error) {
	var joined *joinedFaults
	var one *Fault
	switch {
	case errors.As(err, &joined):
		*f = append(*f, joined.faults...)
	case errors.As(err, &one):
		*f = append(*f, one)
	case err != nil:
		f.Add("", "%v", err)
	}
}

// Join returns the faults as one error, nil if there are none.
func (f Faults) Join() error {
	if len(f) == 0 {
		return nil
	}
	return &joinedFaults{f}
}

// joinedFaults is the error of several faults, a line each.
type joinedFaults struct{ faults Faults }

func (j *joinedFaults) Error() string {
	lines := make([]string, len(j.faults))
	for i, f := range j.faults {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the faults.
func (j *joinedFaults) Unwrap() []error {
	errs := make([]error, len(j.faults))
	for i, f := range j.faults {
		errs[i] = f
	}
	return errs
}
