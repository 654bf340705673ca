//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// shutdown ends the server under load at any moment: what was accepted is
// answered whole.
func (b *bench) shutdown() error {
	h, err := b.sources("shutdown cache", nil)
	if err != nil {
		return err
	}
	rounds, broken, answered, codes := b.scale(50, 10), 0, 0, 0
	var longest time.Duration
	for range rounds {
		p, err := b.serve("shutdown", []map[string]any{h})
		if err != nil {
			return err
		}
		stop := make(chan struct{})
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					a := get(fmt.Sprintf("%s/h/still-life.jpg?w=%d", p.url, 100+(i*37+n)%500))
					mu.Lock()
					switch {
					case a.err == nil && a.status == 200:
						answered++
					case a.err != nil && a.status != 0: // a header came, and not all of the body
						broken++
					}
					mu.Unlock()
					if a.err != nil { // refused: it is ending
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(50+rand.IntN(300)) * time.Millisecond)
		took, code := p.terminate()
		close(stop)
		wg.Wait()
		longest = max(longest, took)
		if code != 0 {
			codes++
		}
	}
	b.report(fmt.Sprintf("broken bodies of %d, in %d shutdowns under load", answered, rounds), "0", broken == 0 && answered > 0, "%d", broken)
	b.reportTime("longest shutdown", "< 10 s", longest < 10*time.Second, longest)
	b.report("exit codes that are not 0", "0", codes == 0, "%d", codes)
	return nil
}
