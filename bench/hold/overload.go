//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"s3imageserver/resize"
)

// photoStore is a store with large photographs: 12 megapixels baseline and
// progressive, 24 megapixels.
func photoStore() (*store, error) {
	objects := map[string][]byte{}
	for name, file := range map[string]string{"12.jpg": "testdata/large/still-life.jpg", "12p.jpg": "testdata/large/still-life-progressive.jpg"} {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		objects[name] = data
	}
	source := objects["12.jpg"]
	r, err := (&resize.Resizer{}).Resize(context.Background(), resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))},
		resize.Options{Width: 6000, Height: 4000, Enlarge: true, Format: resize.JPEG})
	if err != nil {
		return nil, err
	}
	objects["24.jpg"] = r.Body
	return newStore(objects)
}

func storeHandler(s *store, more map[string]any) map[string]any {
	h := map[string]any{
		"name": "h", "output_format": "jpg",
		"aws": map[string]any{"bucket_name": "pictures", "endpoint": s.url, "aws_access": "a", "aws_secret": "b"},
	}
	for k, v := range more {
		h[k] = v
	}
	return h
}

// overload offers ten times what the server can make, while others ask for what
// it has.
func (b *bench) overload() error {
	s, err := photoStore()
	if err != nil {
		return err
	}
	defer s.close()
	p, err := b.serve("overload", []map[string]any{storeHandler(s, map[string]any{"cache": map[string]any{"memory_mb": 64}})})
	if err != nil {
		return err
	}
	defer p.kill()
	next := sizes(p.url + "/h/12.jpg")
	var alone []time.Duration
	d := time.Duration(b.scale(10, 4)) * time.Second
	closedLoop(runtime.GOMAXPROCS(0), d, next, func(a answer) {
		if a.status == 200 {
			alone = append(alone, a.took)
		}
	})
	capacity := float64(len(alone)) / d.Seconds()
	unloaded := percentile(alone, 0.99)

	hit := p.url + "/h/12.jpg?w=300"
	get(hit)
	var hits, accepted, rejected []time.Duration
	others := 0
	d = time.Duration(b.scale(30, 8)) * time.Second
	var wg sync.WaitGroup
	wg.Go(func() {
		openLoop(100, d, func() string { return hit }, func(a answer) {
			if a.status == 200 {
				hits = append(hits, a.took)
			} else {
				others++
			}
		})
	})
	openLoop(10*capacity, d, next, func(a answer) {
		switch {
		case a.err == nil && a.status == 200:
			accepted = append(accepted, a.took)
		case a.err == nil && a.status == 503 && a.header.Get("Retry-After") != "":
			rejected = append(rejected, a.took)
		default:
			others++
		}
	})
	wg.Wait()
	goodput := float64(len(accepted)) / d.Seconds()
	const queueLimit = 10 * time.Second
	b.report("capacity", "", true, "%.0f/s, p99 %s", capacity, milliseconds(unloaded))
	b.report("goodput at ten times the capacity, of the capacity", ">= 0.95", goodput >= 0.95*capacity, "%.2f", goodput/capacity)
	b.report("p99 of accepted misses", "<= 3x alone + queue", percentile(accepted, 0.99) <= 3*unloaded+queueLimit, "%s", milliseconds(percentile(accepted, 0.99)))
	b.report("p99 of hits meanwhile", "<= 20 ms", percentile(hits, 0.99) <= 20*time.Millisecond, "%s", milliseconds(percentile(hits, 0.99)))
	b.report(fmt.Sprintf("p99 of %d rejected", len(rejected)), "<= 50 ms", percentile(rejected, 0.99) <= 50*time.Millisecond, "%s", milliseconds(percentile(rejected, 0.99)))
	b.report("other answers", "0", others == 0, "%d", others)
	return nil
}

// memory measures the largest resident set under many large misses at once.
func (b *bench) memory() error {
	s, err := photoStore()
	if err != nil {
		return err
	}
	defer s.close()
	for _, load := range []struct {
		name, picture string
		env           []string
		limit         int
	}{
		{"64 misses of 24 megapixels at once: largest resident set", "24.jpg", nil, 140},
		{"64 misses of 12 megapixels, progressive", "12p.jpg", nil, 140},
		{"mixed, GOMEMLIMIT 512 MB", "", []string{"GOMEMLIMIT=512MiB"}, 640},
	} {
		p, err := b.serve("memory", []map[string]any{storeHandler(s, nil)}, load.env...)
		if err != nil {
			return err
		}
		idle, err := p.megabytes("VmRSS")
		if err != nil {
			return err
		}
		bad := 0
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				picture := load.picture
				if picture == "" {
					picture = []string{"24.jpg", "12p.jpg", "12.jpg"}[i%3]
				}
				a := get(fmt.Sprintf("%s/h/%d~%s?w=%d", p.url, i, picture, 300+i))
				mu.Lock()
				defer mu.Unlock()
				if a.status != 200 {
					bad++
				}
			})
		}
		wg.Wait()
		most, err := p.megabytes("VmHWM")
		if err != nil {
			return err
		}
		after := most
		for end := time.Now().Add(time.Minute); after*10 > idle*13 && time.Now().Before(end); {
			time.Sleep(time.Second)
			if after, err = p.megabytes("VmRSS"); err != nil {
				return err
			}
		}
		p.kill()
		b.report(load.name, fmt.Sprintf("<= %d MB", load.limit), most <= load.limit, "%d MB", most)
		b.report("  within a minute, of idle", "<= 1.3", after*10 <= idle*13, "%.2f (%d of %d MB)", float64(after)/float64(idle), after, idle)
		b.report("  answers that are no picture", "0", bad == 0, "%d", bad)
	}
	return nil
}
