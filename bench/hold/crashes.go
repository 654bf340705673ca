//go:build linux

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"s3imageserver/storage/cache"
)

// sources is a local folder with a picture, and a handler for it.
func (b *bench) sources(cacheFolder string, more map[string]any) (map[string]any, error) {
	folder, err := filepath.Abs("testdata/photos")
	if err != nil {
		return nil, err
	}
	h := map[string]any{"name": "h", "source": map[string]any{"dir": folder}, "cache_path": cacheFolder, "output_format": "jpg"}
	for k, v := range more {
		h[k] = v
	}
	return h, nil
}

const tries = 40 // pictures asked for around a kill

// crashes kills the server at any point, half of them while it writes, and two
// servers on one folder; whatever was on its way, no wrong byte is served.
func (b *bench) crashes() error {
	h, err := b.sources(filepath.Join(b.folder, "crash cache"), map[string]any{"cache": map[string]any{"disk_mb": 4}})
	if err != nil {
		return err
	}
	reference, err := b.sources("", map[string]any{"cache_time": -1})
	if err != nil {
		return err
	}
	p, err := b.serve("reference", []map[string]any{reference})
	if err != nil {
		return err
	}
	want := map[int][]byte{}
	target := func(i int) string { return fmt.Sprintf("/h/still-life.jpg?w=%d&h=%d", 40+i, 40+i%7) }
	for i := range tries {
		want[i] = get(p.url + target(i)).body
	}
	p.kill()
	kills, wrong, served := b.scale(200, 24), 0, 0
	var mu sync.Mutex
	for kill := range kills {
		a, err := b.serve("crash", []map[string]any{h})
		if err != nil {
			return err
		}
		nodes := []*process{a}
		if kill%2 == 1 { // two processes on one folder
			second, err := b.serve("crash2", []map[string]any{h})
			if err != nil {
				return err
			}
			nodes = append(nodes, second)
		}
		// Half of the kills aim at the write: they come as soon as a temporary
		// file is there.
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for _, n := range nodes {
			wg.Go(func() {
				for i := rand.IntN(tries); ; i = (i + 1) % tries {
					select {
					case <-stop:
						return
					default:
					}
					r := get(n.url + target(i))
					mu.Lock()
					if r.err == nil && r.status == 200 {
						served++
						if !bytes.Equal(r.body, want[i]) {
							wrong++
						}
					}
					mu.Unlock()
				}
			})
		}
		if kill%4 < 2 {
			temp := filepath.Join(b.folder, "crash cache", "v1", "tmp")
			for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
				if files, _ := os.ReadDir(temp); len(files) > 0 {
					break
				}
			}
		} else {
			time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		}
		for _, n := range nodes {
			n.kill()
		}
		close(stop)
		wg.Wait()
		if kill%8 == 7 { // so that there is something to write again
			_ = os.RemoveAll(filepath.Join(b.folder, "crash cache", "v1"))
		}
	}
	b.report(fmt.Sprintf("wrong answers of %d around %d kills", served, kills), "0", wrong == 0 && served > 0, "%d", wrong)
	return b.start()
}

// start measures how soon 100,000 entries are known.
func (b *bench) start() error {
	folder := filepath.Join(b.folder, "many")
	d, err := cache.OpenDisk(folder, cache.DiskConfig{})
	if err != nil {
		return err
	}
	n := b.scale(100_000, 20_000)
	for i := range n {
		k := cache.Key{Source: cache.SourceOf("h", fmt.Sprint(i/4)), Variant: fmt.Sprint(i)}
		if err := d.Put(k, cache.NewEntry([]byte("a small body"), "image/png")); err != nil {
			return err
		}
	}
	if err := d.Close(); err != nil {
		return err
	}
	began := time.Now()
	d, err = cache.OpenDisk(folder, cache.DiskConfig{})
	if err != nil {
		return err
	}
	<-d.Ready()
	took := time.Since(began)
	entries := d.Stats().Entries
	b.report("entries known after a start", fmt.Sprint(n), entries == n, "%d", entries)
	b.reportTime("  after", "< 2 s", took < 2*time.Second, took)
	return d.Close()
}
