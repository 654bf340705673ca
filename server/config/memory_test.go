package config

import (
	"errors"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"s3imageserver/storage/storagetest"
)

func TestDefaultBudget(t *testing.T) {
	none := func() (uint64, error) { return 0, errors.New("there is no such thing here") }
	mb := func(n uint64) memlimit.Provider { return memlimit.Limit(n << 20) }
	for _, tt := range []struct {
		name            string
		cgroup, machine memlimit.Provider
		want            int64
	}{
		{"a quarter of a machine without a bound", none, mb(24000), 6000},
		{"a quarter of the container, not of the machine", mb(4096), mb(24000), 1024},
		{"a bound above what the machine has is none", mb(64000), mb(8000), 2000},
		{"at least 512", mb(1024), mb(24000), 512},
		{"at most 60 % of 90 % of a small container", mb(512), mb(24000), 276},
		{"at least what a picture needs", mb(20), mb(24000), 16},
		{"nothing can be read", none, none, 512},
		{"nothing is told", mb(0), mb(0), 512},
	} {
		if got := defaultBudget(tt.cgroup, tt.machine); got != tt.want {
			t.Errorf("%s: %d MB; want %d", tt.name, got, tt.want)
		}
	}
	c := &Config{Handlers: []HandlerConfig{{Name: "h", Bucket: new(storagetest.Memory)}}}
	if err := c.Validate(); err != nil || c.MemoryBudget != defaultBudget(memlimit.FromCgroup, memlimit.FromSystem) {
		t.Errorf("memory_budget absent: %v, %d MB", err, c.MemoryBudget)
	}
	c.MemoryBudget = 300
	if err := c.Validate(); err != nil || c.MemoryBudget != 300 {
		t.Errorf("memory_budget 300: %v, %d MB", err, c.MemoryBudget)
	}
}
