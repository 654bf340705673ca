package main

import (
	"bufio"
	"context"
	"io"
	"iter"
	"os"
	"sync"
)

// eachAtOnce calls work for all items, n at once, and shows on w how far it has
// come; total is how many there are, below 0 if that is not known. When ctx ends no
// further work begins; it returns when all that began has ended.
func eachAtOnce[T any](ctx context.Context, w io.Writer, what string, n, total int, items iter.Seq[T], work func(T)) {
	shown := newProgress(w, total, what)
	defer shown.end()
	queue := make(chan T)
	var wg sync.WaitGroup
	for range max(1, n) {
		wg.Go(func() {
			for item := range queue {
				work(item)
				shown.step()
			}
		})
	}
	for item := range items {
		if ctx.Err() != nil {
			break
		}
		queue <- item
	}
	close(queue)
	wg.Wait()
}

// eachLine calls read for every line of a file, of at most max bytes; "-" is
// stdin.
func eachLine(name string, stdin io.Reader, max int, read func(line string)) error {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close() // only read
		in = f
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, max)
	for lines.Scan() {
		read(lines.Text())
	}
	return lines.Err()
}
