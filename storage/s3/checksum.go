package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"s3imageserver/storage"
)

// verified returns the body of object such that its bytes are compared with the
// checksum that the store sent, or with the ETag where that is an MD5 and is to be
// compared. A store that has neither is believed.
func (b *Bucket) verified(ctx context.Context, key string, object *storage.Object, info minio.ObjectInfo, header http.Header) io.ReadCloser {
	v := &verifiedBody{ReadCloser: object.Body, left: object.Size}
	if sum, want := checksumOf(info); sum != nil {
		v.sum, v.want = sum, want
		return v
	}
	if !b.config.VerifyMD5 {
		return object.Body
	}
	want := md5Of(object.ETag, header)
	if want == nil || b.md5s.Load() == md5No {
		return object.Body
	}
	v.sum, v.want = md5.New(), want
	v.equals = func() { b.md5s.CompareAndSwap(md5Unknown, md5Yes) }
	v.differs = func(got []byte) bool { return b.differsAgain(ctx, key, info.VersionID, object.ETag, got) }
	return v
}

// checksumOf returns a hash and what it must give, from the checksum headers of
// an answer; nil if there are none for the whole object.
func checksumOf(info minio.ObjectInfo) (hash.Hash, []byte) {
	if info.ChecksumMode == "COMPOSITE" {
		return nil, nil // of the parts of an upload, not of the bytes
	}
	for _, c := range []struct {
		kind  minio.ChecksumType
		value string
	}{
		{minio.ChecksumCRC64NVME, info.ChecksumCRC64NVME},
		{minio.ChecksumCRC32C, info.ChecksumCRC32C},
		{minio.ChecksumCRC32, info.ChecksumCRC32},
		{minio.ChecksumSHA1, info.ChecksumSHA1},
		{minio.ChecksumSHA256, info.ChecksumSHA256},
	} {
		want, err := base64.StdEncoding.DecodeString(c.value) // "…-3" of a composite one is no base64
		if err == nil && len(want) > 0 && len(want) == c.kind.RawByteLen() {
			return c.kind.Hasher(), want
		}
	}
	return nil, nil
}

// md5Of returns the MD5 that an ETag is, nil if it is none: that of an upload in
// parts, and of an object encrypted with a key of the customer's.
func md5Of(etag string, header http.Header) []byte {
	if strings.HasPrefix(header.Get("X-Amz-Server-Side-Encryption"), "aws:") ||
		header.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "" {
		return nil
	}
	sum, err := hex.DecodeString(etag)
	if err != nil || len(sum) != md5.Size {
		return nil
	}
	return sum
}

// A verifiedBody compares a body with its checksum before it gives out the last
// bytes.
type verifiedBody struct {
	io.ReadCloser
	left    int64
	sum     hash.Hash
	want    []byte
	differs func(got []byte) bool // asked about another sum; nil: it always counts
	equals  func()                // told of the right one; nil: nobody is
}

func (v *verifiedBody) Read(p []byte) (int, error) {
	if v.left == 0 {
		return 0, io.EOF
	}
	n, err := v.ReadCloser.Read(p)
	_, _ = v.sum.Write(p[:n]) // a hash never fails
	v.left -= int64(n)
	if v.left > 0 || n == 0 {
		return n, err
	}
	switch got := v.sum.Sum(nil); {
	case bytes.Equal(got, v.want):
		if v.equals != nil {
			v.equals()
		}
	case v.differs == nil || v.differs(got):
		v.left = int64(n) // they were not delivered
		return 0, fmt.Errorf("s3: %w: its checksum is %x, and %x in the store", storage.ErrDamaged, got, v.want)
	}
	return n, err
}

// What is known of the ETags of a store that look like MD5s.
const (
	md5Unknown = iota
	md5Yes     // one of them was
	md5No      // one of them was not
)

// differsAgain reads the object a second time. If that gives the same sum, and
// no ETag of this store was an MD5 so far, they are none, and are not compared
// any more.
func (b *Bucket) differsAgain(ctx context.Context, key, version, etag string, got []byte) bool {
	if b.md5s.Load() == md5Yes {
		return true
	}
	body, info, _, err := b.get(ctx, key, condition{version: version})
	if err != nil {
		return true
	}
	defer body.Close() // only read
	sum := md5.New()
	if _, err := io.Copy(sum, body); err != nil || strings.Trim(info.ETag, `"`) != etag || !bytes.Equal(sum.Sum(nil), got) {
		return true
	}
	return !b.md5s.CompareAndSwap(md5Unknown, md5No)
}
