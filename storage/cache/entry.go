package cache

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// A Key names one result: what it is made of and how. Two results share an
// entry if and only if both parts are equal, so both must hold everything that
// changes the bytes. Use [Tuple] to build them from parts.
type Key struct {
	Source  string // handler, store, bucket and name of the source picture
	Variant string // options, format and everything else that shapes the result
}

// SourceOf returns the Key.Source of a name in a group: whatever tells its
// handler and bucket from others.
func SourceOf(group, name string) string { return Tuple(group, name) }

// splitSource returns the two parts of SourceOf.
func splitSource(source string) (group, name string, ok bool) {
	group, rest, ok := cutPart(source)
	if !ok {
		return "", "", false
	}
	name, rest, ok = cutPart(rest)
	return group, name, ok && rest == ""
}

// cutPart returns the first part of a Tuple and the others.
func cutPart(tuple string) (part, rest string, ok bool) {
	n, size := binary.Uvarint([]byte(tuple[:min(len(tuple), binary.MaxVarintLen64)]))
	if size <= 0 || n > uint64(len(tuple)-size) {
		return "", "", false
	}
	end := size + int(n)
	return tuple[size:end], tuple[end:], true
}

// Tuple joins parts into one string from which they can be told apart again,
// whatever bytes they hold: every part is preceded by its length.
func Tuple(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += 2 + len(p)
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return string(b)
}

// Parts returns the parts of a Tuple.
func Parts(tuple string) (parts []string, ok bool) {
	for tuple != "" {
		part, rest, ok := cutPart(tuple)
		if !ok {
			return nil, false
		}
		parts, tuple = append(parts, part), rest
	}
	return parts, true
}

// An Entry is one kept result. It is shared by all readers: nobody changes it
// after it was given to a cache.
type Entry struct {
	Body      []byte
	MediaType string
	ETag      string // strong validator of Body, without quotes; see NewEntry

	// What the store said of the source when the result was made.
	SourceETag    string
	SourceModTime time.Time // zero if unknown
	SourceNote    string    // what else the filler has to know of it

	Filled time.Time // when the result was made
	// Checked is when the source was asked last, and was what the result was
	// made of. The zero value stands for Filled. A Cache sets it.
	Checked time.Time
	// KeepUntil is when no tier needs to hold the entry any longer: its time to
	// live and the grace after it are over. Zero means never. A Cache sets it.
	KeepUntil time.Time

	// Timing tells the caller that made the entry what it cost, in the form of
	// the header Server-Timing. It is not kept.
	Timing string

	// Derived says that the entry was not made of its source, which cannot be
	// had: it is remembered for seconds and not kept.
	Derived bool

	// Unkept says that the entry is for those who wait for it and is kept nowhere.
	Unkept bool

	// Ready is what Config.Ready made of the entry for its readers, nil if it was not
	// kept here yet. Caches do not look at it.
	Ready any

	took time.Duration // from asking the source to storing the entry in a bucket
}

// checked returns when the source was asked last.
func (e *Entry) checked() time.Time {
	if e.Checked.IsZero() {
		return e.Filled
	}
	return e.Checked
}

// Age returns for how long nobody has asked whether the entry is still true.
func (e *Entry) Age(now time.Time) time.Duration { return max(now.Sub(e.checked()), 0) }

// NewEntry returns an entry filled now whose ETag is made of the bytes of body:
// the first 128 bits of their SHA-256, so that it is the same on every machine
// that makes the same bytes.
func NewEntry(body []byte, mediaType string) *Entry {
	sum := sha256.Sum256(body)
	return &Entry{
		Body:      body,
		MediaType: mediaType,
		ETag:      base64.RawURLEncoding.EncodeToString(sum[:16]),
		Filled:    time.Now(),
	}
}

