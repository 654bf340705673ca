package config

import (
	"strconv"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage"
)

// WatermarkConfig is where a watermark comes from: exactly one of the two.
type WatermarkConfig struct {
	// File is a picture file.
	File string `json:"file"`
	// Object is the name of a picture in the handler's bucket.
	Object string `json:"object"`
}

// validateWatermarks checks what can be checked without opening anything.
func (h *HandlerConfig) validateWatermarks(key string, faults *Faults) {
	for name, w := range h.Watermarks {
		k := key + ".watermarks." + name
		switch {
		case !validOverlayName(name):
			faults.Add(k, "%q is not a name of at most 64 letters", name)
		case name == resize.NoWatermark:
			faults.Add(k, "%q stands for no watermark", name)
		case (w.File == "") == (w.Object == ""):
			faults.Add(k, "needs either file or object")
		case w.Object != "" && !storage.ValidName(w.Object):
			faults.Add(k+".object", "%q is not a name of an object", w.Object)
		}
	}
}

func validOverlayName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsAny(name, ", \t\r\n.")
}

// validateErrorImages checks the causes.
func (h *HandlerConfig) validateErrorImages(key string, faults *Faults) {
	for cause, file := range h.ErrorImages {
		if n, err := strconv.Atoi(cause); (err != nil || n < 401 || n > 599) && cause != "4xx" && cause != "5xx" {
			faults.Add(key+".error_images."+cause, "%q is neither a status above 400 nor 4xx or 5xx", cause)
		}
		if file == "" {
			faults.Add(key+".error_images."+cause, "is empty")
		}
	}
	if h.ErrorImageAge < 0 {
		faults.Add(key+".error_image_age", "%d is negative", h.ErrorImageAge)
	}
}
