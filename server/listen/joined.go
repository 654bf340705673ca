package listen

import (
	"context"
	"net"
	"sync"
	"time"
)

const (
	// firstBytes is what net/http writes at once at the most before it writes a body
	// itself: the buffer of a connection.
	firstBytes = 4 << 10
	// joinedBytes is what is written in one at the most.
	joinedBytes = 64<<10 + firstBytes
)

var joinedBuffers = sync.Pool{New: func() any { b := make([]byte, 0, joinedBytes); return &b }}

// Joined returns a listener whose connections can hold the beginning of an answer
// back until its body is there, so that both are sent by one system call: see Hold.
// It must be outermost, and [ConnContext] be that of the http.Server.
func Joined(l net.Listener) net.Listener { return joinedListener{l} }

type joinedListener struct{ net.Listener }

// Accept implements [net.Listener].
func (l joinedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: c}, nil
}

// A Conn is a connection of a joined listener. What is written to it comes from one
// goroutine at a time, as net/http has it. Nil holds nothing.
type Conn struct {
	net.Conn
	held    bool
	pending *[]byte // what is held back; nil: nothing
	err     error   // of what Release wrote: the next Write returns it
}

type connKey struct{}

// ConnContext lets Hold find the connection of a request.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*Conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// Hold holds the first 4 kB that are written for a request back until more is, or
// until Release. The client has to take all of it within the time given: the write
// deadline of the connection. It returns nil where the connection is none of a joined
// listener.
func Hold(ctx context.Context, within time.Duration) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	if c != nil {
		c.held = true
		_ = c.SetWriteDeadline(time.Now().Add(within)) // a connection that is closed says so when it is written to
	}
	return c
}

// Release ends Hold and sends what is still held back.
func (c *Conn) Release() {
	if c == nil {
		return
	}
	c.held = false
	if c.pending != nil {
		_, c.err = c.send(nil)
	}
}

// Write implements [net.Conn].
func (c *Conn) Write(p []byte) (int, error) {
	switch {
	case c.err != nil:
		return 0, c.err
	case c.pending != nil:
		return c.send(p)
	case c.held && len(p) <= firstBytes:
		c.pending = joinedBuffers.Get().(*[]byte)
		*c.pending = append((*c.pending)[:0], p...)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// send sends what is held back, and p after it. It returns how much of p was sent.
func (c *Conn) send(p []byte) (n int, err error) {
	buffer := c.pending
	c.pending = nil
	defer joinedBuffers.Put(buffer)
	first := len(*buffer)
	rest := p
	if first+len(p) <= cap(*buffer) {
		*buffer, rest = append(*buffer, p...), nil
	}
	n, err = c.Conn.Write(*buffer)
	if n = max(n-first, 0); err != nil || len(rest) == 0 {
		return n, err
	}
	return c.Conn.Write(rest)
}