// An entry lies on disk as a header and the body:
//
//	magic     8 bytes "s3image" and the version of the format
//	length    uint32, bytes of fields
//	fields    source, variant, media type, ETag, source ETag, source note: each
//	          with its length;
//	          filled, checked, source modified, keep until: int64 nanoseconds
//	          since 1970 (0: unknown or never); took: int64 nanoseconds;
//	          body length uint64; body CRC-32C uint32
//	checksum  uint32, CRC-32C of all before it
//	body
//
// All numbers are little-endian.
const (
	magic          = "s3image\x03"
	maxFieldsBytes = 64 << 10
	maxBodyBytes   = 1 << 30
	maxFileBytes   = maxBodyBytes + maxFieldsBytes + 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errDamaged = errors.New("cache: damaged entry")

// marshalHeader returns the bytes that precede the body of e.
func marshalHeader(k Key, e *Entry) []byte {
	fields := []byte(Tuple(k.Source, k.Variant, e.MediaType, e.ETag, e.SourceETag, e.SourceNote))
	fields = binary.LittleEndian.AppendUint64(fields, uint64(nanoseconds(e.Filled)))
	fields = binary.LittleEndian.AppendUint64(fields, uint64(nanoseconds(e.Checked)))
	fields = binary.LittleEndian.AppendUint64(fields, uint64(nanoseconds(e.SourceModTime)))
	fields = binary.LittleEndian.AppendUint64(fields, uint64(nanoseconds(e.KeepUntil)))
	fields = binary.LittleEndian.AppendUint64(fields, uint64(e.took))
	fields = binary.LittleEndian.AppendUint64(fields, uint64(len(e.Body)))
	fields = binary.LittleEndian.AppendUint32(fields, crc32.Checksum(e.Body, castagnoli))
	b := append([]byte(magic), binary.LittleEndian.AppendUint32(nil, uint32(len(fields)))...)
	b = append(b, fields...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// unmarshal reads an entry from all its bytes; Body aliases data. The error is
// errDamaged, whatever is wrong, a key other than k included.
func unmarshal(k Key, data []byte) (*Entry, error) {
	h, body, ok := unmarshalHeader(data)
	switch {
	case !ok:
		return nil, errDamaged
	case h.key != k:
		return nil, fmt.Errorf("%w: it belongs to another key", errDamaged)
	case h.length == 0 || h.length != uint64(len(body)) || h.sum != crc32.Checksum(body, castagnoli):
		return nil, errDamaged
	}
	h.entry.Body = body
	return &h.entry, nil
}

// A header is what precedes the body of an entry.
type header struct {
	key    Key
	entry  Entry  // without Body
	length uint64 // of the body
	sum    uint32 // CRC-32C of the body
}

// unmarshalHeader reads a header from the front of data and returns what
// follows it.
func unmarshalHeader(data []byte) (h header, rest []byte, ok bool) {
	fields, rest, ok := splitHeader(data)
	if !ok {
		return header{}, nil, false
	}
	r := fieldReader{data: fields, texts: string(fields)} // one allocation for all texts
	h.key = Key{Source: r.text(), Variant: r.text()}
	h.entry.MediaType, h.entry.ETag = r.text(), r.text()
	h.entry.SourceETag, h.entry.SourceNote = r.text(), r.text()
	h.entry.Filled, h.entry.Checked = r.time(), r.time()
	h.entry.SourceModTime, h.entry.KeepUntil = r.time(), r.time()
	h.entry.took = time.Duration(r.uint64())
	h.length, h.sum = r.uint64(), r.uint32()
	return h, rest, !r.failed && len(r.data) == 0
}

// splitHeader checks magic and checksum of a header and returns its fields and
// what follows it.
func splitHeader(data []byte) (fields, body []byte, ok bool) {
	start := len(magic) + 4
	if len(data) < start || string(data[:len(magic)]) != magic {
		return nil, nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(data[len(magic):]))
	if n > maxFieldsBytes || uint64(len(data)) < uint64(start)+n+4 {
		return nil, nil, false
	}
	end := start + int(n)
	if binary.LittleEndian.Uint32(data[end:]) != crc32.Checksum(data[:end], castagnoli) {
		return nil, nil, false
	}
	return data[start:end], data[end+4:], true
}

// A fieldReader takes fields from the front of data; after the first one that
// is not there it is failed and yields zero values.
type fieldReader struct {
	data   []byte
	texts  string // all of what data was at first
	failed bool
}

func (r *fieldReader) take(n uint64) []byte {
	if r.failed || n > uint64(len(r.data)) {
		r.failed = true
		return nil
	}
	p := r.data[:n]
	r.data = r.data[n:]
	return p
}

func (r *fieldReader) text() string {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.failed = true
		return ""
	}
	r.data = r.data[size:]
	p := r.take(n)
	end := len(r.texts) - len(r.data)
	return r.texts[end-len(p) : end]
}

func (r *fieldReader) uint64() uint64 {
	if p := r.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

func (r *fieldReader) uint32() uint32 {
	if p := r.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (r *fieldReader) time() time.Time {
	if n := int64(r.uint64()); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
