package config

import (
	"reflect"
	"strings"
	"testing"

	"s3imageserver/storage/storagetest"
)

// Every value of a configuration is part of its digest, secrets too.
func TestDigest(t *testing.T) {
	c := Config{Handlers: make([]HandlerConfig, 1), Auth: &AuthConfig{HMAC: &HMACConfig{Keys: []SigningKey{{}}}, JWT: &JWTConfig{}}, Presets: map[string]string{"a": "b"}}
	c.Handlers[0].AWS = &AWSConfig{}
	before := Digest(&c)
	if again := Digest(&c); again != before {
		t.Fatalf("two digests of one configuration: %s and %s", before, again)
	}
	n := 0
	eachScalar(reflect.ValueOf(&c).Elem(), "", func(key string, v reflect.Value) {
		n++
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		text := "7"
		if v.Kind() == reflect.Bool || v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.Bool {
			text = "true"
		}
		if err := setText(v, text); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if Digest(&c) == before {
			t.Errorf("%s is not part of the digest", key)
		}
		v.Set(old)
	})
	c.Presets["a"] = "c"
	if n < 50 || Digest(&c) == before {
		t.Errorf("%d values were changed; a preset is part of the digest: %t", n, Digest(&c) != before)
	}
	secret := &AWSConfig{SecretKey: "one"}
	if a, b := Digest(secret), Digest(&AWSConfig{SecretKey: "two"}); a == b || strings.Contains(a, "one") {
		t.Errorf("digests of two secrets: %s, %s", a, b)
	}
	if a, b := new(storagetest.Memory), new(storagetest.Memory); Digest(HandlerConfig{Bucket: a}) == Digest(HandlerConfig{Bucket: b}) {
		t.Error("two buckets have one digest")
	}
}
