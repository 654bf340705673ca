package cache

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// idNumbered returns an id as good as random.
func idNumbered(i int) (id fileID) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(i))
	copy(id[:], sum128(string(b[:])))
	copy(id[16:], sum128(string(b[:])+"variant"))
	return id
}

// The index takes at most 51 bytes an entry, whatever their number is: 5 million
// take less than 400 MB.
func TestIndexMemory(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 200_000
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	x := newDiskIndex(1<<50, mostEntries-1)
	most := 0.0
	for i := range n {
		x.add(idNumbered(i), fileInfo{size: blockBytes, keep: uint32(i)})
		if i >= 100_000 && i%1000 == 0 {
			most = max(most, float64(x.memory())/float64(x.len()))
		}
	}
	live := float64(heap()-before) / float64(n)
	t.Logf("%d entries: %.1f bytes of heap each, at most %.1f by its own account", n, live, most)
	if live > 64 {
		t.Errorf("%.1f bytes of live heap an entry; want at most 64", live)
	}
	if most > 54 { // 51 and the folders' counts
		t.Errorf("%.1f bytes an entry at the worst number of entries; want at most 54", most)
	}
	if live > most*1.05 {
		t.Errorf("the index says it takes at most %.1f bytes an entry, and takes %.1f", most, live)
	}
	for i := range n {
		if info, ok := x.peek(idNumbered(i)); !ok || info != (fileInfo{size: blockBytes, keep: uint32(i)}) {
			t.Fatalf("entry %d = %+v, %v", i, info, ok)
		}
	}
	for i := range n {
		if i%10 > 0 {
			x.remove(idNumbered(i))
		}
	}
	full := x.memory()
	x.compact()
	if got := x.memory(); got*4 > full {
		t.Errorf("%d bytes for a tenth of the entries after %d for all", got, full)
	}
	for i := range n {
		if info, ok := x.peek(idNumbered(i)); ok != (i%10 == 0) || ok && info.keep != uint32(i) {
			t.Fatalf("after compact entry %d = %+v, %v", i, info, ok)
		}
	}
	runtime.KeepAlive(x)
}

// What is asked for stays, what is not goes; a new entry goes before one that
// is asked for.
func TestIndexEvictsWhatIsNotAskedFor(t *testing.T) {
	x := newDiskIndex(1<<40, 100)
	for i := range 100 {
		x.add(idNumbered(i), fileInfo{size: blockBytes})
	}
	for range 10 {
		for i := range 50 {
			x.get(idNumbered(2 * i))
		}
	}
	var gone []fileID
	for i := range 100 {
		gone = append(gone, x.add(idNumbered(1000+i), fileInfo{size: blockBytes})...)
	}
	if len(gone) != 100 || x.len() != 100 {
		t.Errorf("%d went for 100 new ones, %d are there; want 100 and 100", len(gone), x.len())
	}
	for i := range 50 {
		if !x.has(idNumbered(2 * i)) {
			t.Errorf("entry %d, which was asked for, went before others", 2*i)
		}
	}
	if x.has(idNumbered(1)) {
		t.Error("an entry that nobody asked for is still there")
	}
}

// However often all were asked for, one goes at once.
func TestIndexEvictsAmongTheHot(t *testing.T) {
	const n = 10_000
	x := newDiskIndex(1<<40, n)
	for i := range n {
		x.add(idNumbered(i), fileInfo{size: blockBytes})
		for range 5 {
			x.get(idNumbered(i))
		}
	}
	if gone := x.add(idNumbered(n), fileInfo{size: blockBytes}); len(gone) != 1 || x.len() != n || x.hand > mostLooked {
		t.Errorf("%d went, %d are there, %d were looked at; want 1, %d, at most %d", len(gone), x.len(), x.hand, n, mostLooked)
	}
}

// each names what is there from beginning to end, whatever else happens.
func TestIndexEachWhileItChanges(t *testing.T) {
	const n = 20_000
	x := newDiskIndex(1<<40, mostEntries-1)
	for i := range n {
		x.add(idNumbered(i), fileInfo{size: blockBytes})
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := n; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			x.add(idNumbered(i), fileInfo{size: blockBytes})
			x.remove(idNumbered(i - n/2*(i%2)))
			x.compact()
		}
	})
	seen := map[fileID]int{}
	for id := range x.each {
		seen[id]++
	}
	close(stop)
	wg.Wait()
	for i := range n / 2 {
		if seen[idNumbered(i)] != 1 {
			t.Fatalf("entry %d is named %d times; want once", i, seen[idNumbered(i)])
		}
	}
}

// A naiveIndex is what a diskIndex is to its owner, without an order.
type naiveIndex map[fileID]fileInfo

func (n naiveIndex) bytes() uint64 {
	folders := map[string]bool{}
	blocks := uint64(0)
	for id, info := range n {
		blocks += uint64(info.size) / blockBytes
		folders[string(id[:1])], folders[string(id[:2])] = true, true
	}
	return (blocks + uint64(len(folders))) * blockBytes
}

