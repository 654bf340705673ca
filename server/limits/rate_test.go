package limits

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"s3imageserver/server/config"
)

// However many clients come, few are remembered.
func TestLimitersAreBounded(t *testing.T) {
	l := newLimiter[netip.Addr](config.Rate{PerSecond: 0.001, Burst: 1}) // another one in a quarter of an hour
	r := rand.New(rand.NewPCG(5, 6))
	for range 3 * maxLimiters {
		_ = l.allow(netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}))
	}
	l.known.CleanUp()
	if n := l.known.EstimatedSize(); n > maxLimiters {
		t.Errorf("%d clients are remembered; want at most %d", n, maxLimiters)
	}
	one := netip.MustParseAddr("1.2.3.4")
	passed := 0
	for range 100 {
		if l.allow(one) == nil {
			passed++
		}
	}
	if passed > 2 {
		t.Errorf("%d of 100 requests at once pass in a full table; want 1, or 2 if it was forgotten", passed)
	}
}
