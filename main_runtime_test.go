package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

// The heap grows to its floor, or to twice what is in use.
func TestGrowthTo(t *testing.T) {
	const floor = 40 << 20
	for _, tt := range []struct {
		live uint64
		want int
	}{
		{0, 800}, {1 << 20, 800}, {5 << 20, 700}, {9 << 20, 300}, {10 << 20, 300}, {16 << 20, 150}, {20 << 20, 100}, {30 << 20, 100}, {1 << 40, 100},
	} {
		if got := growthTo(floor, tt.live); got != tt.want {
			t.Errorf("%d bytes in use: GOGC %d; want %d", tt.live, got, tt.want)
		}
	}
}

// What is to happen after each collection of garbage does.
func TestAfterCollections(t *testing.T) {
	collected := make(chan struct{}, 8)
	afterCollections(func() { collected <- struct{}{} })
	for range 3 {
		runtime.GC()
		<-collected
	}
}

// While pictures are made there are more threads than processors and the heap grows
// as Go has it; variables win.
func TestTuneRuntime(t *testing.T) {
	processors := runtime.GOMAXPROCS(0)
	growth := func() int { n := debug.SetGCPercent(100); debug.SetGCPercent(n); return n }
	was := growth()
	defer func() { runtime.GOMAXPROCS(processors); debug.SetGCPercent(was) }()
	for _, name := range []string{"GOMAXPROCS", "GOGC"} {
		if v, ok := os.LookupEnv(name); ok {
			t.Setenv(name, v) // restored afterwards
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	runtime.GC()
	tell := tuneRuntime()
	if n := growth(); n <= 100 {
		t.Errorf("without pictures GOGC is %d; want more than 100", n)
	}
	tell(true)
	if threads, n := runtime.GOMAXPROCS(0), growth(); threads != 2*processors+2 || n != 100 {
		t.Errorf("with pictures: %d threads, GOGC %d; want %d and 100", threads, n, 2*processors+2)
	}
	tell(false)
	if threads := runtime.GOMAXPROCS(0); threads != processors {
		t.Errorf("without pictures: %d threads; want %d", threads, processors)
	}
	t.Setenv("GOMAXPROCS", "1")
	tell(true) // and from here on the heap is that of other tests
	if threads := runtime.GOMAXPROCS(0); threads != processors {
		t.Errorf("with GOMAXPROCS in the environment: %d threads; want %d", threads, processors)
	}
}
