package server

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/storage"
)

// kindOf returns in one word what an error is about, for metrics and logs. The
// words are few.
func kindOf(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return "other"
}

// kinds are tried in order: the more particular errors come first.
var kinds = []struct {
	err  error
	name string
}{
	{config.ErrName, "name"},
	{errOption, "option"},
	{errVersion, "version"},
	{errWatermark, "watermark"},
	{errEmpty, "empty"},
	{errExtension, "extension"},
	{access.ErrVerification, "verification"},
	{errGone, "blocked"},
	{errLegal, "blocked"},
	{errRate, "rate"},
	{errMisses, "misses"},
	{access.ErrNoKeys, "keys"},
	{fs.ErrInvalid, "name"},
	{fs.ErrNotExist, "missing"},
	{fs.ErrPermission, "forbidden"},
	{resize.ErrBusy, "busy"},
	{storage.ErrBusy, "busy"},
	{resize.ErrUnsupported, "unsupported"},
	{resize.ErrNotPicture, "no_picture"},
	{resize.ErrLimit, "limit"},
	{resize.ErrMalformed, "malformed"},
	{storage.ErrCoding, "malformed"},
	{storage.ErrTooLarge, "too_large"},
	{storage.ErrOverloaded, "store_overloaded"},
	{os.ErrDeadlineExceeded, "store_slow"},
	{context.DeadlineExceeded, "timeout"},
	{storage.ErrIncomplete, "source_incomplete"},
	{storage.ErrDamaged, "source_damaged"},
	{storage.ErrUnavailable, "store_unavailable"},
	{context.Canceled, "client_left"},
}
