package resize

import (
	"slices"

	"s3imageserver/resize/options"
)

// Covers reports whether a file is large enough for o: nothing of it would be
// scaled up that its own source might have had more of.
func (r *Resizer) Covers(file []byte, o options.Options) bool {
	j := job{resizer: r, limits: r.Limits.withDefaults(), options: o}
	head := file[:min(len(file), headBytes)]
	if j.sniff(head) != nil || !slices.Contains(derivableFrom, j.codec.format) || j.inspect(head) != nil || j.info.Animated {
		return false
	}
	size := j.info.orientation.Size(j.info.Size)
	l := lay(size, o)
	if l.Size.X == size.X && l.Size.Y == size.Y {
		return false // it may be the limit of the copy, and not of the source
	}
	return l.Crop.W >= float64(l.Size.X) && l.Crop.H >= float64(l.Size.Y)
}

// derivableFrom are formats whose files are as good as a smaller source.
var derivableFrom = []options.Format{options.JPEG, options.PNG, options.WebP}
