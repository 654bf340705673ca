package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Path returns where a file of the configuration lies: as it is if it is
// absolute or exists relative to the working directory, else relative to the
// configuration file if it exists there.
func (c *Config) Path(name string) string {
	if name == "" || filepath.IsAbs(name) || c.base == "" {
		return name
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		if beside := filepath.Join(c.base, name); exists(beside) {
			return beside
		}
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ReadFile returns a file of the configuration, from the embedded ones if it
// is not on disk. A Server depends on it.
func (c *Config) ReadFile(name string) ([]byte, error) {
	data, err := c.fileBytes(name)
	sum := sha256.Sum256(data)
	c.DependsOn("file "+name, func() bool {
		now, err := c.fileBytes(name)
		return err == nil && sha256.Sum256(now) == sum
	})
	return data, err
}

// referenced returns what the file holds that a string refers to, without the end of its
// last line. A Server depends on it.
func (c *Config) referenced(name string) (string, error) {
	info, err := os.Stat(c.Path(name))
	switch {
	case err != nil: // an embedded one, else that is said below
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", name)
	case info.Size() > mostReferenced:
		return "", fmt.Errorf("%s holds more than the %d bytes that a secret may have", name, mostReferenced)
	}
	data, err := c.ReadFile(name)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

func (c *Config) fileBytes(name string) ([]byte, error) {
	data, err := os.ReadFile(c.Path(name))
	if errors.Is(err, fs.ErrNotExist) && c.files != nil {
		return fs.ReadFile(c.files, filepath.ToSlash(filepath.Clean(name)))
	}
	return data, err
}

// EmbeddedDir returns the embedded folder of that name, nil if there is none.
func (c *Config) EmbeddedDir(name string) fs.FS {
	if c.files == nil {
		return nil
	}
	sub, err := fs.Sub(c.files, filepath.ToSlash(filepath.Clean(name)))
	if err != nil {
		return nil
	}
	if _, err := fs.Stat(sub, "."); err != nil {
		return nil
	}
	return sub
}

// FileName returns the file that the configuration was read from, "" if it was
// put together in Go or is inside the binary.
func (c *Config) FileName() string {
	if c.doc == nil || c.files != nil {
		return ""
	}
	return c.doc.file
}

// Text returns the text that the configuration was read from, nil if there is
// none.
func (c *Config) Text() []byte {
	if c.doc == nil {
		return nil
	}
	return c.doc.raw
}

// DependsOn notes that a Server of the configuration is made of more than that;
// same reports later whether what goes by that name is still what it was.
func (c *Config) DependsOn(name string, same func() bool) {
	if c.doc == nil {
		return
	}
	c.doc.mu.Lock()
	defer c.doc.mu.Unlock()
	if c.doc.depends == nil {
		c.doc.depends = map[string]func() bool{}
	}
	c.doc.depends[name] = same
}

// Unchanged reports whether a Server made now of a configuration with that text
// would be the same as the one that was made of c: the files that it names have
// not changed either. What is not from a file may always have changed.
func (c *Config) Unchanged(text []byte) bool {
	if c.doc == nil || !bytes.Equal(text, c.doc.raw) {
		return false
	}
	c.doc.mu.Lock()
	defer c.doc.mu.Unlock()
	for _, same := range c.doc.depends {
		if !same() {
			return false
		}
	}
	return true
}
