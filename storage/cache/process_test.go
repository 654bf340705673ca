package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// childFolder names the folder in which a child process of a test writes.
const childFolder = "S3IMAGESERVER_TEST_CACHE"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		writeForEver(folder)
	}
	os.Exit(m.Run())
}

// stormBody returns the only right body of the i-th key.
func stormBody(i int) []byte { return bytes.Repeat([]byte(fmt.Sprint(i, " ")), 1000) }

func writeForEver(folder string) {
	d, err := OpenDisk(folder, DiskConfig{MaxBytes: 1 << 20})
	if err != nil {
		panic(err)
	}
	for n := 0; ; n++ {
		i := rand.IntN(300)
		if err := d.Put(numbered(i), NewEntry(stormBody(i), "image/png")); err != nil {
			panic(err)
		}
		if n == 0 {
			fmt.Println("writing")
		}
	}
}

// Two processes write and evict in one folder and are killed in the middle of
// it, again and again, while a third one reads. No wrong byte is read, and what
// they leave behind is bounded and swept.
func TestKilledWriters(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	folder := t.TempDir()
	d := openConfigured(t, folder, DiskConfig{MaxBytes: 1 << 20})
	read := 0
	check := func(i int) {
		switch e, err := d.Get(numbered(i)); {
		case err == nil && !bytes.Equal(e.Body, stormBody(i)):
			t.Fatalf("entry %d holds %.20q", i, e.Body)
		case err == nil:
			read++
		case !errors.Is(err, fs.ErrNotExist) || errors.Is(err, errDamaged):
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	for range rounds {
		a, b := startChild(t, folder), startChild(t, folder)
		for end := time.Now().Add(time.Duration(rand.IntN(30)) * time.Millisecond); time.Now().Before(end); {
			check(rand.IntN(300))
		}
		for _, c := range []*exec.Cmd{a, b} {
			_ = c.Process.Kill() // the child runs until it is killed
			_ = c.Wait()         // says that it was
		}
		for i := range 300 {
			check(i)
		}
	}
	t.Logf("%d entries read", read)
	if read == 0 {
		t.Error("no entry was read")
	}
	orphans, err := os.ReadDir(filepath.Join(folder, tempFolder))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.removeOrphans(time.Now().Add(orphanAge + time.Minute)); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(folder, tempFolder))
	if err != nil || len(left) != 0 {
		t.Errorf("%d of %d temporary files are left, %v; want none", len(left), len(orphans), err)
	}
	d.sweep(t.Context())
	if n := bytesBelow(t, d); n > 1<<20 {
		t.Errorf("%d bytes after a sweep; the bound is %d", n, 1<<20)
	}
}

// startChild starts a process that writes into folder and waits until it does.
func startChild(t *testing.T, folder string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childFolder+"="+folder)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // most have been killed by then
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	return c
}
