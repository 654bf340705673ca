package storagetest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"io/fs"
	"sync"
	"time"

	"s3imageserver/storage"
)

// Memory is a [storage.Bucket] for tests. The zero value is empty and ready;
// it is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	objects map[string]memoryObject
	gets    int
	fault   error
}

type memoryObject struct {
	data []byte
	info storage.Info
}

var _ storage.Bucket = (*Memory)(nil)

// Put stores data under name, modified at t. Memory keeps the slice.
func (m *Memory) Put(name string, data []byte, t time.Time) {
	sum := md5.Sum(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string]memoryObject{}
	}
	m.objects[name] = memoryObject{data, storage.Info{Size: int64(len(data)), ETag: hex.EncodeToString(sum[:]), ModTime: t}}
}

// SetMeta gives an object that was put what its uploader says about it.
func (m *Memory) SetMeta(name string, meta storage.Meta) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.objects[name]
	o.info.Meta = meta
	m.objects[name] = o
}

// Fail makes every later Get return err; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
}

// Gets returns how often Get was called.
func (m *Memory) Gets() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gets
}

// Get implements [storage.Bucket].
func (m *Memory) Get(ctx context.Context, name string) (*storage.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !storage.ValidName(name) {
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrInvalid}
	}
	if m.fault != nil {
		return nil, m.fault
	}
	o, ok := m.objects[name]
	if !ok {
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrNotExist}
	}
	return storage.NewObject(o.info, io.NopCloser(bytes.NewReader(o.data))), nil
}
