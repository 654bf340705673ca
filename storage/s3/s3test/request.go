package s3test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// readRequest reads one request from conn, its body included.
func readRequest(conn net.Conn) (*http.Request, error) {
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, err
	}
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return r, nil
}
