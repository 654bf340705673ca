package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// benchKey is as long as those of the server.
var benchKey = Key{
	Source:  Tuple(Tuple("photos", Tuple("s3", "s3.eu-central-1.amazonaws.com", "pictures", "")), "2024/05/17/some-longer-name-of-a-picture.jpg"),
	Variant: Tuple("1", "w=300&h=200&f=webp", "4"),
}

func benchEntry() *Entry { return NewEntry(bytes.Repeat([]byte("0123456789ab"), 1000), "image/webp") }

func BenchmarkDiskGet(b *testing.B) {
	d, err := OpenDisk(b.TempDir(), DiskConfig{MinFree: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	e := benchEntry()
	if err := d.Put(benchKey, e); err != nil {
		b.Fatal(err)
	}
	b.Run("12kB", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(e.Body)))
		for b.Loop() {
			if _, err := d.Get(benchKey); err != nil {
				b.Fatal(err)
			}
		}
	})
	// What the standard library takes for the same bytes, unchecked.
	b.Run("12kB_ReadFile", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(e.Body)))
		name := filepath.Join(d.files.path, idOf(benchKey).name())
		for b.Loop() {
			if _, err := os.ReadFile(name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("12kB_Root", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(e.Body)))
		name := idOf(benchKey).name()
		for b.Loop() {
			if _, err := d.files.root.Load().ReadFile(name); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDiskStart opens a folder of so many entries until the index names all.
func BenchmarkDiskStart(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			folder := b.TempDir()
			fillFolder(b, folder, n)
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				d, err := OpenDisk(folder, DiskConfig{MinFree: -1})
				if err != nil {
					b.Fatal(err)
				}
				<-d.Ready()
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				if got := d.Stats().Entries; got != n {
					b.Fatalf("the index names %d entries; want %d", got, n)
				}
				d.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/float64(n), "heapB/entry")
		})
	}
}

func BenchmarkMemoryGet(b *testing.B) {
	m := NewMemory(1 << 20)
	e := benchEntry()
	_ = m.Put(benchKey, e) // never fails
	c := New(Config{Memory: m})
	b.Run("12kB", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(e.Body)))
		for b.Loop() {
			if _, err := m.Get(benchKey); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("12kB_Do", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(e.Body)))
		for b.Loop() {
			if _, _, err := c.Do(b.Context(), benchKey, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDiskPut(b *testing.B) {
	d, err := OpenDisk(b.TempDir(), DiskConfig{MinFree: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	e := benchEntry()
	b.Run("12kB", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(e.Body)))
		for b.Loop() {
			if err := d.Put(benchKey, e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
