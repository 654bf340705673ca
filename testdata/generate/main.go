// Generate renders the sample pictures of testdata: those that the server
// shows when it has nothing else, and those that tests read. Nothing is
// taken from elsewhere, and a second run writes the same bytes.
//
//	go run -tags nodynamic ./testdata/generate [-only photos,large,orientation,edge] [directory]
package main

import (
	"bytes"
	"flag"
	"image"
	"image/gif"
	"image/png"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gen2brain/webp"
	"s3imageserver/resize/jpeg"
)

func main() {
	log.SetFlags(0)
	only := flag.String("only", "photos,large,orientation,edge", "`folders` to write")
	flag.Parse()
	o := &output{dir: "testdata"}
	if flag.NArg() > 0 {
		o.dir = flag.Arg(0)
	}
	wants := func(folder string) bool { return strings.Contains(*only, folder) }
	if wants("edge") {
		o.edges()
	}
	if wants("orientation") {
		o.orientations()
	}
	if wants("photos") {
		o.photos()
	}
	// Both come from one exposure.
	if wants("photos") || wants("large") {
		o.stillLife()
	}
}

// photos writes what is embedded in the server, but for the still life.
func (o *output) photos() {
	o.png("error.png", notFound())
	o.png("photos/chart.png", chart())
	o.png("photos/logo.png", logo())

	var b bytes.Buffer
	check(gif.EncodeAll(&b, orbit(320, 240)))
	o.file("photos/orbit.gif", b.Bytes())

	o.jpeg("photos/landscape.jpg", landscape(1800, 1200).develop(1, 0.5), jpeg.EncodeOptions{Quality: 86, Progressive: true})
	upright := balloons(1000, 1500).develop(1, 0.5)
	o.file("photos/balloons.jpg", withOrientation(encodeJPEG(stored(upright, 6), jpeg.EncodeOptions{Quality: 86}), 6))
	o.webp("photos/garden.webp", garden(1200).develop(1.1, 0), webp.Options{Quality: 82, Method: 6})
}

// stillLife writes the still life with 12 and with 2 megapixels.
func (o *output) stillLife() {
	f := stillLife(4032, 3024, 5)
	large := f.develop(1.5, 3.2)
	o.jpeg("large/still-life.jpg", large, jpeg.EncodeOptions{Quality: 90})
	o.jpeg("large/still-life-progressive.jpg", large, jpeg.EncodeOptions{Quality: 90, Progressive: true})
	o.jpeg("photos/still-life.jpg", f.shrink(1600, 1200).develop(1.5, 0.4), jpeg.EncodeOptions{Quality: 88})
}

// output writes files below dir.
type output struct{ dir string }

func (o *output) file(name string, data []byte) {
	path := filepath.Join(o.dir, filepath.FromSlash(name))
	check(os.MkdirAll(filepath.Dir(path), 0o777))
	check(os.WriteFile(path, data, 0o666))
	log.Printf("%6.1fs %9d %s", time.Since(started).Seconds(), len(data), name)
}

var started = time.Now()

func (o *output) png(name string, m image.Image) {
	var b bytes.Buffer
	e := png.Encoder{CompressionLevel: png.BestCompression}
	check(e.Encode(&b, m))
	o.file(name, b.Bytes())
}

func (o *output) jpeg(name string, m image.Image, options jpeg.EncodeOptions) {
	o.file(name, encodeJPEG(m, options))
}

func (o *output) webp(name string, m image.Image, options webp.Options) {
	var b bytes.Buffer
	check(webp.Encode(&b, m, options))
	o.file(name, b.Bytes())
}

func encodeJPEG(m image.Image, options jpeg.EncodeOptions) []byte {
	var b bytes.Buffer
	check(jpeg.Encode(&b, m, &options))
	return b.Bytes()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
