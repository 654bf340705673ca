package server

import (
	"image"
	"strings"
	"testing"

	"s3imageserver/storage/storagetest"
)

func TestPresets(t *testing.T) {
	pt := image.Pt
	c := &Config{
		Presets: map[string]string{"small": "w=40&h=40", "flat": "h=20&fit=stretch", "file": "dl=x", "crop": "crop=10%,10%,50%,50%"},
		Handlers: []HandlerConfig{
			{Name: "h", Bucket: bucket(t), Presets: map[string]string{"own": "w=30&c=false"}},
			{Name: "other", Bucket: bucket(t), Presets: map[string]string{"small": "w=20&h=20"}, DefaultPreset: "small"},
			{Name: "only", Bucket: bucket(t), PresetsOnly: true},
			{Name: "strict", Bucket: bucket(t), PresetsOnly: true, StrictOptions: true},
		},
	}
	server, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, server)
	s := &site{t: t, server: server}
	tests := []struct {
		path string
		size image.Point
	}{
		{"/h/photo.jpg?preset=small", pt(40, 40)},
		{"/h/photo.jpg?preset=small&w=80", pt(80, 40)},
		{"/h/photo.jpg?preset=small,flat", pt(40, 20)},
		{"/h/photo.jpg?preset=flat,small", pt(40, 40)},
		{"/h/photo.jpg?preset=own&h=30", pt(30, 22)},
		{"/h/photo.jpg?preset=own&h=30&c=true", pt(30, 30)},
		{"/h/photo.jpg?preset=flat&w=60&c=false", pt(26, 20)},
		{"/h/photo.jpg?preset=small&w=", pt(53, 40)},
		{"/h/photo.jpg?preset=nobody", pt(400, 300)},
		{"/h/photo.jpg?preset=crop", pt(200, 150)},
		{"/other/photo.jpg", pt(20, 20)},
		{"/other/photo.jpg?w=10", pt(10, 20)},
		{"/other/photo.jpg?preset=flat", pt(20, 20)},
		{"/other/photo.jpg?preset=own", pt(20, 20)},
		{"/only/photo.jpg?w=10", pt(400, 300)},
		{"/only/photo.jpg?preset=small&w=10&blur=5", pt(40, 40)},
		{"/strict/photo.jpg?preset=small&utm_source=x", pt(40, 40)},
	}
	for _, tt := range tests {
		m, _ := picture(t, s.get(tt.path))
		if got := m.Bounds().Size(); got != tt.size {
			t.Errorf("%s: %v; want %v", tt.path, got, tt.size)
		}
	}
	if _, format := picture(t, s.get("/only/photo.jpg?preset=small&f=png")); format != "png" {
		t.Errorf("presets_only with f=png: %s", format)
	}
	if got := s.get("/h/photo.jpg?preset=file").Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment") {
		t.Errorf("a preset with dl: Content-Disposition: %s", got)
	}
	for _, query := range []string{"?preset=nobody", "?preset=small&w=10"} {
		if r := s.get("/strict/photo.jpg" + query); r.StatusCode != 400 {
			t.Errorf("strict_options, %s: status %d; want 400", query, r.StatusCode)
		}
	}
}

func TestBrokenPresets(t *testing.T) {
	c := &Config{
		Presets: map[string]string{"a": "w=99999", "b": "wdth=3", "c": "t=secret", "d,e": "w=3", "f": "preset=a"},
		Handlers: []HandlerConfig{
			{Name: "h", Bucket: new(storagetest.Memory), MaxDimension: 100, Presets: map[string]string{"big": "w=200", "ok": "w=100"}, DefaultPreset: "none"},
			{Name: "i", Bucket: new(storagetest.Memory), DefaultPreset: "a"},
		},
	}
	err := c.Validate()
	for _, want := range []string{
		"presets.a: w=99999: w is clamped to 12000", `presets.b: "wdth" is no parameter`, `presets.c: "t" is no`, `presets.d,e: "d,e" is not a name`, `presets.f: "preset" is no`,
		"handlers.0.presets.big: w=200: w is clamped to 100", `handlers.0.default_preset: there is no preset "none"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate: %v; want a fault with %q", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "presets.ok") {
		t.Errorf("Validate: %v; want no fault for a good one", err)
	}
	c = &Config{Handlers: []HandlerConfig{{Name: "h", Bucket: new(storagetest.Memory), PresetsOnly: true}}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "handlers.0.presets_only: there is no preset") {
		t.Errorf("presets_only without presets: %v", err)
	}
}
