package storagetest_test

import (
	"testing"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

func TestMemory(t *testing.T) {
	storagetest.Test(t, func(t *testing.T, objects map[string][]byte) storage.Bucket {
		var m storagetest.Memory
		for name, data := range objects {
			m.Set(name, data, time.Unix(1700000000, 0))
		}
		return &m
	})
}

func TestMemoryStore(t *testing.T) { storagetest.TestStore(t, &storagetest.Memory{}) }
