package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"
)

// tiers opens each kind of tier with the given bound.
func tiers(t *testing.T, bound int64) map[string]tier {
	d, err := OpenDisk(t.TempDir(), DiskConfig{MaxBytes: bound})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return map[string]tier{"memory": NewMemory(bound), "disk": d}
}

func numbered(i int) Key {
	return Key{Source: SourceOf("h", fmt.Sprintf("source %d", i/10)), Variant: fmt.Sprintf("variant %d", i)}
}

func TestTiers(t *testing.T) {
	a, b, other := Key{SourceOf("", "s"), "a"}, Key{SourceOf("", "s"), "b"}, Key{SourceOf("", "s2"), "a"}
	foreign := Key{SourceOf("g", "s2"), "a"}
	put := func(k Key, body string) func(tier) error {
		return func(x tier) error { return x.Put(k, NewEntry([]byte(body), "image/png")) }
	}
	purges := func(p Purge, want int) func(tier) error {
		return func(x tier) error {
			n, err := x.Purge(t.Context(), p)
			if n != want {
				t.Errorf("Purge(%+v) = %d, %v; want %d", p, n, err, want)
			}
			return err
		}
	}
	tests := []struct {
		name string
		do   []func(tier) error
		want map[Key]string // bodies; an absent key is a miss
	}{
		{"nothing was put", nil, nil},
		{"what was put is there", []func(tier) error{put(a, "1"), put(b, "2")}, map[Key]string{a: "1", b: "2"}},
		{"the later one counts", []func(tier) error{put(a, "1"), put(a, "2")}, map[Key]string{a: "2"}},
		{"delete takes one variant", []func(tier) error{put(a, "1"), put(b, "2"),
			func(x tier) error { return x.Delete(a) }}, map[Key]string{b: "2"}},
		{"delete of nothing is no error", []func(tier) error{func(x tier) error { return x.Delete(a) }}, nil},
		{"a source goes with all variants, others stay", []func(tier) error{put(a, "1"), put(b, "2"), put(other, "3"),
			purges(Purge{Name: "s"}, 2)}, map[Key]string{other: "3"}},
		{"a prefix takes every source that begins so", []func(tier) error{put(a, "1"), put(other, "3"), put(foreign, "4"),
			purges(Purge{Name: "s", Prefix: true}, 2)}, map[Key]string{foreign: "4"}},
		{"a longer prefix leaves the others", []func(tier) error{put(a, "1"), put(other, "3"), put(foreign, "4"),
			purges(Purge{Name: "s2", Prefix: true}, 1)}, map[Key]string{a: "1", foreign: "4"}},
		{"a group goes whole", []func(tier) error{put(a, "1"), put(other, "3"), put(foreign, "4"),
			purges(Purge{Group: "g", Prefix: true}, 1)}, map[Key]string{a: "1", other: "3"}},
		{"an unknown source is no error", []func(tier) error{put(a, "1"),
			purges(Purge{Name: "?"}, 0)}, map[Key]string{a: "1"}},
		{"what was deleted can be put again", []func(tier) error{put(a, "1"),
			purges(Purge{Name: "s"}, 1), put(a, "2")}, map[Key]string{a: "2"}},
		{"one too large replaces nothing by nothing", []func(tier) error{put(a, "1"),
			put(a, string(make([]byte, 1<<20)))}, nil},
	}
	for _, tt := range tests {
		for kind, x := range tiers(t, 4<<20) {
			for i, do := range tt.do {
				if err := do(x); err != nil {
					t.Errorf("%s: %s: step %d: %v", kind, tt.name, i, err)
				}
			}
			for _, k := range []Key{a, b, other, foreign} {
				e, err := x.Get(k)
				want, ok := tt.want[k]
				switch {
				case !ok && !errors.Is(err, fs.ErrNotExist):
					t.Errorf("%s: %s: Get(%v) = %v, %v; want fs.ErrNotExist", kind, tt.name, k, e, err)
				case ok && (err != nil || string(e.Body) != want):
					t.Errorf("%s: %s: Get(%v) = %v, %v; want %q", kind, tt.name, k, e, err, want)
				}
			}
		}
	}
}

