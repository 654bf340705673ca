package storage

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestValidName(t *testing.T) {
	tests := []struct {
		why, name string
		want      bool
	}{
		{"a plain name", "photo.jpg", true},
		{"folders", "a/b/c.png", true},
		{"spaces, plus, percent and Unicode are ordinary bytes", "ä +%2f b/日本.jpg", true},
		{"a dot inside a segment", "a..b/.hidden.jpg", true},
		{"empty", "", false},
		{"the folder itself", ".", false},
		{"a parent segment", "a/../b.jpg", false},
		{"a parent at the start", "../b.jpg", false},
		{"a dot segment", "a/./b.jpg", false},
		{"an empty segment", "a//b.jpg", false},
		{"a leading slash", "/a.jpg", false},
		{"a trailing slash", "a/", false},
		{"a backslash", `a\b.jpg`, false},
		{"NUL", "a\x00.jpg", false},
		{"a control byte", "a\n.jpg", false},
		{"DEL", "a\x7f.jpg", false},
		{"invalid UTF-8", "a\xff.jpg", false},
		{"an overlong slash", "a\xc0\xafb.jpg", false},
		{"as long as allowed", strings.Repeat("a", MaxNameBytes), true},
		{"one byte too long", strings.Repeat("a", MaxNameBytes+1), false},
	}
	for _, tt := range tests {
		if got := ValidName(tt.name); got != tt.want {
			t.Errorf("%s: ValidName(%q) = %v; want %v", tt.why, tt.name, got, tt.want)
		}
	}
}

func TestObjectBodyIsExact(t *testing.T) {
	tests := []struct {
		name string
		body io.Reader
		size int64
		want string
		err  error
	}{
		{"the announced length", strings.NewReader("hello"), 5, "hello", nil},
		{"bytes beyond the length are not delivered", strings.NewReader("hello, world"), 5, "hello", nil},
		{"data together with EOF", iotest.DataErrReader(strings.NewReader("hello")), 5, "hello", nil},
		{"an empty object", strings.NewReader(""), 0, "", nil},
		{"a body that ends early", strings.NewReader("hel"), 5, "hel", ErrIncomplete},
		{"a connection that breaks", io.MultiReader(strings.NewReader("he"), iotest.ErrReader(io.ErrUnexpectedEOF)), 5, "he", ErrIncomplete},
		{"another error is kept", io.MultiReader(strings.NewReader("he"), iotest.ErrReader(io.ErrClosedPipe)), 5, "he", io.ErrClosedPipe},
	}
	for _, tt := range tests {
		obj := NewObject(Info{Size: tt.size}, io.NopCloser(tt.body))
		got, err := io.ReadAll(obj.Body)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: read %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}
