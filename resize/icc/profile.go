// Package icc converts colours of an embedded profile to sRGB (ICC.1:2022, that
// is ISO 15076-1, and the older version 2).
//
// Input is what pictures have: grey, RGB or CMYK with 8 bits a sample, by
// matrix and curves or by tables. The perceptual tables are used where there
// are several. Output is clipped to sRGB (IEC 61966-2-1).
package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrProfile says that a profile is damaged, or of a kind that no picture has.
var ErrProfile = errors.New("icc: unusable profile")

// MaxBytes is the longest profile that is read: printers' tables have up to 3 MB.
const MaxBytes = 4 << 20

const (
	headerBytes = 128
	maxTags     = 256
)

// A profile gives access to the tags.
type profile struct {
	data    []byte
	version byte
	space   string // of the device
	pcs     string // "XYZ " or "Lab "
	tags    map[string][]byte
}

func parse(data []byte) (*profile, error) {
	if len(data) < headerBytes+4 || len(data) > MaxBytes || string(data[36:40]) != "acsp" {
		return nil, fmt.Errorf("%w: no profile header in %d bytes", ErrProfile, len(data))
	}
	p := &profile{data: data, version: data[8], space: string(data[16:20]), pcs: string(data[20:24]), tags: map[string][]byte{}}
	if p.pcs != "XYZ " && p.pcs != "Lab " {
		return nil, fmt.Errorf("%w: connection space %q", ErrProfile, p.pcs)
	}
	n := binary.BigEndian.Uint32(data[headerBytes:])
	entries := data[headerBytes+4:]
	if n > maxTags || int(n)*12 > len(entries) {
		return nil, fmt.Errorf("%w: %d tags", ErrProfile, n)
	}
	for i := range int(n) {
		e := entries[12*i:]
		at, length := uint64(binary.BigEndian.Uint32(e[4:])), uint64(binary.BigEndian.Uint32(e[8:]))
		if at+length > uint64(len(data)) || length < 8 {
			continue // a tag that is needed will be missed
		}
		if name := string(e[:4]); p.tags[name] == nil {
			p.tags[name] = data[at : at+length]
		}
	}
	return p, nil
}

// Channels returns how many samples a colour of the profile's device has: 1, 3
// or 4; 0 if it is of no use for pictures. Only the header is looked at.
func Channels(data []byte) int {
	if len(data) < headerBytes || string(data[36:40]) != "acsp" {
		return 0
	}
	switch string(data[16:20]) {
	case "GRAY":
		return 1
	case "RGB ":
		return 3
	case "CMYK":
		return 4
	}
	return 0
}

// Description returns the profile's name, "" if it has none that can be read.
func Description(data []byte) string {
	p, err := parse(data)
	if err != nil {
		return ""
	}
	tag := p.tags["desc"]
	switch {
	case len(tag) >= 12 && string(tag[:4]) == "desc":
		n := uint64(binary.BigEndian.Uint32(tag[8:]))
		return printable(tag[12:min(uint64(len(tag)), 12+n)])
	case len(tag) >= 28 && string(tag[:4]) == "mluc":
		n, at := uint64(binary.BigEndian.Uint32(tag[20:])), uint64(binary.BigEndian.Uint32(tag[24:]))
		if at > uint64(len(tag)) {
			return ""
		}
		var name []byte
		for text := tag[at:min(uint64(len(tag)), at+n)]; len(text) >= 2; text = text[2:] {
			if text[0] == 0 { // Latin is all that names have
				name = append(name, text[1])
			}
		}
		return printable(name)
	}
	return ""
}

// printable returns at most 80 characters of ASCII.
func printable(b []byte) string {
	var s []byte
	for _, c := range b {
		if c >= ' ' && c < 0x7f && len(s) < 80 {
			s = append(s, c)
		}
	}
	return string(s)
}

// corbis is the type that profiles of Corbis have for XYZType; readers take it as
// that.
const corbis = "\x17\xa5\x05\xb8"

// xyz reads the first number of an XYZType tag.
func (p *profile) xyz(name string) (v [3]float64, err error) {
	tag := p.tags[name]
	if len(tag) < 20 || string(tag[:4]) != "XYZ " && string(tag[:4]) != corbis {
		return v, fmt.Errorf("%w: no colorant %s", ErrProfile, name)
	}
	for i := range v {
		v[i] = s15Fixed16(tag[8+4*i:])
	}
	return v, nil
}

func s15Fixed16(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }
