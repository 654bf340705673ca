package config

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strconv"

	"s3imageserver/server/dialect"
)

// Exposed says that other users of the machine can read secrets in the file; it
// is empty if they cannot.
func (c *Config) Exposed() string {
	if c.doc == nil || c.files != nil {
		return ""
	}
	info, err := os.Stat(c.doc.file)
	if err != nil || info.Mode().Perm()&0o004 == 0 {
		return ""
	}
	for key, secret := range c.SecretValues() {
		if bytes.Contains(c.doc.raw, []byte(secret)) {
			return fmt.Sprintf("every user of this machine can read %s, and %s is written in it: chmod o-r, or take it from the environment by ${NAME}", c.doc.file, key)
		}
	}
	return ""
}

// SecretValues returns all secrets that are set, by key.
func (c *Config) SecretValues() map[string]string {
	found := map[string]string{}
	var walk func(v reflect.Value, key string)
	walk = func(v reflect.Value, key string) {
		switch {
		case v.Type() == reflect.TypeFor[Secret]():
			if v.String() != "" {
				found[key] = v.String()
			}
		case v.Kind() == reflect.Pointer:
			if !v.IsNil() {
				walk(v.Elem(), key)
			}
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), join(key, strconv.Itoa(i)))
			}
		case v.Kind() == reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k), join(key, k.String()))
			}
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				f := v.Type().Field(i)
				name := f.Tag.Get("json")
				switch {
				case !f.IsExported() || name == "-":
				case name == "":
					walk(v.Field(i), key)
				default:
					walk(v.Field(i), join(key, name))
				}
			}
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return found
}

// A Secret is a string that does not show itself when it is printed, logged or
// encoded. Those of dialects are of the same type, so that nothing that looks for
// secrets misses them.
type Secret = dialect.Secret

// withoutPassword returns a URL as it may be shown.
func withoutPassword(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "…"
	}
	return u.Redacted()
}
