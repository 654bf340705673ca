package main

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"math"

	"github.com/gen2brain/webp"
	"s3imageserver/resize/jpeg"
)

// lighthouse draws a small scene that looks different however it is turned
// or mirrored.
func lighthouse(w, h int) image.Image {
	const scale = 4
	c := newCanvas(300*scale, 200*scale)
	at := func(xy ...float64) path {
		for i := range xy {
			xy[i] *= scale
		}
		return polygon(xy...)
	}
	c.fill(down(0, 150*scale, hex(0x3f7fc4), hex(0xf9d9b0)), at(0, 0, 300, 0, 300, 200, 0, 200))
	c.fill(flat(hex(0xfff0b8)), circle(236*scale, 52*scale, 22*scale))
	for _, p := range [][2]float64{{150, 44}, {168, 36}, {188, 45}} {
		c.fill(flat(hex(0xffffff).fade(0.9)), circle(p[0]*scale, p[1]*scale, 13*scale))
	}
	c.fill(flat(hex(0xffffff).fade(0.9)), rounded(138*scale, 43*scale, 202*scale, 58*scale, 7.5*scale))
	c.fill(down(140*scale, 200*scale, hex(0x2e7da6), hex(0x174a70)), at(0, 140, 300, 140, 300, 200, 0, 200))
	c.fill(flat(hex(0xffe9b5).fade(0.5)), at(226, 141, 246, 141, 268, 200, 204, 200))
	c.fill(flat(hex(0x3b6b3f)), at(0, 124, 60, 118, 118, 140, 150, 160, 120, 200, 0, 200))
	c.fill(flat(hex(0x2c5331)), at(0, 160, 70, 158, 120, 200, 0, 200))
	// The tower has red bands on the left of the picture.
	c.fill(flat(hex(0xf7f3ea)), at(56, 60, 88, 60, 96, 140, 48, 140))
	for i := range 3 {
		y := 66 + 26*float64(i)
		l := func(y float64) float64 { return (y - 60) / 10 }
		c.fill(flat(hex(0xd23c3c)), at(56-l(y), y, 88+l(y), y, 88+l(y+13), y+13, 56-l(y+13), y+13))
	}
	c.fill(flat(hex(0x26323f).fade(0.22)), at(74, 60, 88, 60, 96, 140, 78, 140))
	c.fill(flat(hex(0x26323f)), at(50, 54, 94, 54, 94, 60, 50, 60), at(58, 30, 72, 18, 86, 30, 86, 33, 58, 33))
	c.fill(flat(hex(0xffd75e)), at(61, 33, 83, 33, 83, 54, 61, 54))
	c.fill(flat(hex(0xffefb0).fade(0.35)), at(83, 40, 300, 66, 300, 112, 83, 49))
	// A boat sails to the left.
	c.fill(flat(hex(0xfdfdfb)), at(222, 118, 222, 154, 196, 154))
	c.fill(flat(hex(0xe6ddc8)), at(226, 112, 226, 154, 248, 154))
	c.fill(flat(hex(0x7a3b22)), at(190, 157, 256, 157, 246, 169, 202, 169))

	big := c.image()
	f := &film{c.w, c.h, make([]vec, c.w*c.h)}
	for i := range f.pix {
		p := big.Pix[4*i:]
		f.pix[i] = vec{linear[p[0]], linear[p[1]], linear[p[2]]}
	}
	f = f.shrink(w, h)
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i, p := range f.pix {
		m.SetNRGBA(i%w, i/w, color.NRGBA{uint8(255*toSRGB(p.x) + 0.5), uint8(255*toSRGB(p.y) + 0.5), uint8(255*toSRGB(p.z) + 0.5), 255})
	}
	return m
}

// orientations writes the lighthouse in all eight.
func (o *output) orientations() {
	upright := lighthouse(300, 200)
	o.png("orientation/upright.png", upright)
	for i := 1; i <= 8; i++ {
		data := encodeJPEG(stored(upright, i), jpeg.EncodeOptions{Quality: 88, Chroma444: true})
		o.file("orientation/"+string(rune('0'+i))+".jpg", withOrientation(data, byte(i)))
	}
}