// FuzzDiskIndex compares an index with a plain map after each of some steps: it
// has what was put in and neither taken out nor evicted, counts right, holds its
// bounds, and evicts nothing without need.
func FuzzDiskIndex(f *testing.F) {
	f.Add([]byte{0, 1, 1, 0, 2, 1, 1, 1, 0, 2, 2, 0, 0, 3, 9, 3, 0, 20}, uint16(30), uint8(5))
	long := make([]byte, 900)
	for i := range long {
		long[i] = byte(i * i >> 3)
	}
	f.Add(long, uint16(60), uint8(40))
	f.Add(long, uint16(65535), uint8(255))
	f.Fuzz(func(t *testing.T, steps []byte, blocks uint16, most uint8) {
		bound := uint64(blocks) * blockBytes
		x, want := newDiskIndex(bound, int(most)), naiveIndex{}
		limit := max(int(most), 1)
		for ; len(steps) >= 3; steps = steps[3:] {
			id := idNumbered(int(steps[1]))
			if steps[1]%4 == 0 { // some in a folder, and some in a shard
				id[0], id[1] = 7, steps[1]>>6
			}
			switch steps[0] % 4 {
			case 0:
				info := fileInfo{size: uint32(steps[2]%16) * blockBytes, keep: uint32(steps[2])}
				free := naiveIndex{}
				for i, o := range want {
					free[i] = o
				}
				free[id] = info
				fits := free.bytes() <= bound && len(free) <= limit
				gone := x.add(id, info)
				if fits && len(gone) > 0 {
					t.Fatalf("add evicted %d entries without need", len(gone))
				}
				want[id] = info
				for _, g := range gone {
					if _, ok := want[g]; !ok {
						t.Fatal("add evicted what was not there")
					}
					delete(want, g)
				}
			case 1:
				x.remove(id)
				delete(want, id)
			case 2:
				info, ok := x.get(id)
				if w, there := want[id]; ok != there || info != w {
					t.Fatalf("get = %+v, %v; want %+v, %v", info, ok, w, there)
				}
			case 3:
				bound = uint64(steps[2]) * uint64(blocks) / 64 * blockBytes
				for _, g := range x.setBound(bound) {
					delete(want, g)
				}
				x.compact()
			}
			if x.len() != len(want) || x.weight() != want.bytes() || x.len() > limit || x.weight() > bound && x.len() > 0 {
				t.Fatalf("%d entries, %d bytes; want %d and %d, at most %d and %d", x.len(), x.weight(), len(want), want.bytes(), limit, bound)
			}
		}
		var ids []fileID
		for id := range x.each {
			ids = append(ids, id)
			if info, ok := x.peek(id); !ok || info != want[id] {
				t.Errorf("an entry is %+v, %v; want %+v", info, ok, want[id])
			}
		}
		slices.SortFunc(ids, func(a, b fileID) int { return slices.Compare(a[:], b[:]) })
		if len(slices.Compact(ids)) != len(want) {
			t.Errorf("%d entries are named; want %d", len(ids), len(want))
		}
	})
}

// diskUsage adds up files and folders of the entries, in blocks, folders of one
// block each.
func diskUsage(t *testing.T, folder string) (bytes int64, folders int) {
	t.Helper()
	root := filepath.Join(folder, layout)
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == root, e.Name() == "tmp":
		case e.IsDir():
			bytes += blockBytes
			folders++
		default:
			info, err := e.Info()
			if err != nil {
				return err
			}
			bytes += (info.Size() + blockBytes - 1) / blockBytes * blockBytes
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes, folders
}

// The figures count folders, and folders that hold nothing go.
func TestDiskFiguresCountFolders(t *testing.T) {
	folder := t.TempDir()
	d := openConfigured(t, folder, DiskConfig{MaxBytes: 2 << 20})
	check := func(when string, d *Disk, most int64) {
		t.Helper()
		want, folders := diskUsage(t, folder)
		if s := d.Stats(); s.Bytes != want || s.Bytes > most || (s.Entries == 0) != (folders == 0) {
			t.Errorf("%s: %d bytes, %d entries; on disk are %d bytes, %d folders; at most %d", when, s.Bytes, s.Entries, want, folders, most)
		}
	}
	for i := range 1000 {
		if err := d.Put(Key{Source: SourceOf("h", fmt.Sprint(i)), Variant: "v"}, NewEntry(make([]byte, 5000), "image/png")); err != nil {
			t.Fatal(err)
		}
	}
	check("after 1000 entries", d, 2<<20)
	if n := d.Stats().Entries; n < 100 {
		t.Errorf("%d entries are kept", n)
	}
	// Another process removes one; a third leaves a folder behind.
	var one fileID
	for id := range d.entries.each {
		one = id
		break
	}
	if err := os.Remove(filepath.Join(folder, one.name())); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, layout, "ab", "cd"), 0o750); err != nil {
		t.Fatal(err)
	}
	d.sweep(t.Context())
	check("after a sweep", d, 2<<20)
	again := openConfigured(t, folder, DiskConfig{MaxBytes: 1 << 20})
	again.sweep(t.Context())
	check("opened again with half of the bound", again, 1<<20)
	if _, err := again.Purge(t.Context(), Purge{Group: "h", Prefix: true}); err != nil {
		t.Fatal(err)
	}
	check("after a purge of all", again, 0)
}

func BenchmarkDiskIndex(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		x := newDiskIndex(1<<50, n)
		ids := make([]fileID, n)
		for i := range ids {
			ids[i] = idNumbered(i)
			x.add(ids[i], fileInfo{size: blockBytes})
		}
		b.Run(fmt.Sprintf("get/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 7919) % n
				if _, ok := x.get(ids[i]); !ok {
					b.Fatal("not there")
				}
			}
			b.ReportMetric(float64(x.memory())/float64(n), "B/entry")
		})
		b.Run(fmt.Sprintf("add_evict/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			i := n
			for b.Loop() {
				i++
				if gone := x.add(idNumbered(i), fileInfo{size: blockBytes}); len(gone) != 1 {
					b.Fatal(len(gone))
				}
			}
		})
	}
}
