package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/storagetest"
)

// twoVersions is a bucket in which "old" and "null" are versions of every object.
type twoVersions struct {
	*storagetest.Memory
	null atomic.Int32 // how often "null" was asked for
}

func (v *twoVersions) GetVersion(ctx context.Context, name, version string) (*storage.Object, error) {
	switch {
	case strings.Trim(version, "0-") == "", strings.EqualFold(version, "null"):
		v.null.Add(1)
	case version != "old":
		return nil, fmt.Errorf("version: %w", fs.ErrNotExist)
	}
	return v.Memory.Get(ctx, name)
}

// Whatever is made of a source goes with it, whichever of its URLs is purged.
func TestPurgeOfAnyURLTakesAllOfItsSource(t *testing.T) {
	b := &twoVersions{Memory: bucket(t)}
	b.Set("logo.png", pngFile(t, gradient(20, 20)), modified)
	urls := []string{
		"/h/photo.jpg?w=90&f=png",
		"/h/photo.jpg?w=91&f=auto",
		"/h/photo.jpg?w=92&wm=logo",
		"/h/photo.jpg?w=93&versionid=old",
		"/h/photo.jpg?info=size",
		"/h/photo.jpg?info=size&versionid=old",
		"/h/photo.jpg?srcset=40,80",
		"/h/photo.jpg?w=94&txt=hello",
	}
	bearer := []string{"Authorization", "Bearer " + testToken}
	for name, h := range map[string]HandlerConfig{
		"plain":        {},
		"object_rules": {ObjectRules: true},
		"originals":    {CachePath: "set", Cache: CacheConfig{OriginalsMB: 50}},
	} {
		h.Watermarks = map[string]WatermarkConfig{"logo": {Object: "logo.png"}}
		h.Cache.MemoryMB = 8
		if h.CachePath != "" {
			h.CachePath = t.TempDir()
		}
		s := newAdminSite(t, b, h)
		hit := func(u string, header ...string) bool {
			r := s.get(u, header...)
			if r.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s = %d", name, u, r.StatusCode)
			}
			return strings.Contains(r.Header.Get("Cache-Status"), "; hit")
		}
		purges := map[string]func(u string){
			"purge": func(u string) {
				if w := s.admin("POST", "/purge", "application/json", `{"url":"`+u+`"}`, bearer...); w.Code != http.StatusOK {
					t.Errorf("%s: purge of %s = %d %s", name, u, w.Code, w.Body)
				}
			},
			"refresh": func(u string) {
				if r := s.get(u+"&refresh=1", bearer...); r.StatusCode != http.StatusOK || strings.Contains(r.Header.Get("Cache-Status"), "; hit") {
					t.Errorf("%s: %s&refresh=1 = %d, %s", name, u, r.StatusCode, r.Header.Get("Cache-Status"))
				}
			},
			"purge by name": func(string) {
				if _, err := s.server.Purge(t.Context(), PurgeRequest{Handler: "h", Name: "photo.jpg"}); err != nil {
					t.Error(err)
				}
			},
		}
		for how, purge := range purges {
			for _, purged := range urls {
				for _, u := range urls {
					hit(u)
				}
				for _, u := range urls {
					if !strings.Contains(u, "srcset") && !hit(u) {
						t.Fatalf("%s: %s is no hit the second time", name, u)
					}
				}
				hit("/h/same.jpg?w=90")
				sent := b.Sent()
				purge(purged)
				for _, u := range urls {
					// refresh makes that one anew, and a srcset keeps what details it needs.
					if how == "refresh" || strings.Contains(u, "srcset") {
						continue
					}
					if hit(u) {
						t.Errorf("%s: %s is a hit after %s of %s", name, u, how, purged)
					}
				}
				if b.Sent() == sent {
					t.Errorf("%s: nothing was asked of the store after %s of %s", name, how, purged)
				}
				if !hit("/h/same.jpg?w=90") {
					t.Errorf("%s: another picture went with %s of %s", name, how, purged)
				}
			}
		}
	}
}

