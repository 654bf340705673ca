package server_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing/fstest"

	"s3imageserver/server"
	"s3imageserver/storage"
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

// A site with a page of its own, and pictures of a folder under a prefix. The
// handler gets whole paths, which redirects and srcset answer with.
func ExampleNew_prefix() {
	pictures, err := server.New(&server.Config{
		Handlers: []server.HandlerConfig{{
			Prefix: "static/images",
			Source: server.SourceConfig{Dir: "../testdata/photos"},
		}},
	}, server.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pictures.Close()

	site := http.NewServeMux()
	site.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "a page") })
	site.Handle("/static/images/", pictures)

	for _, path := range []string{"/", "/static/images/still-life.jpg?w=320&h=200&f=png"} {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Header().Get("Content-Type") != "image/png" {
			fmt.Println(w.Code, w.Body)
			continue
		}
		picture, err := png.DecodeConfig(w.Body)
		fmt.Println(w.Code, picture.Width, picture.Height, err)
	}
	// Output:
	// 200 a page
	// 200 320 200 <nil>
}

// A chart is a storage of one's own: its pictures are drawn when they are asked
// for.
type chart struct{}

// Get implements [storage.Bucket].
func (chart) Get(ctx context.Context, name string) (*storage.Object, error) {
	var width, height int
	if _, err := fmt.Sscanf(name, "%dx%d.png", &width, &height); err != nil || width < 1 || height < 1 || width > 1000 || height > 1000 {
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrNotExist} // answered 404
	}
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		return nil, err
	}
	info := storage.Info{Size: int64(file.Len())}
	return storage.NewObject(info, io.NopCloser(&file)), nil
}

// Pictures from anywhere: a storage.Bucket has one method.
func ExampleNew_storage() {
	pictures, err := server.New(&server.Config{
		Handlers: []server.HandlerConfig{{Prefix: "chart", Bucket: chart{}, OutputFormat: "png"}},
	}, server.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pictures.Close()
	for _, path := range []string{"/chart/400x300.png?w=100", "/chart/no.png"} {
		w := httptest.NewRecorder()
		pictures.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		picture, _ := png.DecodeConfig(w.Body) // zero where there is none
		fmt.Println(w.Code, picture.Width, picture.Height)
	}
	// Output:
	// 200 100 75
	// 404 0 0
}

// A site signs the URLs of its pictures with the key of the configuration.
func ExampleSign() {
	key := []byte("a secret of at least 16 bytes")
	query := url.Values{"w": {"300"}}
	query.Set("sig", server.Sign(key, "h", "photo.jpg", query))
	fmt.Println("/h/photo.jpg?" + query.Encode())
	// Output:
	// /h/photo.jpg?sig=FZUoT8sWEwwMzDxVoNqSMdH7bRYiDKwamPLYn2fB3QI&w=300
}
