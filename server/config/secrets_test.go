package config

import (
	"maps"
	"slices"
	"testing"

	"s3imageserver/server/dialect"
)

// What looks for secrets finds those of dialects too.
func TestSecretsOfDialects(t *testing.T) {
	c := &Config{Handlers: []HandlerConfig{
		{Dialect: &dialect.Settings{Name: "imgproxy", Keys: []dialect.KeyPair{{Key: "6b6579", Salt: "73616c74"}}, SourceKey: "736f75726365"}},
		{Dialect: &dialect.Settings{Name: "thumbor", Secret: "one"}},
		{Dialect: &dialect.Settings{Name: "imgix", Token: "two"}},
	}}
	want := []string{"handlers.0.dialect.keys.0.key", "handlers.0.dialect.keys.0.salt", "handlers.0.dialect.source_key", "handlers.1.dialect.secret", "handlers.2.dialect.token"}
	if got := slices.Sorted(maps.Keys(c.SecretValues())); !slices.Equal(got, want) {
		t.Errorf("secrets %q; want %q", got, want)
	}
}
