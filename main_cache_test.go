package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"s3imageserver/storage/s3/s3test"
	"s3imageserver/testserver"
)

// Three machines with a shared bucket on MinIO: what one makes the others use, a
// purge on one reaches all, and MinIO's webhook tells of a changed picture.
func TestThreeMachines(t *testing.T) {
	const token = "a token of the operators"
	ports := []int{testserver.Port(t), testserver.Port(t), testserver.Port(t)}
	store := s3test.Start(t, s3test.MinIO,
		"MINIO_NOTIFY_WEBHOOK_ENABLE_PICTURES=on",
		fmt.Sprintf("MINIO_NOTIFY_WEBHOOK_ENDPOINT_PICTURES=http://127.0.0.1:%d/events", ports[1]),
		"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_PICTURES=Bearer secret-of-webhooks",
	)
	store.MakeBucket(t, "pictures")
	store.MakeBucket(t, "results")
	store.Put(t, "pictures", "a/photo +ü.jpg", testserver.Photo(t, 600, 400))
	store.Put(t, "pictures", "other.jpg", testserver.Photo(t, 300, 300))
	var nodes []*testserver.Process
	for _, port := range ports {
		nodes = append(nodes, testserver.Start(t, t.TempDir(), map[string]any{
			"handlers": []any{map[string]any{
				"name": "h", "aws": aws(store, "pictures", ""), "cache_path": "cache", "output_format": "jpg",
				"cache": map[string]any{"bucket": "results", "prefix": "v", "memory_mb": 8, "disk_mb": 64},
			}},
			"admin":  map[string]any{"listen": fmt.Sprintf("127.0.0.1:%d", port), "token": token},
			"events": map[string]any{"secret": "secret-of-webhooks"},
		}, nil))
	}
	store.Notify(t, "pictures", "arn:minio:sqs::PICTURES:webhook")
	const target = "/h/a/photo%20+%C3%BC.jpg?w=120"
	ask := func(n int, path string) ([]byte, string) {
		t.Helper()
		status, body, from := testserver.GetHeader(t, nodes[n].URL+path, "Cache-Status")
		if status != 200 {
			t.Fatalf("machine %d: GET %s = %d\n%s", n, path, status, nodes[n].Output)
		}
		return body, strings.TrimPrefix(from, "s3imageserver; ")
	}
	// until waits until machine n answers otherwise than old.
	until := func(n int, path string, old []byte) {
		t.Helper()
		began := time.Now()
		for {
			body, from := ask(n, path)
			if !bytes.Equal(body, old) {
				t.Logf("machine %d follows after %v (%s)", n, time.Since(began).Round(10*time.Millisecond), from)
				return
			}
			if time.Since(began) > testserver.Patience {
				t.Fatalf("machine %d still has the old picture after %v\n%s", n, testserver.Patience, nodes[n].Output)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}

	old, from := ask(0, target)
	if from != "fwd=miss" {
		t.Errorf("first answer: %s; want a miss", from)
	}
	other, _ := ask(0, "/h/other.jpg?w=50")
	for deadline := time.Now().Add(testserver.Patience); !store.Has(t, "results", "v/v1/", 2); {
		if time.Now().After(deadline) {
			t.Fatalf("no results in the bucket\n%s", nodes[0].Output)
		}
		time.Sleep(20 * time.Millisecond)
	}
	for n := 1; n < 3; n++ {
		for path, want := range map[string][]byte{target: old, "/h/other.jpg?w=50": other} {
			if body, from := ask(n, path); from != "hit; detail=bucket" || !bytes.Equal(body, want) {
				t.Errorf("machine %d: %s: %s, %d bytes; want the %d bytes of the bucket", n, path, from, len(body), len(want))
			}
		}
	}

	// The picture changes: MinIO tells machine 1, and that one the others.
	store.Put(t, "pictures", "a/photo +ü.jpg", testserver.Photo(t, 400, 600))
	for _, n := range []int{1, 0, 2} {
		until(n, target, old)
	}

	// A purge by the command, on machine 2. The store is asked once, by whoever
	// comes first.
	newer, _ := ask(0, target)
	out, err := exec.Command(testserver.Binary(t), "purge", "-c", nodes[2].Cmd.Args[2], "-handler", "h", "-prefix", "a/").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "purged: 1 in memory, 1 on disk") {
		t.Fatalf("purge: %v\n%s", err, out)
	}
	if body, from := ask(2, target); from == "hit; detail=memory" || from == "hit; detail=disk" || from == "hit; detail=bucket" || !bytes.Equal(body, newer) {
		t.Errorf("after the purge: %s; want it asked for", from)
	}
	if _, from := ask(2, "/h/other.jpg?w=50"); !strings.HasPrefix(from, "hit") {
		t.Errorf("another picture after the purge: %s; want a hit", from)
	}

	// Wrong use of the command.
	for _, args := range [][]string{{}, {"-admin", nodes[0].URL, "/h/x.jpg"}, {"/nothing/x.jpg"}, {"-handler", "x", "-all"}} {
		out, err := exec.Command(testserver.Binary(t), append([]string{"purge", "-c", nodes[2].Cmd.Args[2]}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "purge") || strings.Contains(string(out), token) {
			t.Errorf("purge %q = %v %s; want an error that says why", args, err, out)
		}
	}
	if r, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/purge", ports[0]), "application/json", strings.NewReader(`{"handler":"h","all":true}`)); err != nil || r.StatusCode != 401 {
		t.Errorf("purge without the token: %v, %v; want 401", r, err)
	}
}
