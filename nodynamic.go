//go:build !nodynamic

package main

// The WebP library looks for a system libwebp unless it is told not to, and
// the binary would be linked dynamically: it could not start in a scratch
// container. This declaration makes such a build fail.
const _ uint = "s3imageserver needs a build tag; type: go build -tags nodynamic ."
