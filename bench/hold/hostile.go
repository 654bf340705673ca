//go:build linux

package main

import (
	"bytes"
	"compress/zlib"
	"embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// hostileFiles are small files that ask their decoders for much: a JPEG XL of
// 64 x 64 pixels with a frame of 8192 x 8192, a HEIC of 128 x 128 with a
// parameter set of 8192 x 8192 among its data, an AVIF of 16 x 16 whose picture
// has 8192 x 8192, and one that is cut.
//
//go:embed hostile
var hostileFiles embed.FS

// hostile measures what files do that were made to take much: each alone, then
// all of them at once, in a container of 512 MB; and what a large picture does that fits.
func (b *bench) hostile() error {
	folder := filepath.Join(b.folder, "hostile")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	names, err := writeHostile(folder)
	if err != nil {
		return err
	}
	const limit = 512
	group, err := newMemoryGroup(limit << 20)
	env := []string(nil)
	how := fmt.Sprintf("a cgroup of %d MB", limit)
	if err != nil {
		env, how = []string{"GOMEMLIMIT=460MiB"}, "GOMEMLIMIT 460 MB" // nine tenths, as in a container
	} else {
		defer group.remove()
	}
	binary := b.binary
	if group != "" {
		b.binary = filepath.Join(b.folder, "contained")
		script := fmt.Sprintf("#!/bin/sh\necho $$ > %s/cgroup.procs && exec %s \"$@\"\n", group, binary)
		if err := os.WriteFile(b.binary, []byte(script), 0o755); err != nil {
			return err
		}
	}
	formats := []string{"jpeg", "png", "gif", "webp", "avif", "heic", "jxl", "tiff", "ico", "bmp"}
	p, err := b.serve("contained-files", []map[string]any{{"name": "h", "source": map[string]any{"dir": folder}, "allowed_formats": formats}}, env...)
	b.binary = binary
	if err != nil {
		return err
	}
	defer p.kill()
	pictures := 0
	ask := func(name string, width int) answer {
		return get(fmt.Sprintf("%s/h/%s?w=%d&f=jpeg", p.url, name, width))
	}
	const fits = "fits.png" // 40 million pixels of 4 bytes
	if err := os.WriteFile(filepath.Join(folder, fits), interlacedPNG(6300), 0o644); err != nil {
		return err
	}
	slowest := time.Duration(0)
	for _, name := range names {
		a := ask(name, 50)
		if a.status != 422 && a.status != 503 {
			pictures++
			fmt.Printf("  %s: %d, %v\n", name, a.status, a.err)
		}
		slowest = max(slowest, a.took)
	}
	b.report(how+": answers to hostile files that are neither 422 nor 503", "0", pictures == 0, "%d of %d", pictures, len(names))
	b.reportTime("  the slowest of them", "<= 5 s", slowest <= 5*time.Second, slowest)
	large := ask(fits, 50)
	b.report("  a picture of 6300 x 6300 that fits", "200", large.status == 200, "%d", large.status)
	var wg sync.WaitGroup
	for i := range 8 {
		for _, name := range names {
			wg.Go(func() { _ = ask(name, 60+i) })
		}
	}
	wg.Wait()
	alive := true
	select {
	case <-p.ended:
		alive = false
	default:
	}
	b.report("  the process lives after eight of each at once", "yes", alive, "%v", alive)
	if !alive {
		return nil
	}
	most, err := p.megabytes("VmHWM")
	if err != nil {
		return err
	}
	file, err := p.megabytes("RssFile") // the program itself, which the system reads again if it has to
	if err != nil {
		return err
	}
	most -= file
	b.report("  largest resident set, without the program's file", fmt.Sprintf("<= %d MB", limit), most <= limit, "%d MB", most)
	return nil
}

// writeHostile writes the files to a folder and returns their names.
func writeHostile(folder string) (names []string, err error) {
	files := map[string][]byte{
		"deep.tiff": deepTIFF(4300), "interlaced.png": interlacedPNG(9900), "many.ico": manyICO(65535),
		"associations.avif": associationsAVIF(4096, 255),
	}
	entries, err := hostileFiles.ReadDir("hostile")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if files[e.Name()], err = fs.ReadFile(hostileFiles, "hostile/"+e.Name()); err != nil {
			return nil, err
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// deflated returns n zeros, compressed.
func deflated(n int) []byte {
	var b bytes.Buffer
	z, _ := zlib.NewWriterLevel(&b, zlib.BestSpeed) // a level that there is
	zeros := make([]byte, 1<<20)
	for n > 0 {
		k := min(n, len(zeros))
		_, _ = z.Write(zeros[:k]) // to memory
		n -= k
	}
	_ = z.Close()
	return b.Bytes()
}

// deepTIFF is a picture of four samples of 16 bits in one strip.
func deepTIFF(side int) []byte {
	le := binary.LittleEndian
	data := deflated(side * side * 8)
	b := append([]byte("II*\x00"), 0, 0, 0, 0)
	b = append(b, data...)
	depths := len(b)
	b = append(b, 16, 0, 16, 0, 16, 0, 16, 0)
	le.PutUint32(b[4:], uint32(len(b)))
	n := uint32(side)
	entries := [][4]uint32{
		{256, 4, 1, n}, {257, 4, 1, n}, {258, 3, 4, uint32(depths)}, {259, 3, 1, 8}, {262, 3, 1, 2},
		{273, 4, 1, 8}, {277, 3, 1, 4}, {278, 4, 1, n}, {279, 4, 1, uint32(len(data))}, {338, 3, 1, 2},
	}
	b = le.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(e[0])), uint16(e[1])), e[2]), e[3])
	}
	return append(b, 0, 0, 0, 0)
}

