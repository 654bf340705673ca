// Signs URLs of s3imageserver: go run sign.go SECRET HANDLER NAME [parameter=value ...]
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// sign returns path and query of the picture name of a handler. params has the
// parameters, and exp in Unix seconds if the URL is to end. Whatever the server
// does not know (utm_source, ...) is added afterwards.
func sign(secret, handler, name string, params map[string]string) string {
	parts, query := []string{handler, name}, url.Values{}
	for _, key := range slices.Sorted(maps.Keys(params)) {
		parts = append(parts, key, params[key])
		query.Set(key, params[key])
	}
	mac := hmac.New(sha256.New, []byte(secret))
	for _, p := range parts {
		fmt.Fprintf(mac, "%d:%s,", len(p), p)
	}
	query.Set("sig", base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	path := (&url.URL{Path: "/" + handler + "/" + name}).EscapedPath()
	return path + "?" + query.Encode()
}

func main() {
	params := map[string]string{}
	for _, pair := range os.Args[4:] {
		key, value, _ := strings.Cut(pair, "=")
		params[key] = value
	}
	fmt.Println(sign(os.Args[1], os.Args[2], os.Args[3], params))
}
