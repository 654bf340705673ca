package server

import (
	"io"
	"net/http"
	"time"

	"s3imageserver/storage/cache"
)

// An exchange is one request and its answer: it writes to the client, and holds
// what is counted and logged when the answer has ended. It belongs to the
// goroutine of the request.
type exchange struct {
	http.ResponseWriter
	began   time.Time
	status  int   // 0 until the header is written
	bytes   int64 // of the body
	handler *Handler

	from      cache.Status // where the picture came from
	answered  bool         // there is one: from and mediaType are set
	mediaType string
}

// begin returns the exchange of a request that has come.
func (s *Server) begin(w http.ResponseWriter) *exchange {
	s.parts.metrics.inFlight.Inc()
	return &exchange{ResponseWriter: w, began: time.Now()}
}

// end counts what became of a request.
func (s *Server) end(x *exchange) { s.parts.metrics.end(x) }

// exchangeOf returns the exchange that w belongs to. Callers that embed a
// Handler have none: they get one that nobody looks at.
func exchangeOf(w http.ResponseWriter) *exchange {
	if x, ok := w.(*exchange); ok {
		return x
	}
	return &exchange{ResponseWriter: w}
}

// picture notes that there is a picture, and where it came from.
func (x *exchange) picture(mediaType string, s cache.Status) {
	x.answered, x.mediaType, x.from = true, mediaType, s
}

// WriteHeader notes the status of the final answer.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// WriteString is Write for texts.
func (x *exchange) WriteString(s string) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := io.WriteString(x.ResponseWriter, s)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the writer below.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }
