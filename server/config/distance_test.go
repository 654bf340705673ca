package config

import "testing"

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"cache_path", "cache_path", 0},
		{"cach_path", "cache_path", 1}, {"http_prot", "http_port", 2}, {"kitten", "sitting", 3},
		{"flaw", "lawn", 2}, {"größe", "grosse", 3}, {"ab", "ba", 2}, {"intention", "execution", 5},
	} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d; want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance(tt.b, tt.a); got != tt.want {
			t.Errorf("distance(%q, %q) = %d; want %d", tt.b, tt.a, got, tt.want)
		}
	}
}
