package server

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/errorimage"
	"s3imageserver/storage"
)

// errorImage writes a picture of one colour and returns its file.
func errorImage(t *testing.T, c color.Color) string {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	file := filepath.Join(t.TempDir(), "error.png")
	if err := os.WriteFile(file, pngFile(t, m), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Each cause has its own error image, whatever status is sent.
func TestErrorImagesByCause(t *testing.T) {
	red, green, blue, white := color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 255, 0, 255}, color.NRGBA{0, 0, 255, 255}, color.NRGBA{255, 255, 255, 255}
	images := map[string]string{"404": errorImage(t, red), "5xx": errorImage(t, green), "403": errorImage(t, blue)}
	b := bucket(t)
	s := newSite(t, b, Options{},
		HandlerConfig{ErrorImage: errorImage(t, white), ErrorImages: images, OutputFormat: "png", BoundsConfig: BoundsConfig{Blocked: []BlockedConfig{{Names: []string{"same.jpg"}}}}},
		HandlerConfig{Prefix: "one", ErrorStatus: 404, ErrorImages: images, OutputFormat: "png"},
		HandlerConfig{Prefix: "in", AuthStatus: 403, ErrorImages: images, OutputFormat: "png", Auth: signedHandler("").Auth})
	for _, tt := range []struct {
		target string
		status int
		want   color.NRGBA // zero: an empty body
	}{
		{"/h/missing.jpg?w=20", 404, red}, {"/h/notes.txt?w=20", 404, red}, {"/h/html.jpg?w=20", 502, green}, {"/h/cut.jpg?w=20", 422, white}, {"/h/same.jpg?w=20", 410, white},
		{"/one/missing.jpg?w=20", 404, red}, {"/one/html.jpg?w=20", 404, green}, {"/one/cut.jpg?w=20", 404, color.NRGBA{}},
		{"/in/photo.jpg?w=20", 403, blue}, {signURL(newSecret, "in", "missing.jpg", "w", "20"), 404, red},
	} {
		r := s.get(tt.target)
		if r.StatusCode != tt.status || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s = %d, %s; want %d", tt.target, r.StatusCode, r.Header.Get("Cache-Control"), tt.status)
		}
		if tt.want == (color.NRGBA{}) {
			if n := len(body(t, r)); n != 0 {
				t.Errorf("GET %s has %d bytes; want none", tt.target, n)
			}
			continue
		}
		m, _ := picture(t, r)
		if got := color.NRGBAModel.Convert(m.At(10, 10)); got != tt.want || m.Bounds().Dx() != 20 {
			t.Errorf("GET %s is %v, %v wide; want %v, 20", tt.target, got, m.Bounds().Dx(), tt.want)
		}
	}
}

// Refused requests get few images, which cost little, and those only so often;
// all others get theirs at any time.
func TestRefusedRequestsCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := signedHandler("h")
		h.ErrorImage, h.OutputFormats, h.OutputFormat = "../testdata/error.png", []string{"jpeg", "png", "webp", "avif", "tiff", "bmp", "gif"}, "jpeg"
		s := newSite(t, bucket(t), Options{}, h)
		for _, f := range []string{"avif", "auto", "tiff", "bmp", "gif", "webp", "png", "jpeg"} {
			r := s.get("/h/photo.jpg?w=60&h=61&f="+f, "Accept", "image/avif,image/webp")
			format := r.Header.Get("Content-Type")
			m, _ := picture(t, r)
			if r.StatusCode != 403 || format != "image/webp" && format != "image/png" && format != "image/jpeg" || m.Bounds().Size() != image.Pt(60, 61) {
				t.Errorf("f=%s = %d, %s of %v; want a cheap format of 60 x 61", f, r.StatusCode, format, m.Bounds())
			}
		}
		sizes := map[image.Point]bool{}
		for i := range 600 {
			r := s.get(fmt.Sprintf("/h/photo.jpg?f=png&w=%d&h=%d", 61+i, 62+i%300))
			if c, _, err := image.DecodeConfig(r.Body); err == nil { // else there is none
				sizes[image.Pt(c.Width, c.Height)] = true
			}
		}
		if n := len(sizes); n > 2*errorimage.RefusalBurst || n < errorimage.RefusalBurst/2 {
			t.Errorf("600 refused requests had images of %d sizes; want some dozens made, and no more", n)
		}
		if r := s.get("/h/photo.jpg?f=png&w=60&h=61"); len(body(t, r)) == 0 {
			t.Error("an image that was made before is not sent in a flood")
		}
		if r := s.get(signURL(newSecret, "h", "missing.jpg", "w", "123", "h", "77", "f", "avif")); r.StatusCode != 404 || r.Header.Get("Content-Type") != "image/webp" || len(body(t, r)) == 0 {
			t.Errorf("a request that was let in = %d, %s; want an image", r.StatusCode, r.Header.Get("Content-Type"))
		}
	})
}