// edges writes files for tests: rare kinds, and broken ones.
func (o *output) edges() {
	scene := lighthouse(150, 100)
	gray := image.NewGray(scene.Bounds())
	var inks [4]*image.Gray
	for i := range inks {
		inks[i] = image.NewGray(scene.Bounds())
	}
	for i := range gray.Pix {
		x, y := i%150, i/150
		gray.Set(x, y, scene.At(x, y))
		k := color.CMYKModel.Convert(scene.At(x, y)).(color.CMYK)
		inks[0].Pix[i], inks[1].Pix[i], inks[2].Pix[i], inks[3].Pix[i] = k.C, k.M, k.Y, k.K
	}
	o.png("edge/gray.png", gray)
	o.jpeg("edge/gray.jpg", gray, jpeg.EncodeOptions{Quality: 85})
	cmyk, err := cmykJPEG(inks, 90)
	check(err)
	o.file("edge/cmyk.jpg", cmyk)
	o.jpeg("edge/p3.jpg", scene, jpeg.EncodeOptions{Quality: 88, ICC: displayP3()})

	dot := image.NewNRGBA(image.Rect(0, 0, 1, 1))
	dot.SetNRGBA(0, 0, color.NRGBA{0xd2, 0x3c, 0x3c, 255})
	o.png("edge/1x1.png", dot)
	o.jpeg("edge/1x1.jpg", dot, jpeg.EncodeOptions{Quality: 90})

	deep := image.NewNRGBA64(image.Rect(0, 0, 128, 96))
	for y := range 96 {
		for x := range 128 {
			u, v := float64(x)/127, float64(y)/95
			deep.SetNRGBA64(x, y, color.NRGBA64{
				uint16(65535 * u), uint16(65535 * v), uint16(65535 * (1 - u*v)), uint16(65535 * clamp(1.4-v, 0, 1)),
			})
		}
	}
	o.png("edge/16-bit.png", deep)
	o.palettes(scene)

	for _, f := range []struct {
		name string
		c    color.NRGBA
	}{
		{"white", color.NRGBA{255, 255, 255, 255}}, {"black", color.NRGBA{0, 0, 0, 255}}, {"red", color.NRGBA{255, 0, 0, 255}},
	} {
		m := image.NewNRGBA(image.Rect(0, 0, 64, 48))
		for i := range m.Pix {
			m.Pix[i] = [4]uint8{f.c.R, f.c.G, f.c.B, f.c.A}[i%4]
		}
		o.webp("edge/"+f.name+".webp", m, webp.Options{Quality: 80, Method: 4})
		if f.name == "white" {
			o.webp("edge/white-lossless.webp", m, webp.Options{Lossless: true, Method: 4})
		}
	}

	whole := encodeJPEG(scene, jpeg.EncodeOptions{Quality: 88})
	o.file("edge/truncated.jpg", whole[:len(whole)*6/10])
	var b bytes.Buffer
	check(png.Encode(&b, scene))
	o.file("edge/truncated.png", b.Bytes()[:b.Len()*6/10])
	o.file("edge/bomb.png", pngHeader(50000, 50000))
	o.file("edge/not-a-picture.jpg", []byte("<!doctype html>\n<title>404 Not Found</title>\n<p>This is not a picture.\n"))
}

// palettes writes pictures with a table of colours.
func (o *output) palettes(scene image.Image) {
	frame := part(scene, scene.Bounds())
	p := colorsOf([]*image.NRGBA{frame}, 60)
	index := nearestIn(p)
	for i, a := range []uint8{0, 64, 128, 192} { // tRNS
		c := p[i].(color.RGBA)
		p = append(p, color.NRGBA{c.R, c.G, c.B, a})
	}
	m := image.NewPaletted(frame.Rect, p)
	bits := image.NewPaletted(frame.Rect, color.Palette{color.NRGBA{0x1f, 0x29, 0x37, 255}, color.NRGBA{0xff, 0xf7, 0xe6, 255}})
	see := image.NewPaletted(frame.Rect, append(color.Palette{color.RGBA{}}, p[:60]...))
	for y := range 100 {
		for x := range 150 {
			q := frame.Pix[y*frame.Stride+4*x:]
			r, g, b := float64(q[0]), float64(q[1]), float64(q[2])
			c := index(r, g, b)
			m.Pix[y*m.Stride+x] = c
			// Alpha comes in four steps, as rings around the middle.
			d := math.Hypot(float64(x)-74.5, (float64(y)-49.5)*1.5)
			if d > 62 {
				m.Pix[y*m.Stride+x] = 60 + uint8(clamp((78-d)/4, 0, 3))
			}
			if d <= 70 {
				see.Pix[y*see.Stride+x] = c + 1
			}
			if 0.3*r+0.59*g+0.11*b > 4*float64(bayer(x, y)) {
				bits.Pix[y*bits.Stride+x] = 1
			}
		}
	}
	o.png("edge/palette.png", m)
	o.png("edge/palette-1bit.png", bits)
	var b bytes.Buffer
	check(gif.Encode(&b, see, nil))
	o.file("edge/transparent.gif", b.Bytes())
}
