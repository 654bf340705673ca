package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"s3imageserver/resize"
	"s3imageserver/storage/dir"
)

const corpusFolder = "../../shared/corpus"

// corpusOperations are asked of every file of the corpus.
var corpusOperations = []string{
	"w=90&h=60&c=false", "w=90&h=60", "crop=25%25,25%25,50%25,50%25&w=64", "w=80",
	"w=3000&h=3000", "w=64&orient=6", "w=70&h=70&fit=pad&bg=336699&blur=1", "",
}

// TestCorpusRequests asks for files of the corpus through the whole server, as
// THREATS names it: nothing but documented answers, right types, pictures that
// decode, and none that takes long. CORPUS=full asks every operation of every
// file in every format, AVIF included:
//
//	CORPUS=full go test -tags nodynamic -timeout 60m -run TestCorpusRequests -v ./server
func TestCorpusRequests(t *testing.T) {
	manifest, err := os.Open(filepath.Join(corpusFolder, "MANIFEST.tsv"))
	if err != nil {
		t.Skip("not tested with the corpus of pictures: ", err)
	}
	defer manifest.Close()
	full := os.Getenv("CORPUS") == "full"
	extensions := []string{"png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "ico", "svg"}
	formats := []string{"jpeg", "png", "webp", "gif", "auto"}
	if full {
		extensions = append(extensions, "avif", "heic", "heif", "jxl")
		formats = append(formats, "bmp", "tiff", "avif")
	}
	bucket, err := dir.Open(corpusFolder)
	if err != nil {
		t.Fatal(err)
	}
	output := append([]string{"avif"}, formats[:4]...)
	slow := LimitsConfig{WorkSeconds: 600, FetchSeconds: 600, RequestSeconds: 600} // on a machine of any speed
	s, err := New(&Config{MemoryBudget: 256, Handlers: []HandlerConfig{{Prefix: "h", Bucket: bucket, AllowedFormats: extensions, OutputFormats: append(output, "bmp", "tiff"), WebPMethod: new(0), Limits: slow}}}, Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	defer s.Close()
	reader := &resize.Resizer{Limits: resize.Limits{Formats: []resize.Format{resize.BMP, resize.TIFF, resize.AVIF}}}
	statuses, asked := map[int]int{}, 0
	slowest, longest := time.Duration(0), ""
	lines := bufio.NewScanner(manifest)
	lines.Buffer(nil, 1<<20)
	for i := 0; lines.Scan(); i++ {
		name, _, _ := strings.Cut(lines.Text(), "\t")
		if name == "file" || strings.Contains(name, "/ref/") {
			continue
		}
		for n, operation := range corpusOperations {
			for m, format := range formats {
				// Every operation meets every format on some file of a kind.
				if !full && (i+n)%len(corpusOperations) != 0 || !full && (i/len(corpusOperations)+m)%len(formats) != 0 {
					continue
				}
				if testing.Short() && i%4 != 0 {
					continue
				}
				target := "/h/" + strings.ReplaceAll(name, "%", "%25") + "?f=" + format + "&" + operation
				r := httptest.NewRequest(http.MethodGet, target, nil)
				w := httptest.NewRecorder()
				start := time.Now()
				s.ServeHTTP(w, r)
				took := time.Since(start)
				if took > slowest {
					slowest, longest = took, target
				}
				asked++
				statuses[w.Code]++
				if fault := wrongAnswer(reader, w.Result(), format); fault != "" {
					t.Errorf("%s: %s", target, fault)
				}
				if took > time.Minute { // a few seconds are usual
					t.Errorf("%s took %v", target, took)
				}
			}
		}
	}
	if err := lines.Err(); err != nil || asked == 0 {
		t.Fatal(asked, err)
	}
	t.Logf("%d requests, by status: %v; the slowest, %v: %s", asked, statuses, slowest.Round(time.Millisecond), longest)
}

// wrongAnswer says what is wrong with an answer, "" if nothing is.
func wrongAnswer(reader *resize.Resizer, r *http.Response, format string) string {
	switch r.StatusCode {
	case 404, 413, 415, 422, 502:
		if r.Header.Get("Cache-Control") != "no-store" {
			return fmt.Sprintf("%d that may be kept", r.StatusCode)
		}
		return ""
	case 200:
	default:
		return fmt.Sprint("status ", r.StatusCode)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	f, err := resize.Sniff(body)
	if err != nil {
		return err.Error()
	}
	if got := r.Header.Get("Content-Type"); got != f.MediaType() {
		return fmt.Sprintf("Content-Type %s of a file of %v", got, f)
	}
	// AVIF of large pictures is WebP; a choice has a few outcomes.
	if want := resize.FormatByName(format); f != want && !want.IsAuto() && !(want == resize.AVIF && f == resize.WebP) {
		return fmt.Sprintf("%v; want %v", f, want)
	}
	if _, err := reader.Resize(context.Background(), resize.Source{Body: bytes.NewReader(body), Size: int64(len(body))}, resize.Options{Width: 16, Format: resize.PNG}); err != nil {
		return "the result does not decode: " + err.Error()
	}
	return ""
}
