package main

import (
	"fmt"
	"image"
	"math"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/goregular"
)

// daylight is how many hours the sun is up on a day of the year, by its
// declination and the hour angle at which it sets; refraction and the size
// of its disk add 0.83 degrees.
func daylight(latitude, day float64) float64 {
	const rad = math.Pi / 180
	declination := -23.44 * rad * math.Cos(2*math.Pi*(day+10)/365.25)
	phi := latitude * rad
	cos := (math.Sin(-0.83*rad) - math.Sin(phi)*math.Sin(declination)) / (math.Cos(phi) * math.Cos(declination))
	return 24 / math.Pi * math.Acos(clamp(cos, -1, 1))
}

// chart draws the length of the day over a year in five cities.
func chart() image.Image {
	const (
		w, h             = 1200, 800
		left, right      = 96.0, 1010.0
		top, bottom      = 168.0, 704.0
		days, hours, gap = 365.0, 24.0, 4.0
	)
	ink, soft, line := hex(0x1f2937), hex(0x6b7280), hex(0xe5e7eb)
	c := newCanvas(w, h)
	c.fill(flat(hex(0xfcfcfd)), polygon(0, 0, w, 0, w, h, 0, h))
	c.text(gobold.TTF, 40, left-36, 76, 0, ink, "Hours of daylight")
	c.text(goregular.TTF, 22, left-36, 114, 0, soft, "From sunrise to sunset, through one year")

	x := func(day float64) float64 { return left + (right-left)*day/days }
	y := func(v float64) float64 { return bottom - (bottom-top)*v/hours }
	for v := 0.0; v <= hours; v += gap {
		at := math.Round(y(v))
		color := line
		if v == 0 {
			color = hex(0x9ca3af)
		}
		c.fill(flat(color), polygon(left, at-1, right, at-1, right, at+1, left, at+1))
		c.text(goregular.TTF, 19, left-14, at+7, 1, soft, fmt.Sprintf("%.0f h", v))
	}
	first := 0.0
	for i, n := range []float64{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31} {
		c.text(goregular.TTF, 19, x(first+n/2), bottom+34, 0.5, soft, months[i])
		if i > 0 {
			at := math.Round(x(first))
			c.fill(flat(hex(0x9ca3af)), polygon(at-0.5, bottom, at+0.5, bottom, at+0.5, bottom+9, at-0.5, bottom+9))
		}
		first += n
	}

	for i, city := range []struct {
		name     string
		latitude float64
		color    rgba
	}{
		{"Reykjavík", 64.15, hex(0x4f46e5)},
		{"Berlin", 52.52, hex(0x0284c7)},
		{"Tokyo", 35.68, hex(0x0d9488)},
		{"Nairobi", -1.29, hex(0xd97706)},
		{"Ushuaia", -54.80, hex(0xdb2777)},
	} {
		var curve []float64
		for day := 0.0; day <= days; day++ {
			curve = append(curve, x(day), y(daylight(city.latitude, day)))
		}
		if i == 0 {
			area := append([]float64{}, curve...)
			area = append(area, right, y(12), left, y(12))
			c.fill(down(top, y(12), city.color.fade(0.20), city.color.fade(0.02)), polygon(area...))
		}
		c.fill(flat(hex(0xfcfcfd)), stroke(9, curve...))
		c.fill(flat(city.color), stroke(4.5, curve...))
		// The lines end close together: labels keep their distance.
		labelY := []float64{y(3.4), y(7.2), y(9.6), y(12), y(17.2)}[i]
		end := curve[len(curve)-1]
		c.fill(flat(city.color), circle(right, end, 6.5))
		c.fill(flat(city.color.fade(0.5)), stroke(1.5, right+8, end, right+22, labelY))
		c.text(gomedium.TTF, 22, right+30, labelY+8, 0, city.color, city.name)
	}
	c.text(goregular.TTF, 16, left-36, h-28, 0, hex(0x9ca3af), "Computed from latitude and the declination of the sun.")
	return c.image()
}

var months = []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
