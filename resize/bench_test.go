package resize

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"s3imageserver/resize/options"
)

// benchPhotos are real photographs of 12.2, 12.7 and 15.9 megapixels.
var benchPhotos = []string{
	"libavif__dog_exif_extended_xmp_icc.jpg",
	"mei__Canon_EOS_5D.jpg",
	"mei__Kodak_PIXPRO_AZ521.jpg",
}

// BenchmarkResize makes JPEGs of JPEGs; bench/ compares it with others.
func BenchmarkResize(b *testing.B) {
	for _, name := range benchPhotos {
		data, err := os.ReadFile(filepath.Join(corpusFolder, "photos", name))
		if err != nil {
			b.Skip("no corpus: nothing to measure")
		}
		c, err := stdjpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range []options.Options{{Width: 300}, {Width: 300, Height: 200}, {Width: 1200}} {
			o.Format = options.JPEG
			size := lay(image.Pt(c.Width, c.Height), o).Size
			b.Run(fmt.Sprintf("jpeg_%dx%d_to_%dx%d", c.Width, c.Height, size.X, size.Y), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				r := &Resizer{}
				for b.Loop() {
					if _, err := resizeBytes(b, r, data, o); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
