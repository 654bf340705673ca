//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"s3imageserver/bench/meter"
	"s3imageserver/resize"
)

// sizing measures how much machine a server needs that keeps millions of pictures on
// disk, and gets 200 requests a second of which few or many are for others. Most of
// the pictures are links to one: only the names count for the index.
func (b *bench) sizing() error {
	const rate = 200
	s, err := smallStore()
	if err != nil {
		return err
	}
	defer s.close()
	folder := filepath.Join(b.folder, "sizing cache")
	handler := storeHandler(s, map[string]any{"cache_path": folder, "output_format": "webp", "cache": map[string]any{"memory_mb": 16, "disk_mb": 1 << 20}})
	warm := b.scale(1500, 200)
	name := func(n int) string { return fmt.Sprintf("/h/%d~photo.jpg?w=400", n) }
	p, err := b.serve("sizing warm", []map[string]any{handler})
	if err != nil {
		return err
	}
	var size int
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for n := range next {
				if a := get(p.url + name(n)); n == 0 {
					size = len(a.body)
				}
			}
		})
	}
	for n := range warm {
		next <- n
	}
	close(next)
	wg.Wait()
	p.terminate()
	entries := b.scale(5_000_000, 20_000)
	if err := linkEntries(filepath.Join(folder, "v1"), entries); err != nil {
		return err
	}
	began := time.Now()
	p, err = b.serve("sizing", []map[string]any{handler})
	if err != nil {
		return err
	}
	defer p.kill()
	for p.metric("s3imageserver_disk_cache_ready") != 1 {
		if time.Since(began) > 20*time.Minute {
			return fmt.Errorf("the folder is not read: %s", p.output.String())
		}
		time.Sleep(time.Second / 2)
	}
	b.report(fmt.Sprintf("index of %d files at the start", entries), "", true, "%.0f s", time.Since(began).Seconds())
	// Their headers are read once, after which it is quiet.
	if err := p.quiet(10 * time.Minute); err != nil {
		return err
	}
	used, err := meter.CPUTimeOf(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	b.report("  and until all their headers are read; CPU time", "", true, "%.0f s; %.0f s", time.Since(began).Seconds(), used.Seconds())
	resident, err := p.megabytes("VmRSS")
	if err != nil {
		return err
	}
	b.report("  memory; files known", "", true, "%d MB; %.0f", resident, p.metric("s3imageserver_disk_cache_entries"))
	fresh := warm
	for _, hits := range []float64{0.8, 0.95} {
		before, err := meter.CPUTimeOf(p.cmd.Process.Pid)
		if err != nil {
			return err
		}
		var hit, miss []time.Duration
		refused := 0
		d := time.Duration(b.scale(30, 5)) * time.Second
		openLoop(rate, d, func() string {
			if rand.Float64() < hits {
				return p.url + name(rand.IntN(warm))
			}
			fresh++
			return p.url + name(fresh)
		}, func(a answer) {
			switch status := a.header.Get("Cache-Status"); {
			case a.status != 200:
				refused++
			case strings.Contains(status, "hit"):
				hit = append(hit, a.took)
			default:
				miss = append(miss, a.took)
			}
		})
		after, err := meter.CPUTimeOf(p.cmd.Process.Pid)
		if err != nil {
			return err
		}
		resident, err := p.megabytes("VmRSS")
		if err != nil {
			return err
		}
		b.report(fmt.Sprintf("%d requests a second, %.0f %% hits: processors", rate, 100*hits), "", true, "%.2f", (after-before).Seconds()/d.Seconds())
		b.report("  memory", "", true, "%d MB", resident)
		b.report("  p50, p99 of hits", "", true, "%s, %s", milliseconds(percentile(hit, 0.5)), milliseconds(percentile(hit, 0.99)))
		b.report("  p50, p99 of misses", "", true, "%s, %s", milliseconds(percentile(miss, 0.5)), milliseconds(percentile(miss, 0.99)))
		b.report("  not answered with a picture", "0", refused == 0, "%d of %d", refused, refused+len(hit)+len(miss))
	}
	b.report("a result, of which a file on disk has a few hundred bytes more", "", true, "%d bytes", size)
	return nil
}

// smallStore has a photograph of 2 megapixels, under any name that ends in it.
func smallStore() (*store, error) {
	source, err := os.ReadFile("testdata/large/still-life.jpg")
	if err != nil {
		return nil, err
	}
	r, err := (&resize.Resizer{}).Resize(context.Background(), resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))},
		resize.Options{Width: 1632, Format: resize.JPEG, Quality: 90})
	if err != nil {
		return nil, err
	}
	return newStore(map[string][]byte{"photo.jpg": r.Body})
}

// linkEntries gives the cache in folder n more entries: links to one of its own
// files, under random names as the cache has them, ss/ss/s…-v….
func linkEntries(folder string, n int) error {
	var one []byte
	if err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && one == nil {
			one, err = os.ReadFile(path)
		}
		return err
	}); err != nil {
		return err
	}
	if one == nil {
		return fmt.Errorf("nothing was kept in %s", folder)
	}
	for i := range 256 * 256 {
		if err := os.MkdirAll(filepath.Join(folder, fmt.Sprintf("%02x/%02x", i>>8, i&255)), 0o755); err != nil {
			return err
		}
	}
	// ext4 has at most 65,000 links to a file.
	const most = 60_000
	random := rand.NewChaCha8([32]byte{1})
	target := ""
	for i := range n {
		var id [32]byte
		_, _ = random.Read(id[:]) // has no errors
		name := filepath.Join(folder, hex.EncodeToString(id[:1]), hex.EncodeToString(id[1:2]), hex.EncodeToString(id[2:16])+"-"+hex.EncodeToString(id[16:]))
		if i%most == 0 {
			target = name
			if err := os.WriteFile(name, one, 0o644); err != nil {
				return err
			}
			continue
		}
		if err := os.Link(target, name); err != nil {
			return err
		}
	}
	return nil
}

// metric returns the sum of a metric over its labels, 0 if there is none.
func (p *process) metric(name string) (sum float64) {
	line := regexp.MustCompile(`(?m)^` + name + `(\{[^}]*\})? (\S+)$`)
	for _, m := range line.FindAllSubmatch(get(p.metrics).body, -1) {
		v, _ := strconv.ParseFloat(string(m[2]), 64) // 0 if unreadable
		sum += v
	}
	return sum
}

// quiet waits until the process has used no processor for two seconds.
func (p *process) quiet(most time.Duration) error {
	for end := time.Now().Add(most); time.Now().Before(end); {
		before, err := meter.CPUTimeOf(p.cmd.Process.Pid)
		if err != nil {
			return err
		}
		time.Sleep(2 * time.Second)
		if after, err := meter.CPUTimeOf(p.cmd.Process.Pid); err != nil || after-before < 50*time.Millisecond {
			return err
		}
	}
	return fmt.Errorf("it is not quiet after %v", most)
}
