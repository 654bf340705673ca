package listen

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// A recorder is a connection that notes what is written at once.
type recorder struct {
	net.Conn
	writes   [][]byte
	err      error
	deadline time.Time
}

func (r *recorder) SetWriteDeadline(t time.Time) error {
	r.deadline = t
	return nil
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	r.writes = append(r.writes, bytes.Clone(p))
	return len(p), nil
}

// What is held back goes with what follows, or when it is released; nothing is
// lost, doubled or out of order.
func TestJoinedWrites(t *testing.T) {
	of := func(n int, c byte) []byte { return bytes.Repeat([]byte{c}, n) }
	for _, tt := range []struct {
		name   string
		held   [][]byte // written between Hold and Release
		after  [][]byte
		writes []int // lengths of what arrives
	}{
		{"header and body are one", [][]byte{of(4096, 'a'), of(20000, 'b')}, nil, []int{24096}},
		{"all that fits", [][]byte{of(4096, 'a'), of(64<<10, 'b')}, nil, []int{4096 + 64<<10}},
		{"what does not fit is not copied", [][]byte{of(4096, 'a'), of(64<<10+1, 'b')}, nil, []int{4096, 64<<10 + 1}},
		{"a body alone", [][]byte{of(5000, 'b')}, nil, []int{5000}},
		{"a header alone is sent at the end", [][]byte{of(100, 'a')}, [][]byte{of(7, 'c')}, []int{100, 7}},
		{"two headers", [][]byte{of(100, 'a'), of(50, 'b'), of(30, 'c')}, nil, []int{150, 30}},
		{"nothing", nil, [][]byte{of(9, 'a')}, []int{9}},
	} {
		r := &recorder{}
		c := &Conn{Conn: r}
		var want []byte
		write := func(parts [][]byte) {
			for _, p := range parts {
				if n, err := c.Write(p); n != len(p) || err != nil {
					t.Errorf("%s: Write of %d bytes = %d, %v", tt.name, len(p), n, err)
				}
				want = append(want, p...)
			}
		}
		began := time.Now()
		if Hold(ConnContext(context.Background(), c), time.Minute) != c {
			t.Fatal("the connection is not found")
		}
		if r.deadline.Before(began.Add(time.Minute)) || r.deadline.After(time.Now().Add(time.Minute)) {
			t.Errorf("%s: the deadline is in %v; want a minute", tt.name, time.Until(r.deadline))
		}
		write(tt.held)
		c.Release()
		write(tt.after)
		if got := bytes.Join(r.writes, nil); !bytes.Equal(got, want) {
			t.Errorf("%s: %d other bytes than the %d written", tt.name, len(got), len(want))
		}
		for i, w := range r.writes {
			if len(r.writes) != len(tt.writes) || len(w) != tt.writes[i] {
				t.Errorf("%s: %d writes, number %d of %d bytes; want %v", tt.name, len(r.writes), i, len(w), tt.writes)
			}
		}
	}
}

// A fault of what was held back is not lost.
func TestJoinedFaults(t *testing.T) {
	broken := errors.New("broken")
	for _, more := range []bool{true, false} {
		r := &recorder{err: broken}
		c := &Conn{Conn: r}
		Hold(ConnContext(context.Background(), c), time.Minute)
		if _, err := c.Write([]byte("header")); err != nil {
			t.Errorf("held back: %v", err)
		}
		if !more {
			c.Release()
		}
		if n, err := c.Write([]byte("body")); n != 0 || err != broken {
			t.Errorf("Write after a fault = %d, %v; want 0, %v", n, err, broken)
		}
	}
	Hold(context.Background(), time.Minute).Release() // of another connection: nothing
}