// Only what will be so for some time, for everyone who may ask, may be kept.
func TestErrorImageAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket(t)
		s := newSite(t, b, Options{},
			HandlerConfig{ErrorImage: "../testdata/error.png", ErrorImageAge: 60},
			HandlerConfig{Prefix: "in", AuthStatus: 404, ErrorImageAge: 60, Auth: &AuthConfig{HMAC: signedHandler("").Auth.HMAC, JWT: &JWTConfig{Key: accesstest.Secret}}})
		token := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims(), nil)
		soon := accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), accesstest.Claims("exp", time.Now().Add(20*time.Second).Unix()), nil)
		for target, want := range map[string]string{
			"/h/missing.jpg": "public, max-age=60", "/h/notes.txt": "public, max-age=60", "/h/cut.jpg": "public, max-age=60", "/h/html.jpg": "no-store", "/h/../x": "no-store",
			"/in/missing.jpg": "no-store", signURL(newSecret, "in", "missing.jpg"): "public, max-age=60", "/in/missing.jpg?t=" + token: "private, max-age=60",
			"/in/missing.jpg?t=" + soon: "private, max-age=20",
		} {
			if r := s.get(target); r.Header.Get("Cache-Control") != want {
				t.Errorf("GET %.60s = %d, Cache-Control %q; want %q", target, r.StatusCode, r.Header.Get("Cache-Control"), want)
			}
		}
		b.Fail(storage.ErrUnavailable)
		if r := s.get("/h/photo.jpg"); r.StatusCode != 503 || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("a store in trouble: %d, %s; want no-store", r.StatusCode, r.Header.Get("Cache-Control"))
		}
	})
}

// With "*" names need no extension; what a file is, is found from its bytes.
func TestNamesWithoutExtension(t *testing.T) {
	b := bucket(t)
	b.Set("4711", jpegFile(t, 40, 30), modified)
	b.Set("v1.2/photo.v3", pngFile(t, gradient(30, 20)), modified)
	b.Set("text", []byte("no picture at all"), modified)
	b.Set("drawing", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), modified)
	s := newSite(t, b, Options{}, HandlerConfig{AllowedFormats: []string{"*"}}, HandlerConfig{Prefix: "not"})
	for target, want := range map[string]int{
		"/h/4711?w=20": 200, "/h/v1.2/photo.v3": 200, "/h/photo.jpg": 200, "/h/half.png": 200, "/h/anim.gif?f=gif": 200, "/h/text": 415, "/h/drawing": 415, "/h/tiff.jpg": 415, "/h/..": 400, "/h/": 400,
		"/not/4711": 404,
	} {
		if r := s.get(target); r.StatusCode != want {
			t.Errorf("GET %s = %d; want %d", target, r.StatusCode, want)
		}
	}
	if got := s.get("/h/4711?f=jpg").Header.Get("Content-Disposition"); got != "inline; filename=4711.jpg" {
		t.Errorf("Content-Disposition = %q", got)
	}
}

func TestErrorImageFaults(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.png")
	if err := os.WriteFile(broken, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		config HandlerConfig
		want   string
	}{
		{HandlerConfig{ErrorImages: map[string]string{"400": "x"}}, "handlers.0.error_images.400"},
		{HandlerConfig{ErrorImages: map[string]string{"3xx": "x"}}, "handlers.0.error_images.3xx"},
		{HandlerConfig{ErrorImages: map[string]string{"404": ""}}, "handlers.0.error_images.404"},
		{HandlerConfig{ErrorImages: map[string]string{"404": "missing.png"}}, "handlers.0.error_images.404"},
		{HandlerConfig{ErrorImages: map[string]string{"5xx": broken}}, "handlers.0.error_images.5xx"},
		{HandlerConfig{ErrorImage: broken}, "handlers.0.error_image"},
		{HandlerConfig{ErrorImageAge: -1}, "handlers.0.error_image_age"},
	} {
		tt.config.Prefix, tt.config.Bucket = "h", bucket(t)
		if err := Check(&Config{Handlers: []HandlerConfig{tt.config}}); err == nil || !strings.Contains(err.Error(), tt.want+":") {
			t.Errorf("Check = %v; want a fault of %s", err, tt.want)
		}
	}
}
