//go:build unix

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"s3imageserver/bench/meter"
)

// photographs are of 12.2, 12.7 and 15.9 megapixels: one in 4:2:0, two in
// 4:2:2. The other sizes keep their ratio exactly, so that a result has the
// same height whoever rounds it.
var photographs = []struct {
	file     string
	small    image.Point // about 2 megapixels
	large    image.Point // about 24 megapixels
	original string      // its name in tables
}{
	{"libavif__dog_exif_extended_xmp_icc.jpg", image.Pt(1632, 1224), image.Pt(5656, 4242), "dog"},
	{"mei__Canon_EOS_5D.jpg", image.Pt(1164, 1746), image.Pt(4000, 6000), "canon"},
	{"mei__Kodak_PIXPRO_AZ521.jpg", image.Pt(1632, 1224), image.Pt(5656, 4242), "kodak"},
}

// An input is a JPEG file in the work folder.
type input struct {
	photo string
	path  string
	data  []byte
	size  image.Point
}

// Kinds of inputs.
const (
	baseline    = "baseline"
	progressive = "progressive"
	small       = "2mp"
	large       = "24mp"
)

// prepare makes the inputs of all kinds from the photographs, unless they are
// in the work folder already.
func prepare(photos, work string) (map[string][]*input, error) {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return nil, err
	}
	all := map[string][]*input{}
	for _, p := range photographs {
		makers := []struct {
			kind string
			make func(source []byte) ([]byte, error)
		}{
			{baseline, meter.WithoutMetadata},
			{progressive, meter.Progressive},
			{small, func(source []byte) ([]byte, error) { return meter.Scaled(source, p.small, 0) }},
			{large, func(source []byte) ([]byte, error) { return meter.Scaled(source, p.large, 2) }},
		}
		for _, m := range makers {
			in := &input{photo: p.original, path: filepath.Join(work, p.original+"-"+m.kind+".jpg")}
			if _, err := os.Stat(in.path); err != nil {
				source, err := os.ReadFile(filepath.Join(photos, p.file))
				if err != nil {
					return nil, err
				}
				made, err := m.make(source)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", in.path, err)
				}
				if err := os.WriteFile(in.path, made, 0o644); err != nil {
					return nil, err
				}
			}
			var err error
			if in.data, err = os.ReadFile(in.path); err != nil {
				return nil, err
			}
			c, err := jpeg.DecodeConfig(bytes.NewReader(in.data))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in.path, err)
			}
			in.size = image.Pt(c.Width, c.Height)
			all[m.kind] = append(all[m.kind], in)
		}
	}
	return all, nil
}

// install installs sharp into the work folder unless it is there.
func install(work, version string) error {
	pkg, err := os.ReadFile(filepath.Join(work, "node_modules", "sharp", "package.json"))
	if err == nil && strings.Contains(string(pkg), `"version": "`+version+`"`) {
		return nil
	}
	cmd := exec.Command("npm", "install", "--prefix", work, "--no-audit", "--no-fund", "sharp@"+version)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm install sharp@%s: %w", version, err)
	}
	return nil
}
