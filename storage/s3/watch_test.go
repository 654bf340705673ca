package s3_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/s3"
	"s3imageserver/storage/s3/s3test"
)

// TestWatch listens to a store that answers as MinIO does: nothing at first,
// then a line for every event, and an empty one now and then.
func TestWatch(t *testing.T) {
	keys := []string{"large%2Fphoto.jpg", "elsewhere/no.jpg", "large/%C3%BC+a%2Bb+%2520.jpg", "large/../up.jpg", "large/%zz"}
	query := make(chan string, 1)
	b := open(t, s3.Config{Bucket: "pictures", Prefix: "large/", AccessKey: "a", SecretKey: "b", Endpoint: s3test.Fake(t, func(conn net.Conn, r *http.Request) {
		query <- r.URL.RawQuery
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{\"Records\":null}\n")
		for _, key := range keys {
			fmt.Fprintf(conn, `{"Records":[{"eventName":"s3:ObjectCreated:Put","s3":{"bucket":{"name":"pictures"},"object":{"key":"%s"}}}]}`+"\n", key)
		}
		<-t.Context().Done()
	})})
	ctx, cancel := context.WithCancel(t.Context())
	names := make(chan string, len(keys))
	ended := make(chan error, 1)
	go func() { ended <- b.Watch(ctx, func(name string) { names <- name }) }()
	for _, want := range []string{"photo.jpg", "ü a+b %20.jpg"} {
		select {
		case got := <-names:
			if got != want {
				t.Errorf("changed(%q); want %q", got, want)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("no word of %q", want)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch = %v; want context.Canceled", err)
	}
	if want := "events=s3%3AObjectCreated%3A%2A&events=s3%3AObjectRemoved%3A%2A&ping=10&prefix=&suffix="; <-query != want {
		t.Errorf("asked for other events than %s", want)
	}
}

func TestWatchOfAStoreThatCannot(t *testing.T) {
	server := s3test.Start(t, s3test.VersityGW)
	server.MakeBucket(t, "pictures")
	b := open(t, s3.Config{Endpoint: server.Endpoint, Bucket: "pictures", AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	server.Stop(t)
	if err := b.Watch(ctx, func(string) {}); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Watch of a store that is down = %v; want storage.ErrUnavailable", err)
	}
}
