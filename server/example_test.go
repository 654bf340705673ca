package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing/fstest"

	"s3imageserver/server"
	"s3imageserver/storage/dir"
)

// The whole program with a verification of one's own: it reads the
// configuration that -c names and blocks.
func ExampleRun() {
	server.Run(func(token string) bool { return token == os.Getenv("TOKEN") })
}

// A handler to embed, here with pictures of a bucket of one's own.
func ExampleNew() {
	pictures := dir.New(fstest.MapFS{"pixel.gif": {Data: []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")}})
	handler, err := server.New(&server.Config{
		Handlers: []server.HandlerConfig{{Prefix: "img", Bucket: pictures, OutputFormat: "png"}},
	}, server.Options{
		Verify: func(token string) bool { return token == "secret" },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer handler.Close()
	site := httptest.NewServer(handler)
	defer site.Close()
	for _, path := range []string{"/img/pixel.gif?t=secret", "/img/pixel.gif?t=guess"} {
		r, err := http.Get(site.URL + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		r.Body.Close()
		fmt.Println(r.StatusCode, r.Header.Get("Content-Type"))
	}
	// Output:
	// 200 image/png
	// 404
}
