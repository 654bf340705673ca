//go:build linux

package main

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// closedLoop lets n clients ask one after the other for d; next gives the URLs.
func closedLoop(n int, d time.Duration, next func() string, each func(answer)) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	end := time.Now().Add(d)
	for range n {
		wg.Go(func() {
			for time.Now().Before(end) {
				a := get(next())
				mu.Lock()
				each(a)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// openLoop asks rate times a second for d, whatever the answers do.
func openLoop(rate float64, d time.Duration, next func() string, each func(answer)) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	began := time.Now()
	for i := 0; ; i++ {
		at := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if at.Sub(began) >= d {
			break
		}
		time.Sleep(time.Until(at))
		wg.Go(func() {
			a := get(next())
			mu.Lock()
			defer mu.Unlock()
			each(a)
		})
	}
	wg.Wait()
}

// sizes gives URLs that nobody has asked for yet.
func sizes(base string) func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("%s?w=%d&h=%d", base, 100+n%700, 100+n/700)
	}
}

func percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return d[min(len(d)-1, int(p*float64(len(d))))]
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
