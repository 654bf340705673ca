//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// serverStats is what of /stats is looked at.
type serverStats struct {
	Handlers map[string]struct {
		Disk *struct{ Entries, Bytes, Bound int64 }
	}
}

// oneFill lets 500 clients ask for one cold picture at once.
func (b *bench) oneFill() error {
	s, err := photoStore()
	if err != nil {
		return err
	}
	defer s.close()
	s.delay = 300 * time.Millisecond // so that all are there before it is made
	p, err := b.serve("one", []map[string]any{storeHandler(s, map[string]any{"cache": map[string]any{"memory_mb": 16}})})
	if err != nil {
		return err
	}
	defer p.kill()
	var mu sync.Mutex
	var wg sync.WaitGroup
	bodies, made, bad := map[string]int{}, 0, 0
	for range 500 {
		wg.Go(func() {
			a := get(p.url + "/h/12.jpg?w=300")
			mu.Lock()
			defer mu.Unlock()
			if a.status != 200 {
				bad++
				return
			}
			bodies[string(a.body)]++
			if a.header.Get("Cache-Status") == "s3imageserver; fwd=miss" {
				made++
			}
		})
	}
	wg.Wait()
	b.report("500 clients, one cold picture: requests to the store", "1", s.count("12.jpg") == 1, "%d", s.count("12.jpg"))
	b.report("  pictures made", "1", made == 1, "%d", made)
	b.report("  different or missing answers", "0", len(bodies) == 1 && bad == 0, "%d", len(bodies)-1+bad)
	return nil
}

// machines lets three servers share a bucket on MinIO: every picture is made
// once.
func (b *bench) machines() error {
	m, err := b.startMinIO()
	if err != nil {
		return err
	}
	defer m.kill()
	c, err := minio.New(m.url[len("http://"):], &minio.Options{Creds: credentials.NewStaticV4("bench-access", "bench-secret", "")})
	if err != nil {
		return err
	}
	ctx := context.Background()
	for _, bucket := range []string{"pictures", "results"} {
		if err := c.MakeBucket(ctx, bucket, minio.MakeBucketOptions{}); err != nil {
			return err
		}
	}
	if _, err := c.FPutObject(ctx, "pictures", "photo.jpg", "testdata/photos/still-life.jpg", minio.PutObjectOptions{}); err != nil {
		return err
	}
	var nodes []*process
	for i := range 3 {
		p, err := b.serve(fmt.Sprintf("node%d", i), []map[string]any{{
			"name": "h", "output_format": "jpg", "cache_path": "cache", "cache": map[string]any{"bucket": "results"},
			"aws": map[string]any{"bucket_name": "pictures", "endpoint": m.url, "aws_access": "bench-access", "aws_secret": "bench-secret"},
		}})
		if err != nil {
			return err
		}
		defer p.kill()
		nodes = append(nodes, p)
	}
	n, wrong, again := b.scale(200, 40), 0, 0
	first := map[int][]byte{}
	target := func(i int) string { return fmt.Sprintf("/h/photo.jpg?w=%d", 50+i) }
	for i := range n {
		first[i] = get(nodes[i%3].url + target(i)).body
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		stored := 0
		for o := range c.ListObjectsIter(ctx, "results", minio.ListObjectsOptions{Recursive: true}) {
			if o.Err == nil {
				stored++
			}
		}
		if stored >= n || time.Now().After(deadline) {
			break
		}
	}
	for i := range n {
		for _, p := range nodes {
			a := get(p.url + target(i))
			if !bytes.Equal(a.body, first[i]) {
				wrong++
			}
			if got := a.header.Get("Cache-Status"); got == "s3imageserver; fwd=miss" {
				again++
			}
		}
	}
	b.report(fmt.Sprintf("three machines, one bucket: wrong answers of %d", 3*n), "0", wrong == 0, "%d", wrong)
	b.report("  pictures made again by another machine", "0", again == 0, "%d", again)
	return nil
}

// eviction fills a bounded folder with far more than it holds, while a hot set
// is asked for.
func (b *bench) eviction() error {
	const bound = 64 // MB
	folder := filepath.Join(b.folder, "bounded")
	h, err := b.sources(folder, map[string]any{"cache": map[string]any{"disk_mb": bound}})
	if err != nil {
		return err
	}
	p, err := b.serve("eviction", []map[string]any{h})
	if err != nil {
		return err
	}
	defer p.kill()
	variants := b.scale(20_000, 5_000)
	next := sizes(p.url + "/h/logo.png")
	hot := func() string { return fmt.Sprintf("%s/h/still-life.jpg?w=%d", p.url, 60+rand.IntN(100)) }
	var hits, hotAsked, most int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	left := variants
	for range 4 {
		wg.Go(func() {
			for {
				mu.Lock()
				left--
				n := left
				mu.Unlock()
				if n < 0 {
					return
				}
				get(next())
				if n%2 == 0 {
					a := get(hot())
					mu.Lock()
					if n < variants*3/4 { // the set is hot by then
						hotAsked++
						if a.header.Get("Cache-Status") == "s3imageserver; hit; detail=disk" {
							hits++
						}
					}
					mu.Unlock()
				}
				if n%500 == 0 {
					var s serverStats
					if p.stats(&s) == nil && s.Handlers["h"].Disk != nil {
						mu.Lock()
						most = max(most, s.Handlers["h"].Disk.Bytes)
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	var onDisk int64
	err = filepath.WalkDir(filepath.Join(folder, "v1"), func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			onDisk += (info.Size() + 4095) / 4096 * 4096
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.report(fmt.Sprintf("%d variants against %d MB: most on disk", variants, bound), "<= bound + 1 entry", most <= bound<<20 && onDisk <= bound<<20+1<<20, "%.1f MB", float64(max(most, onDisk))/(1<<20))
	b.report("  hit rate of a hot set of 100", "> 90 %", float64(hits) > 0.9*float64(hotAsked), "%.1f %%", 100*float64(hits)/float64(max(hotAsked, 1)))
	return nil
}
