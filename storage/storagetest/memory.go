package storagetest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"s3imageserver/storage"
)

// Memory is a [storage.Store] for tests. The zero value is empty and ready;
// it is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	objects map[string]memoryObject
	gets    int
	sent    int
	fault   error
}

type memoryObject struct {
	data []byte
	info storage.Info
}

var (
	_ storage.Store       = (*Memory)(nil)
	_ storage.Revalidator = (*Memory)(nil)
)

// Set stores data under name, modified at t. Memory keeps the slice.
func (m *Memory) Set(name string, data []byte, t time.Time) {
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

// Fail makes every later call return err; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
}

// Gets returns how often an object was asked for.
func (m *Memory) Gets() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gets
}

// Sent returns how many objects were delivered.
func (m *Memory) Sent() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent
}

// Names returns the names of all objects in order.
func (m *Memory) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// check returns why a call with that name fails; m.mu is held.
func (m *Memory) check(ctx context.Context, op, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !storage.ValidName(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return m.fault
}

// Get implements [storage.Bucket].
func (m *Memory) Get(ctx context.Context, name string) (*storage.Object, error) {
	return m.GetIfModified(ctx, name, storage.Info{})
}

// GetIfModified implements [storage.Revalidator].
func (m *Memory) GetIfModified(ctx context.Context, name string, have storage.Info) (*storage.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if err := m.check(ctx, "get", name); err != nil {
		return nil, err
	}
	o, ok := m.objects[name]
	if !ok {
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrNotExist}
	}
	if have.ETag == o.info.ETag && (have.ModTime.IsZero() || have.ModTime.Equal(o.info.ModTime)) {
		return nil, storage.ErrNotModified
	}
	m.sent++
	return storage.NewObject(o.info, io.NopCloser(bytes.NewReader(o.data))), nil
}

// Put implements [storage.Store].
func (m *Memory) Put(ctx context.Context, name string, data []byte) error {
	m.mu.Lock()
	err := m.check(ctx, "put", name)
	m.mu.Unlock()
	if err == nil {
		m.Set(name, bytes.Clone(data), time.Now())
	}
	return err
}

// Delete implements [storage.Store].
func (m *Memory) Delete(ctx context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, "delete", name); err != nil {
		return err
	}
	delete(m.objects, name)
	return nil
}

// Walk implements [storage.Store].
func (m *Memory) Walk(ctx context.Context, prefix, after string, visit func(string, storage.Info) error) error {
	m.mu.Lock()
	err := m.fault
	objects := maps.Clone(m.objects)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(name, prefix) && name > after {
			if err := visit(name, objects[name].info); err != nil {
				return err
			}
		}
	}
	return nil
}
