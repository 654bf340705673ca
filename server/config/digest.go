package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"reflect"
	"slices"
	"strings"
)

// Digest returns a text that tells values from all others: those of exported
// fields, elements and what pointers lead to, secrets included, which it does not
// show. What is behind an interface is told by its address.
func Digest(values ...any) string {
	h := sha256.New()
	for _, v := range values {
		writeDigest(h, reflect.ValueOf(v))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func writeDigest(h hash.Hash, v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		fmt.Fprint(h, "nil ")
	case reflect.Pointer:
		fmt.Fprintf(h, "%t ", v.IsNil())
		if !v.IsNil() {
			writeDigest(h, v.Elem())
		}
	case reflect.Interface:
		fmt.Fprint(h, Identity(v.Interface()), " ")
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				writeDigest(h, v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		fmt.Fprint(h, v.Len(), " ")
		for i := range v.Len() {
			writeDigest(h, v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys() // of texts, as JSON has them
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		fmt.Fprint(h, len(keys), " ")
		for _, k := range keys {
			writeDigest(h, k)
			writeDigest(h, v.MapIndex(k))
		}
	case reflect.String: // of a secret too, that would print as stars
		fmt.Fprintf(h, "%q ", v.String())
	case reflect.Chan, reflect.Func, reflect.UnsafePointer: // no configuration has any
		panic("server: no digest of " + v.Type().String())
	default: // a truth value or a number
		switch {
		case v.CanInt(): // and not as a Stringer would have it
			fmt.Fprint(h, v.Int(), " ")
		case v.CanUint():
			fmt.Fprint(h, v.Uint(), " ")
		case v.CanFloat():
			fmt.Fprint(h, v.Float(), " ")
		default:
			fmt.Fprint(h, v, " ")
		}
	}
}

// Identity tells what an interface holds from all else that is alive at the same
// time: a pointer by its address. Anything else equals nothing, not even itself.
func Identity(v any) string {
	if v == nil {
		return "nil"
	}
	if reflect.ValueOf(v).Kind() == reflect.Pointer {
		return fmt.Sprintf("%T %p", v, v)
	}
	return rand.Text()
}