// The picture changes; the kept original does not bring the old one back.
func TestRefreshDoesNotUseTheKeptOriginal(t *testing.T) {
	b := bucket(t)
	s := newAdminSite(t, b, HandlerConfig{CachePath: t.TempDir(), Cache: CacheConfig{MemoryMB: 8, DiskMB: 50, OriginalsMB: 50}})
	const u = "/h/photo.jpg?w=90&f=png"
	s.get(u)
	square := func(when string, r *http.Response) {
		if img, _ := picture(t, r); img.Bounds().Dx() != img.Bounds().Dy() {
			t.Errorf("%s: %v; want the new square picture", when, img.Bounds())
		}
	}
	b.Set("photo.jpg", jpegFile(t, 300, 300), time.Now())
	square("refresh=1", s.get(u+"&refresh=1", "Authorization", "Bearer "+testToken))
	square("the next request", s.get(u))
	square("another size", s.get("/h/photo.jpg?w=91&f=png"))
}

// "null" is what a store calls an object that it replaces in place: no version.
func TestNullIsNoVersion(t *testing.T) {
	b := &twoVersions{Memory: bucket(t)}
	s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}})
	s.get("/h/photo.jpg?w=90&f=png")
	for _, v := range []string{"null", "NULL", "00000000-0000-0000-0000-000000000000"} {
		r := s.get("/h/photo.jpg?w=90&f=png&versionid=" + v)
		if got := r.Header.Get("Cache-Status"); r.StatusCode != http.StatusOK || !strings.Contains(got, "; hit") {
			t.Errorf("versionid=%s: %d, %s; want the entry of the newest version", v, r.StatusCode, got)
		}
	}
	if n := b.null.Load(); n != 0 {
		t.Errorf("the store was asked %d times for the version null; want never", n)
	}
}

// A version that there is not says nothing of the others.
func TestMissingVersionIsNotTheWholeSource(t *testing.T) {
	b := &twoVersions{Memory: bucket(t)}
	s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}})
	for u, want := range map[string]int{"/h/photo.jpg?w=90&versionid=none": 404, "/h/photo.jpg?w=90": 200, "/h/photo.jpg?w=90&versionid=old": 200} {
		for range 2 {
			if r := s.get(u); r.StatusCode != want {
				t.Errorf("%s = %d; want %d", u, r.StatusCode, want)
			}
		}
	}
}

// Whatever is kept under a version is derived from that version only.
func TestVariantOptionsAreThoseOfTheVersion(t *testing.T) {
	s := newAdminSite(t, &twoVersions{Memory: bucket(t)}, HandlerConfig{})
	h := s.server.handlers[0]
	for _, version := range []string{"", "old", "8", "\x00"} {
		req := request{name: "photo.jpg", options: h.parseQuery("w=90").options, delivery: config.Delivery{Version: version}}
		key := h.key(&req)
		if key.Source != h.sourceID("photo.jpg") {
			t.Errorf("version %q: its source is not that of the name", version)
		}
		for _, asked := range []string{"", "old", "8", "\x00"} {
			if _, ok := variantOptions(key.Variant, asked); ok != (asked == version) {
				t.Errorf("variantOptions of version %q for %q = %v", version, asked, ok)
			}
		}
	}
}

// The answer to a purge says how many entries went; of nothing, none.
func TestPurgeSaysWhatItRemoved(t *testing.T) {
	s := newAdminSite(t, bucket(t), HandlerConfig{CachePath: t.TempDir(), Cache: CacheConfig{MemoryMB: 8, OriginalsMB: 50}})
	for _, u := range []string{"/h/photo.jpg?w=90", "/h/photo.jpg?w=91", "/h/same.jpg?w=90"} {
		s.get(u)
	}
	for _, tt := range []struct {
		body string
		want cache.Removed
	}{
		{`{"url":"/h/none.jpg"}`, cache.Removed{}},
		{`{"url":"/h/photo.jpg?w=1000"}`, cache.Removed{Memory: 2, Disk: 2, Originals: 1}},
		{`{"handler":"h","name":"photo.jpg"}`, cache.Removed{}},
		{`{"handler":"h","all":true}`, cache.Removed{Memory: 1, Disk: 1, Originals: 1}},
	} {
		w := s.admin("POST", "/purge", "application/json", tt.body, "Authorization", "Bearer "+testToken)
		var got PurgeAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Removed != tt.want {
			t.Errorf("purge of %s = %s; want %+v removed", tt.body, w.Body, tt.want)
		}
	}
}

