package s3_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"s3imageserver/storage"
	"s3imageserver/storage/s3"
	"s3imageserver/storage/s3/s3test"
)

// TestChecksums asks a store whose answers are scripted: a body and what the
// store says of it.
func TestChecksums(t *testing.T) {
	const body = "the bytes of a picture"
	sum := fmt.Sprintf("%x", md5.Sum([]byte(body)))
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	_, _ = io.WriteString(z, body) // a buffer has no faults
	_ = z.Close()
	zipped := file.String()
	tests := []struct {
		name, etag, header string
		bodies             []string // of one request after the other
		damaged            []bool
	}{
		{"an ETag that is the MD5", sum, "", []string{body}, []bool{false}},
		{"what a second look does not find again is damage", sum, "", []string{"xhe bytes of a picture", body}, []bool{true}},
		{"what it finds again is no damage: the ETag is no MD5", strings.Repeat("0", 32), "", []string{body, body, "other bytes of that size"}, []bool{false, false, false}},
		{"where one ETag was an MD5, all are", sum, "", []string{body, "xhe bytes of a picture", "xhe bytes of a picture"}, []bool{false, true}},
		{"an upload in parts has no MD5", sum[:30] + "-2", "", []string{"anything of this size!"}, []bool{false}},
		{"nor has one with a key of the store's", strings.Repeat("0", 32), "x-amz-server-side-encryption: aws:kms\r\n", []string{body}, []bool{false}},
		{"a checksum is believed before the ETag", strings.Repeat("0", 32), "x-amz-checksum-crc32: 3q2+7w==\r\n", []string{body}, []bool{true}},
		{"of what is compressed the stored bytes are compared", fmt.Sprintf("%x", md5.Sum([]byte(zipped))), "Content-Encoding: gzip\r\n", []string{zipped, zipped[:len(zipped)-1] + "x"}, []bool{false, true}},
		{"a checksum of parts says nothing", "x-2", "x-amz-checksum-type: COMPOSITE\r\nx-amz-checksum-crc32: 3q2+7w==\r\n", []string{body}, []bool{false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			b := open(t, s3.Config{Bucket: "pictures", AccessKey: "a", SecretKey: "b", Endpoint: s3test.Fake(t, func(conn net.Conn, _ *http.Request) {
				body := tt.bodies[min(int(asked.Add(1)), len(tt.bodies))-1]
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: \"%s\"\r\n%sConnection: close\r\n\r\n%s", len(body), tt.etag, tt.header, body)
			})})
			for i := range tt.damaged {
				data, _, err := storage.ReadAll(t.Context(), b, "x.jpg", 1<<20)
				if got := errors.Is(err, storage.ErrDamaged); got != tt.damaged[i] || (!got && (err != nil || len(data) == 0)) {
					t.Errorf("request %d: ReadAll = %q, %v; want damaged: %v", i+1, data, err, tt.damaged[i])
				}
			}
		})
	}
}
