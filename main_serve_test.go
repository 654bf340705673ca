package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"

	"s3imageserver/server"
	"s3imageserver/testserver"
)

// A folder is served without a configuration, at this machine alone.
func TestServeFolder(t *testing.T) {
	port := strconv.Itoa(testserver.Port(t))
	opened := make(chan string, 1)
	defer func(before func(string) error) { openInBrowser = before }(openInBrowser)
	openInBrowser = func(address string) error { opened <- address; return nil }
	log, end := testserver.Background(t, func(ctx context.Context, log io.Writer) error {
		return run(ctx, []string{"serve", "testdata/photos", "-port", port, "-open"}, log, log)
	})
	defer end() // before openInBrowser is what it was
	if !strings.Contains(log.String(), "http://127.0.0.1:"+port) {
		t.Errorf("it says that it listens elsewhere:\n%s", log)
	}
	status, kind, body := testserver.Get(t, "http://127.0.0.1:"+port+"/h/still-life.jpg?w=300&h=200&f=jpeg")
	if c, _, err := image.DecodeConfig(bytes.NewReader(body)); status != 200 || kind != "image/jpeg" || err != nil || c.Width != 300 || c.Height != 200 {
		t.Errorf("%d, %s, %dx%d, %v; want a JPEG of 300x200", status, kind, c.Width, c.Height, err)
	}
	if status, kind, _ := testserver.Get(t, "http://127.0.0.1:"+port+"/"); status != 200 || !strings.HasPrefix(kind, "text/html") {
		t.Errorf("/: %d, %s; want the playground", status, kind)
	}
	if address, want := <-opened, "http://127.0.0.1:"+port+"/"; address != want {
		t.Errorf("opened %s; want %s", address, want)
	}
}

// A store that has no such bucket, or is not there, is told of at the start.
func TestServeTellsOfStores(t *testing.T) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>") // the client waits for it
	}))
	t.Cleanup(store.Close)
	gone := fmt.Sprintf("http://127.0.0.1:%d", testserver.Port(t))
	for endpoint, want := range map[string]string{store.URL: "there is no bucket photos", gone: "aws.endpoint"} {
		t.Setenv("AWS_ACCESS_KEY_ID", "some")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "thing")
		port := strconv.Itoa(testserver.Port(t))
		log, end := testserver.Background(t, func(ctx context.Context, log io.Writer) error {
			return run(ctx, []string{"serve", "s3://photos", "-endpoint", endpoint, "-region", "us-east-1", "-port", port}, log, log)
		})
		for deadline := time.Now().Add(testserver.Patience); !strings.Contains(log.String(), want); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: nothing of %q:\n%s", endpoint, want, log)
			}
		}
		end()
	}
}

// What serve takes for a bucket is what a configuration would say.
func TestServeBucket(t *testing.T) {
	var got *server.Config
	program := newProgram(new(testserver.Output), new(testserver.Output))
	for _, c := range program.Commands {
		if c.Name == "serve" {
			c.Action = func(_ context.Context, cmd *cli.Command) error {
				text, err := servedByArguments(cmd)
				if err != nil {
					return err
				}
				got, _, err = server.LoadEmbedded("the command line", text, embedded)
				return err
			}
		}
	}
	args := []string{"s3imageserver", "serve", "s3://photos/2026/may", "-endpoint", "http://127.0.0.1:9000", "-region", "eu-central-1", "-port", "8081", "-cache", t.TempDir()}
	if err := program.Run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	h := got.Handlers[0]
	if a := h.AWS; a == nil || a.BucketName != "photos" || a.FilePath != "2026/may" || a.Endpoint != "http://127.0.0.1:9000" || a.Region != "eu-central-1" {
		t.Errorf("aws: %+v", a)
	}
	if got.HTTPPort != 8081 || got.Listen != "127.0.0.1" || h.CachePath != args[len(args)-1] {
		t.Errorf("port %d at %q, cache %q", got.HTTPPort, got.Listen, h.CachePath)
	}
}

func TestServeRefuses(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"serve missing", "there is no folder missing"},
		{"serve go.mod", "there is no folder go.mod"},
		{"serve s3:///x", "names no bucket"},
		{"serve . testdata", "one argument too many"},
		{"serve -port 8081", "-port is for serve FOLDER"},
		{"serve -endpoint http://127.0.0.1:9 .", "-endpoint is for buckets"},
		{"serve -port 99999 .", "99999 is not a port"},
		{"-c config.json serve .", "not both"},
	} {
		if _, err := command(t, strings.Fields(tt.args)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.args, err, tt.want)
		}
	}
}
