package config

import (
	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// leastDefaultBudget is what large pictures need, in MB.
	leastDefaultBudget = 512
	// leastBudget is what any picture needs, in MB.
	leastBudget = 16
)

// defaultBudget returns the memory for pictures in MB when the configuration
// says nothing of it: a quarter of the least of the readings, at least 512 MB, but
// no more than 54 % of it, which is 60 % of what the process may take. Without any
// reading it is 512 MB.
func defaultBudget(readings ...memlimit.Provider) int64 {
	least := uint64(0)
	for _, read := range readings {
		if n, err := read(); err == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if least == 0 {
		return leastDefaultBudget
	}
	mb := int64(least >> 20)
	return max(leastBudget, min(max(mb/4, leastDefaultBudget), mb*54/100))
}
