package testserver

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"testing"
	"time"
)

// Client is what tests ask servers with.
var Client = &http.Client{Timeout: Patience}

// Get returns status, media type and body.
func Get(t testing.TB, url string) (status int, mediaType string, body []byte) {
	t.Helper()
	status, body, mediaType = GetHeader(t, url, "Content-Type")
	return status, mediaType, body
}

// GetHeader returns status, body and a header field.
func GetHeader(t testing.TB, url, field string) (status int, body []byte, value string) {
	t.Helper()
	r, err := Client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() // only read
	if body, err = io.ReadAll(r.Body); err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	return r.StatusCode, body, r.Header.Get(field)
}

// WaitFor waits until the condition holds.
func WaitFor(t testing.TB, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen within %v", Patience)
		}
	}
}

// Photo is a JPEG to be served.
func Photo(t testing.TB, w, h int) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i % w * 255 / w)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
