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
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

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
			b := open(t, s3.Config{Bucket: "pictures", AccessKey: "a", SecretKey: "b", VerifyMD5: true, Endpoint: s3test.Fake(t, func(conn net.Conn, _ *http.Request) {
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

// Over a connection that nobody else reads from or writes to, an ETag is not
// compared, and a checksum is.
func TestETagIsNotCompared(t *testing.T) {
	const body = "the bytes of a picture"
	for _, tt := range []struct {
		name, header string
		damaged      bool
	}{
		{"only an ETag", "", false},
		{"a checksum too", "x-amz-checksum-crc32c: 3q2+7w==\r\n", true},
	} {
		var asked atomic.Int32
		b := open(t, s3.Config{Bucket: "pictures", AccessKey: "a", SecretKey: "b", Endpoint: s3test.Fake(t, func(conn net.Conn, r *http.Request) {
			asked.Add(1)
			if got := r.Header.Get("X-Amz-Checksum-Mode"); got != "ENABLED" {
				t.Errorf("%s: X-Amz-Checksum-Mode %q; want ENABLED", tt.name, got)
			}
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: \"%032d\"\r\n%sConnection: close\r\n\r\n%s", len(body), 0, tt.header, body)
		})})
		data, _, err := storage.ReadAll(t.Context(), b, "x.jpg", 1<<20)
		if errors.Is(err, storage.ErrDamaged) != tt.damaged || !tt.damaged && string(data) != body {
			t.Errorf("%s: ReadAll = %q, %v; want damaged: %v", tt.name, data, err, tt.damaged)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("%s: %d requests; want 1", tt.name, n)
		}
	}
}

// TestChecksumsOfMinIO changes a byte of what MinIO sends. All kinds of checksums
// tell, and without any the ETag if it is asked.
func TestChecksumsOfMinIO(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	server.MakeBucket(t, "pictures")
	at, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	client, err := minio.New(at.Host, &minio.Options{Creds: credentials.NewStaticV4(s3test.AccessKey, s3test.SecretKey, ""), TrailingHeaders: true})
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("the bytes of a picture"), 999)
	kinds := map[string]minio.ChecksumType{"none": minio.ChecksumNone, "crc32": minio.ChecksumCRC32, "crc32c": minio.ChecksumCRC32C, "crc64nvme": minio.ChecksumCRC64NVME, "sha1": minio.ChecksumSHA1, "sha256": minio.ChecksumSHA256}
	for name, kind := range kinds {
		// Without a checksum the library takes CRC32C, unless it is told to send MD5.
		o := minio.PutObjectOptions{Checksum: kind, SendContentMd5: !kind.IsSet(), DisableMultipart: true}
		if _, err := client.PutObject(t.Context(), "pictures", name, bytes.NewReader(body), int64(len(body)), o); err != nil {
			t.Fatal(err)
		}
	}
	changed := false
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at); r.Out.Host = r.In.Host },
		ModifyResponse: func(r *http.Response) error {
			got, err := io.ReadAll(r.Body)
			if changed {
				got[len(got)/2] ^= 1
			}
			r.Body = io.NopCloser(bytes.NewReader(got))
			return err
		},
	})
	defer proxy.Close()
	for _, md5 := range []bool{false, true} {
		b := open(t, s3.Config{Bucket: "pictures", AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey, Endpoint: proxy.URL, VerifyMD5: md5})
		for name, kind := range kinds {
			for _, changed = range []bool{false, true} {
				data, _, err := storage.ReadAll(t.Context(), b, name, 1<<20)
				if want := changed && (kind.IsSet() || md5); errors.Is(err, storage.ErrDamaged) != want || !want && (err != nil || bytes.Equal(data, body) == changed) {
					t.Errorf("%s, changed: %v, MD5: %v: %d bytes, %v; want damaged: %v", name, changed, md5, len(data), err, want)
				}
			}
		}
	}
}
