//go:build unix

// Package meter has what programs of bench measure alike.
package meter

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"s3imageserver/resize"
)

// CPUTime returns the CPU time that this process has used, of all threads, in user and
// kernel mode.
func CPUTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it has no way to fail
	}
	return Used(&u)
}

// Used returns the CPU time of a process, in user and kernel mode.
func Used(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// CPUTimeOf returns the CPU time that a process has used, in user and kernel mode: the
// 14th and 15th field of proc_pid_stat(5), in hundredths of a second. Linux only.
func CPUTimeOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat of process %d cannot be read", pid)
	}
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// Luma decodes a file by our own decoders, and returns its luma.
func Luma(file []byte) (*image.Gray, error) {
	r := resize.Resizer{Limits: resize.Limits{Formats: []resize.Format{resize.AVIF}}}
	result, err := r.Resize(context.Background(), resize.Source{Body: bytes.NewReader(file), Size: int64(len(file))}, resize.Options{Format: resize.PNG})
	if err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(result.Body))
	if err != nil {
		return nil, err
	}
	b := img.Bounds()
	out := image.NewGray(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out, nil
}

// SSIM returns the mean structural similarity of two pictures of one size, over
// windows of 8 by 8 pixels, 4 apart (Wang et al., 2004): 1 if they are equal.
func SSIM(a, b *image.Gray) float64 {
	const c1, c2, n = 6.5025, 58.5225, 64.0
	sum, windows := 0.0, 0
	for y := 0; y+8 <= a.Rect.Dy(); y += 4 {
		for x := 0; x+8 <= a.Rect.Dx(); x += 4 {
			var sa, sb, saa, sbb, sab int
			for dy := range 8 {
				p, q := a.Pix[(y+dy)*a.Stride+x:][:8], b.Pix[(y+dy)*b.Stride+x:][:8]
				for i := range p {
					s, t := int(p[i]), int(q[i])
					sa, sb, saa, sbb, sab = sa+s, sb+t, saa+s*s, sbb+t*t, sab+s*t
				}
			}
			ma, mb := float64(sa)/n, float64(sb)/n
			va, vb, cov := float64(saa)/n-ma*ma, float64(sbb)/n-mb*mb, float64(sab)/n-ma*mb
			sum += (2*ma*mb + c1) * (2*cov + c2) / ((ma*ma + mb*mb + c1) * (va + vb + c2))
			windows++
		}
	}
	return sum / float64(windows)
}

// WithoutMetadata leaves out EXIF, colour profiles and comments and copies
// everything else: what the engines do about profiles differs, and is not what
// is measured.
func WithoutMetadata(file []byte) ([]byte, error) {
	const sos, app1, app13, app15, com = 0xda, 0xe1, 0xed, 0xef, 0xfe
	out := bytes.Clone(file[:2])
	for at := 2; at+4 <= len(file); {
		if file[at] != 0xff {
			break
		}
		marker, end := file[at+1], at+2+int(binary.BigEndian.Uint16(file[at+2:]))
		switch {
		case marker == sos:
			return append(out, file[at:]...), nil
		case end > len(file):
			return nil, fmt.Errorf("segment beyond the end")
		case marker >= app1 && marker <= app13, marker == app15, marker == com:
		default:
			out = append(out, file[at:end]...)
		}
		at = end
	}
	return nil, fmt.Errorf("no scan")
}

// PNG encodes pixels as image/png does.
func PNG(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, m)
	return b.Bytes(), err
}