func pngChunk(b []byte, kind string, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	from := len(b)
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
}

func pngHead(side int, depth, kind, interlaced byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(side)), uint32(side))
	return pngChunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", append(head, depth, kind, 0, 0, interlaced))
}

// interlacedPNG is a picture of four samples of 16 bits in seven passes.
func interlacedPNG(side int) []byte {
	n := 0
	for _, p := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		n += (1 + (side-p[0]+p[2]-1)/p[2]*8) * ((side - p[1] + p[3] - 1) / p[3])
	}
	return pngChunk(pngChunk(pngHead(side, 16, 6, 1), "IDAT", deflated(n)), "IEND", nil)
}

// manyICO has so many entries, all of the same PNG of 20,000 chunks.
func manyICO(entries int) []byte {
	png := pngHead(16, 8, 6, 0)
	for range 20000 {
		png = pngChunk(png, "tEXt", nil)
	}
	le := binary.LittleEndian
	b := le.AppendUint16([]byte{0, 0, 1, 0}, uint16(entries))
	entry := []byte{16, 16, 0, 0, 1, 0, 32, 0}
	entry = le.AppendUint32(le.AppendUint32(entry, uint32(len(png))), uint32(6+16*entries))
	return append(append(b, bytes.Repeat(entry, entries)...), png...)
}

// associationsAVIF has so many auxiliary items of so many properties each.
func associationsAVIF(items, each int) []byte {
	be := binary.BigEndian
	box := func(kind string, parts ...[]byte) []byte {
		data := bytes.Join(parts, nil)
		return append(append(be.AppendUint32(nil, uint32(len(data)+8)), kind...), data...)
	}
	ipma := be.AppendUint32([]byte{0, 0, 0, 0}, uint32(items))
	iref := []byte{0, 0, 0, 0}
	for i := range items {
		ipma = append(append(be.AppendUint16(ipma, uint16(i+1)), byte(each)), bytes.Repeat([]byte{1}, each)...)
		iref = append(iref, box("auxl", be.AppendUint16(nil, uint16(i+2)), []byte{0, 1, 0, 1})...)
	}
	ispe := box("ispe", []byte{0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 16})
	return append(box("ftyp", []byte("avif\x00\x00\x00\x00mif1avif")), box("meta", make([]byte, 4),
		box("pitm", []byte{0, 0, 0, 0, 0, 1}), box("iref", iref), box("iprp", box("ipco", ispe), box("ipma", ipma)))...)
}

// A memoryGroup is the folder of a control group.
type memoryGroup string

// newMemoryGroup makes a group whose processes together may have so many bytes,
// by version 1 or 2 of control groups.
func newMemoryGroup(n int) (memoryGroup, error) {
	var err error
	for _, v := range []struct{ root, file string }{{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"}} {
		folder := filepath.Join(v.root, fmt.Sprintf("hold-%d", os.Getpid()))
		if err = os.Mkdir(folder, 0o755); err != nil {
			continue
		}
		if err = os.WriteFile(filepath.Join(folder, v.file), fmt.Append(nil, n), 0o644); err == nil {
			// Some machines let a group be made, but no process join it.
			if err = exec.Command("sh", "-c", "echo $$ > "+folder+"/cgroup.procs").Run(); err == nil {
				return memoryGroup(folder), nil
			}
		}
		_ = os.Remove(folder)
	}
	return "", err
}

// remove removes the group when its processes have ended.
func (g memoryGroup) remove() {
	for range 100 {
		if os.Remove(string(g)) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