// Readers, writers and purges at once: whatever is read is the right thing.
func TestTiersAreSafeForConcurrentUse(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 500
	}
	for kind, x := range tiers(t, 1<<20) {
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range rounds {
					k := numbered((i*7 + w*13) % 300)
					switch e, err := x.Get(k); {
					case err == nil && !bytes.HasPrefix(e.Body, []byte(k.Variant+" ")):
						t.Errorf("%s: %v holds %.20q", kind, k, e.Body)
					case err != nil && !errors.Is(err, fs.ErrNotExist):
						t.Errorf("%s: Get: %v", kind, err)
					case err != nil:
						body := make([]byte, 9000)
						copy(body, k.Variant+" ")
						if err := x.Put(k, NewEntry(body, "image/png")); err != nil {
							t.Errorf("%s: Put: %v", kind, err)
						}
					}
					if i%100 == 0 {
						if _, err := x.Purge(t.Context(), ofSource(k)); err != nil {
							t.Errorf("%s: Purge: %v", kind, err)
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// 20,000 variants that nobody asks for again pass through a tier of 64 MB, while
// 500 others are asked for all the time.
func TestEvictionHoldsTheBoundAndKeepsTheHotSet(t *testing.T) {
	bound, hot, scan := int64(64<<20), 500, 20_000
	if testing.Short() {
		bound, hot, scan = bound/4, hot/4, scan/4
	}
	for kind, x := range tiers(t, bound) {
		used := func() int64 {
			switch x := x.(type) {
			case *Memory:
				return x.Stats().Bytes
			case *Disk:
				return x.Stats().Bytes
			}
			panic("unknown tier")
		}
		body := bytes.Repeat([]byte("x"), 12_000)
		hits, asked := 0, 0
		ask := func(k Key) bool {
			if _, err := x.Get(k); err == nil {
				return true
			}
			if err := x.Put(k, NewEntry(body, "image/png")); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			return false
		}
		start := time.Now()
		for i := range scan {
			ask(Key{Source: "scan", Variant: fmt.Sprint(i)})
			asked++
			if ask(Key{Source: "hot", Variant: fmt.Sprint(i * 7 % hot)}) {
				hits++
			}
			if n := used(); n > bound {
				t.Fatalf("%s: %d bytes are kept after %d variants; the bound is %d", kind, n, i, bound)
			}
			if i%2500 != 0 {
				continue
			}
			if d, ok := x.(*Disk); ok {
				if n := bytesBelow(t, d); n > bound {
					t.Fatalf("%d bytes lie on disk after %d variants; the bound is %d", n, i, bound)
				}
			}
		}
		rate := float64(hits) / float64(asked)
		t.Logf("%s: hit rate of the hot set %.3f, %v a pair", kind, rate, time.Since(start)/time.Duration(scan))
		if rate <= 0.9 {
			t.Errorf("%s: hit rate of the hot set = %.3f; want above 0.9", kind, rate)
		}
	}
}

func TestMemoryHitAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations not counted: the race detector makes pools forget")
	}
	m := NewMemory(1 << 20)
	_ = m.Put(benchKey, benchEntry()) // never fails
	c := New(Config{Memory: m})
	if n := testing.AllocsPerRun(200, func() {
		if _, status, err := c.Do(t.Context(), benchKey, nil); err != nil || status != MemoryHit {
			t.Fatal(status, err)
		}
	}); n > 0.1 {
		t.Errorf("a hit in memory makes %v allocations; want none", n)
	}
}

func TestDiskHitAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations not counted: the race detector makes pools forget")
	}
	d := openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1})
	if err := d.Put(benchKey, benchEntry()); err != nil {
		t.Fatal(err)
	}
	// The path twice, once for the system; body, texts and entry.
	if n := testing.AllocsPerRun(200, func() { _, _ = d.Get(benchKey) }); n > 7 {
		t.Errorf("a hit on disk makes %v allocations; want at most 7", n)
	}
}

func TestMemoryForgetsSourcesOfWhatItEvicted(t *testing.T) {
	m := NewMemory(1 << 20)
	for i := range 5000 {
		_ = m.Put(Key{Source: fmt.Sprint(i)}, NewEntry(make([]byte, 5000), "image/png")) // never fails
	}
	if s := m.Stats(); len(m.sources) != s.Entries || s.Entries > 200 || s.Evicted < 4800 {
		t.Errorf("%d sources for %+v; want one each and at most 200", len(m.sources), s)
	}
}
