//go:build noheic

package resize

import (
	"s3imageserver/resize/heif"
	"s3imageserver/resize/options"
)

// heicCodec knows HEIC files in order to refuse them: the build leaves libheif and
// libde265 out, which are under the LGPL.
var heicCodec = codec{
	format:  options.HEIC,
	is:      func(head []byte) bool { return heif.CodingOf(head) == heif.HEVC },
	optIn:   true,
	without: "noheic",
}
