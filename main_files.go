package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"s3imageserver/resize"
)

// maxStdin bounds a picture that comes by the standard input, whose size is not
// known before.
const maxStdin = 1 << 30

// openFile opens a picture; "-" is stdin. The caller must close it.
func openFile(name string, stdin io.Reader) (source resize.Source, closer io.Closer, err error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(stdin, maxStdin+1))
		if err == nil && len(data) > maxStdin {
			err = fmt.Errorf("more than %d bytes", maxStdin)
		}
		return resize.Source{Body: bytes.NewReader(data), Size: int64(len(data))}, io.NopCloser(nil), err
	}
	f, err := os.Open(name)
	if err != nil {
		return source, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a file")
	}
	if err != nil {
		return source, nil, errors.Join(err, f.Close())
	}
	return resize.Source{Body: f, Size: info.Size()}, f, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isPicture(path string) bool {
	f := resize.FormatByName(strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), "."))
	return f != resize.NoFormat && !f.IsAuto()
}

// writeFile writes a file whole or not at all, and the folders that lead to it.
func writeFile(name string, data []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".convert-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it is not there any more when all went well
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
