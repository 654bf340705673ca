// Package sandbox runs codecs that are written in C and compiled to
// WebAssembly. Every run has a fresh instance with memory of its own, so that
// nothing of one picture can reach another, and takes no more memory than it was
// given.
package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

var (
	// ErrMemory says that a run needs more memory than it may take.
	ErrMemory = errors.New("sandbox: out of memory")
	// ErrCodec says that the codec ended itself, or went beyond its memory.
	ErrCodec = errors.New("sandbox: the codec failed")
)

// A Program is a codec. It is safe for concurrent use.
type Program struct {
	name    string
	binary  []byte
	compile func() error // once

	runtime wazero.Runtime        // set by compile
	code    wazero.CompiledModule // likewise
}

// NewProgram returns the program of a WebAssembly module of the reactor kind
// (WASI preview 1) that exports malloc and is compressed with gzip. It panics
// if there is no module.
func NewProgram(name string, binary []byte) *Program {
	if len(binary) == 0 {
		panic("sandbox: no module of " + name)
	}
	p := &Program{name: name, binary: binary}
	p.compile = sync.OnceValue(p.load)
	return p
}

// Start compiles the program, which takes up to some seconds; a second call
// does nothing.
func (p *Program) Start() error { return p.compile() }

func (p *Program) load() error {
	ctx := context.Background()
	module, err := gunzip(p.binary)
	if err != nil {
		return fmt.Errorf("sandbox: %s: %w", p.name, err)
	}
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesThreads) // atomics, in one thread
	p.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, p.runtime); err != nil {
		return fmt.Errorf("sandbox: %s: %w", p.name, err)
	}
	if p.code, err = p.runtime.CompileModule(ctx, module); err != nil {
		return fmt.Errorf("sandbox: %s: %w", p.name, err)
	}
	p.binary = nil
	return nil
}

func gunzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Room is how much memory a run may take.
type Room struct {
	// Bytes are what its linear memory may have without asking.
	Bytes int64
	// Most are what it may have at all; less than Bytes counts as Bytes.
	Most int64
	// More, if not nil, is asked for every n bytes beyond Bytes; its error is
	// that of the run.
	More func(n int64) error
}

// Run calls f with a fresh instance. An error of the instance wraps [ErrMemory]
// or [ErrCodec], or is that of room.More. After the end of ctx the instance gets
// no more memory, and the error is that of ctx; code that needs none goes on to
// its end, since checks in its loops would cost three times the work itself.
//
// After f, the memory of the instance is gone: f copies what it keeps.
func (p *Program) Run(ctx context.Context, room Room, f func(*Instance) error) (err error) {
	if err := p.compile(); err != nil {
		return err
	}
	memory := &memory{ctx: ctx, room: room}
	defer memory.Free()
	module, err := p.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, memory), p.code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return memory.blame(fmt.Errorf("%w: %s: %w", ErrCodec, p.name, err))
	}
	defer func() { _ = module.Close(context.WithoutCancel(ctx)) }() // that it was closed already is no error
	return memory.blame(f(&Instance{ctx: ctx, name: p.name, module: module, memory: memory}))
}

// An Instance is a program in one run.
type Instance struct {
	ctx    context.Context
	name   string
	module api.Module
	memory *memory
}

// A Pointer is a place in the memory of an instance.
type Pointer uint32

// Call calls an exported function with integers.
func (i *Instance) Call(function string, args ...uint64) (uint32, error) {
	f := i.module.ExportedFunction(function)
	if f == nil {
		return 0, fmt.Errorf("%w: %s has no function %s", ErrCodec, i.name, function)
	}
	results, err := f.Call(i.ctx, args...)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrCodec, i.name, err)
	}
	if len(results) == 0 {
		return 0, nil
	}
	return uint32(results[0]), nil
}

// Alloc returns n bytes of any value in the memory of the instance. They are
// never given back.
func (i *Instance) Alloc(n int64) (Pointer, error) {
	if n < 0 || n > maxMemory {
		return 0, fmt.Errorf("%w: %d bytes at once", ErrMemory, n)
	}
	at, err := i.Call("malloc", uint64(max(n, 1)))
	if err == nil && at == 0 {
		err = fmt.Errorf("%w: %d bytes more", ErrMemory, n)
	}
	return Pointer(at), err
}

// Bytes returns n bytes of the memory. They are the instance's own, and valid
// until the next call.
func (i *Instance) Bytes(at Pointer, n int64) ([]byte, error) {
	if n < 0 || n > maxMemory {
		return nil, fmt.Errorf("%w: %d bytes at once", ErrCodec, n)
	}
	b, ok := i.module.Memory().Read(uint32(at), uint32(n))
	if !ok {
		return nil, fmt.Errorf("%w: %d bytes at %d lie outside of its memory", ErrCodec, n, at)
	}
	return b, nil
}

// Put copies b into the memory, where it stays.
func (i *Instance) Put(b []byte) (Pointer, error) {
	at, err := i.Alloc(int64(len(b)))
	if err != nil {
		return 0, err
	}
	to, err := i.Bytes(at, int64(len(b)))
	if err != nil {
		return 0, err
	}
	copy(to, b)
	return at, nil
}

// Size returns how many bytes its memory has. It never shrinks.
func (i *Instance) Size() int64 { return int64(i.memory.size) }
