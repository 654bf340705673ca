package main

import (
	"bufio"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/webp"
)

const root = ".."

// row is a line of a table in README.md.
type row struct{ name, format, size string }

func readme(t *testing.T) (rows []row) {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		cells := strings.Split(s.Text(), "|")
		if len(cells) < 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		rows = append(rows, row{cells[1], cells[2], cells[3]})
	}
	return rows
}

// TestFiles checks that README.md tells the truth about every file.
func TestFiles(t *testing.T) {
	listed := map[string]bool{}
	for _, r := range readme(t) {
		listed[r.name] = true
		f, err := os.Open(filepath.Join(root, r.name))
		if err != nil {
			t.Error(err)
			continue
		}
		c, format, err := image.DecodeConfig(f)
		size := fmt.Sprintf("%dx%d", c.Width, c.Height)
		switch {
		case r.format == "none":
			if err == nil {
				t.Errorf("%s: is a %s file; want none", r.name, format)
			}
		case err != nil || format != r.format || size != r.size:
			t.Errorf("%s: %s of %s, %v; want %s of %s", r.name, format, size, err, r.format, r.size)
		}
		broken := strings.Contains(r.name, "truncated") || strings.Contains(r.name, "bomb")
		if r.format != "none" && !broken && c.Width*c.Height < 4<<20 {
			if _, err := f.Seek(0, 0); err != nil {
				t.Fatal(err)
			}
			if _, _, err := image.Decode(f); err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
		}
		f.Close()
	}
	for _, folder := range []string{"photos", "large", "orientation", "edge"} {
		entries, err := os.ReadDir(filepath.Join(root, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if name := folder + "/" + e.Name(); !listed[name] {
				t.Errorf("%s is not in README.md", name)
			}
		}
	}
}

func TestTotals(t *testing.T) {
	for folder, limit := range map[string]int64{"photos": 1500 << 10, "large": 8 << 20, "orientation": 128 << 10, "edge": 128 << 10} {
		var total int64
		err := filepath.WalkDir(filepath.Join(root, folder), func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			total += info.Size()
			return err
		})
		if err != nil || total > limit {
			t.Errorf("%s: %d bytes, %v; want at most %d", folder, total, err, limit)
		}
	}
}

// TestOrientations checks that the eight files show the same picture.
func TestOrientations(t *testing.T) {
	read := func(name string) image.Image {
		f, err := os.Open(filepath.Join(root, "orientation", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m, _, err := image.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	upright := read("upright.png")
	for i := 1; i <= 8; i++ {
		want := stored(upright, i)
		got := read(fmt.Sprintf("%d.jpg", i))
		if got.Bounds() != want.Bounds() {
			t.Errorf("orientation %d: %v; want %v", i, got.Bounds(), want.Bounds())
			continue
		}
		var sum, n float64
		for y := range want.Rect.Dy() {
			for x := range want.Rect.Dx() {
				r, _, b, _ := got.At(x, y).RGBA()
				r2, _, b2, _ := want.At(x, y).RGBA()
				d, e := float64(r>>8)-float64(r2>>8), float64(b>>8)-float64(b2>>8)
				sum += d*d + e*e
				n += 2
			}
		}
		if sum/n > 30 {
			t.Errorf("orientation %d: mean squared error %.1f; want at most 30", i, sum/n)
		}
	}
}
