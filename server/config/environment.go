package config

import (
	"bytes"
	"cmp"
	"encoding"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// envPrefix begins the names of environment variables that stand for keys of
// the configuration, and win over it: http_port is S3IMAGESERVER_HTTP_PORT,
// admin.listen is S3IMAGESERVER_ADMIN_LISTEN, and cache_path of the first
// handler is S3IMAGESERVER_HANDLERS_0_CACHE_PATH.
const envPrefix = "S3IMAGESERVER_"

// envName returns the variable of a key.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// override sets the keys of c that have a variable, and returns which they are.
// A fault is a value that cannot be read.
func override(c *Config, found *Faults) (keys []string) {
	eachScalar(reflect.ValueOf(c).Elem(), "", func(key string, v reflect.Value) {
		text, ok := os.LookupEnv(envName(key))
		if !ok {
			return
		}
		keys = append(keys, key)
		if err := setText(v, text); err != nil {
			found.Add(key, "%s=%q %v", envName(key), text, err)
		}
	})
	return keys
}

// serviceLink matches what Kubernetes adds to the environment for a service whose
// name begins as this program's does.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_.+)?)?)$`)

// strayVariables returns a fault for every variable that is not empty and begins as
// those of keys do, but stands for none of c, and is not named in its text.
func strayVariables(c *Config, text []byte) (found []*Fault) {
	var known []string
	eachScalar(reflect.ValueOf(c).Elem(), "", func(key string, _ reflect.Value) { known = append(known, envName(key)) })
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case value == "", !strings.HasPrefix(name, envPrefix), slices.Contains(known, name), serviceLink.MatchString(name), bytes.Contains(text, []byte("${"+name+"}")), bytes.Contains(text, []byte("${"+name+":-")):
		default:
			found = append(found, &Fault{Text: "the environment variable " + name + " stands for no single value of this configuration" + cmp.Or(suggestion(name, known), absentHandler(name))})
		}
	}
	return found
}

// absentHandler says what to do about a variable for a handler, or a part of one, that is
// not in the file: variables only change what is there.
func absentHandler(name string) string {
	if !strings.HasPrefix(name, envPrefix+"HANDLERS_") {
		return ""
	}
	return ": write what it belongs to into the file, or set S3IMAGESERVER_BUCKET, which serves a bucket without a file"
}

// eachScalar visits the texts, numbers and truth values below a struct by their
// keys. What is in maps, and objects that are not there, is left out.
func eachScalar(v reflect.Value, prefix string, visit func(key string, v reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, value := field.Tag.Get("json"), v.Field(i)
		switch {
		case !field.IsExported() || name == "-":
			continue
		case field.Anonymous && name == "":
			eachScalar(value, prefix, visit)
			continue
		}
		key := join(prefix, name)
		switch {
		case value.Kind() == reflect.Pointer && value.Type().Elem().Kind() == reflect.Struct:
			if !value.IsNil() {
				eachScalar(value.Elem(), key, visit)
			}
		case value.Kind() == reflect.Struct:
			eachScalar(value, key, visit)
		case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct:
			for j := range value.Len() {
				eachScalar(value.Index(j), join(key, strconv.Itoa(j)), visit)
			}
		case value.Kind() != reflect.Map && value.Kind() != reflect.Slice && value.Kind() != reflect.Interface:
			visit(key, value)
		}
	}
}

// setText sets a value from its text.
func setText(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		target := reflect.New(v.Type().Elem())
		if err := setText(target.Elem(), text); err != nil {
			return err
		}
		v.Set(target)
		return nil
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("is not true or false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v.OverflowInt(n) {
			return fmt.Errorf("is not a whole number")
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("is not a number")
		}
		v.SetFloat(f)
	default:
		return fmt.Errorf("cannot be set from the environment")
	}
	return nil
}