// A kept original with a flipped bit is fetched again, wherever the bit is.
func TestDamagedOriginalIsFetchedAgain(t *testing.T) {
	b := bucket(t)
	folder := t.TempDir()
	s := newAdminSite(t, b, HandlerConfig{CachePath: folder, Cache: CacheConfig{OriginalsMB: 50, MemoryMB: 8}})
	want := s.get("/h/photo.jpg?w=90&f=png").Header.Get("ETag")
	for _, from := range []int64{1, 2, 8, 40} { // a part of the file from its end
		var file string
		err := filepath.WalkDir(filepath.Join(folder, "originals", "v1"), func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && strings.Contains(e.Name(), "-") && !strings.HasPrefix(e.Name(), "heard") {
				file = name
			}
			return err
		})
		if err != nil || file == "" {
			t.Fatal("no original is kept", err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[int64(len(data))-(int64(len(data))-400)/from] ^= 1
		if err := os.WriteFile(file, data, 0o640); err != nil {
			t.Fatal(err)
		}
		for _, u := range []string{fmt.Sprintf("/h/photo.jpg?w=%d&f=png", 100+from), "/h/photo.jpg?w=90&f=png", "/h/photo.jpg?info=size,format&w=" + fmt.Sprint(from)} {
			if r := s.get(u); r.StatusCode != http.StatusOK {
				t.Errorf("bit flipped at 1/%d from the end: %s = %d; want 200", from, u, r.StatusCode)
			}
		}
		if err := s.server.handlers[0].tiers.Memory.Delete(s.server.handlers[0].key(&request{name: "photo.jpg", options: s.server.handlers[0].parseQuery("w=90&f=png").options})); err != nil {
			t.Fatal(err)
		}
		if got := s.get("/h/photo.jpg?w=90&f=png").Header.Get("ETag"); got != want {
			t.Errorf("bit flipped at 1/%d from the end: another picture than before", from)
		}
	}
	if strings.Contains(s.log.String(), "status=500") {
		t.Errorf("log = %s", s.log)
	}
}

// Changes that a bucket tells of are taken as fast as they come, and purged
// together.
func TestManyChangesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &watched{bucket(t), make(chan string), make(chan error)}
		s := newAdminSite(t, b, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, Events: HandlerEvents{Listen: true, Remake: []string{"w=91"}}})
		s.get("/h/photo.jpg?w=90")
		s.get("/h/same.jpg?w=90")
		began := time.Now()
		for i := range 1000 {
			name := fmt.Sprintf("none-%d.jpg", i)
			if i%100 == 50 {
				name = "photo.jpg"
			}
			b.changes <- name
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("1000 changes are taken in %v", took)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for u, want := range map[string]bool{"/h/photo.jpg?w=90": false, "/h/photo.jpg?w=91": true, "/h/same.jpg?w=90": true} {
			if got := strings.Contains(s.get(u).Header.Get("Cache-Status"), "; hit"); got != want {
				t.Errorf("%s after the changes: hit %v; want %v", u, got, want)
			}
		}
	})
}

// Purges are remembered for as long as any handler may serve what lies in the
// bucket.
func TestRetentionOfPurges(t *testing.T) {
	const day = 24 * 3600
	handler := func(prefix, folder string, seconds int64) HandlerConfig {
		return HandlerConfig{Prefix: prefix, AWS: &AWSConfig{BucketName: "pictures"}, CacheTime: cacheTime(seconds), Cache: CacheConfig{Bucket: "results", Prefix: folder}}
	}
	for want, handlers := range map[time.Duration][]HandlerConfig{
		30 * day * time.Second: {handler("a", "x", 60), handler("b", "x", day)},
		61 * day * time.Second: {handler("a", "x", 60), handler("b", "x", 60*day)},
		-1:                     {handler("a", "x", 60*day), handler("b", "x", 0)},
		62 * day * time.Second: {handler("a", "x", 61*day), handler("b", "other", 0)},
	} {
		c := &Config{Handlers: handlers}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		s := &Server{config: c}
		if got := s.retention(sharedID(c.Handlers[0].SharedStore())); got != want {
			t.Errorf("retention = %v; want %v", got, want)
		}
	}
}
