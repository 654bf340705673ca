package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"
)

// A pictureSource is where the pictures of one handler are, and how they are served,
// as arguments and variables say it: what a configuration is written from where there
// is none. Empty fields are not said.
type pictureSource struct {
	folder               string // on this machine
	bucket, prefix       string
	endpoint, region     string
	accessKey, secretKey string
	cache                string // a folder
	listen               string
	port                 int
	playground           bool
}

// parsePlace reads FOLDER, s3://BUCKET or s3://BUCKET/FOLDER; the folder as it is
// written.
func parsePlace(place string) (s pictureSource, err error) {
	bucket, ok := strings.CutPrefix(place, "s3://")
	if !ok {
		if info, err := os.Stat(place); err != nil || !info.IsDir() {
			return s, fmt.Errorf("there is no folder %s; a bucket is s3://BUCKET", place)
		}
		return pictureSource{folder: place}, nil
	}
	s.bucket, s.prefix, _ = strings.Cut(bucket, "/")
	if s.bucket == "" {
		return s, fmt.Errorf("%s names no bucket: s3://BUCKET or s3://BUCKET/FOLDER", place)
	}
	return s, nil
}

// source returns the key of a handler that says where its pictures are, and its value.
func (s *pictureSource) source() (key string, value map[string]string) {
	if s.folder != "" {
		return "source", map[string]string{"dir": s.folder}
	}
	value = map[string]string{"bucket_name": s.bucket}
	for key, v := range map[string]string{
		"file_path": s.prefix, "endpoint": s.endpoint, "region": s.region,
		"aws_access": s.accessKey, "aws_secret": s.secretKey,
	} {
		if v != "" {
			value[key] = v
		}
	}
	return "aws", value
}

// configuration returns the text of a configuration.
func (s *pictureSource) configuration() ([]byte, error) {
	handler := map[string]any{"name": "h", "output_format": "auto", "cache": map[string]any{"memory_mb": 64}}
	key, value := s.source()
	handler[key] = value
	if s.cache != "" {
		handler["cache_path"] = s.cache
	}
	c := map[string]any{"handlers": []any{handler}, "http_port": s.port, "playground": s.playground}
	if s.listen != "" {
		c["listen"] = s.listen
	}
	return json.Marshal(c)
}

// servedByArguments returns the configuration that the arguments of serve ask for; nil
// if there are none, and the configuration is a file.
func servedByArguments(cmd *cli.Command) ([]byte, error) {
	switch cmd.NArg() {
	case 0:
		for _, name := range []string{"port", "listen", "endpoint", "region", "cache"} {
			if cmd.IsSet(name) {
				return nil, fmt.Errorf("serve: -%s is for serve FOLDER and serve s3://BUCKET; else the configuration says it", name)
			}
		}
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("serve: %q is one argument too many; flags stand before or behind the first", cmd.Args().Get(1))
	}
	if cmd.String("c") != "" {
		return nil, errors.New("serve: either -c FILE or a folder or bucket, not both")
	}
	s, err := sourceOfArguments(cmd)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if s.folder != "" {
		if s.folder, err = filepath.Abs(s.folder); err != nil {
			return nil, err
		}
	}
	s.cache, s.listen, s.port, s.playground = cmd.String("cache"), cmd.String("listen"), cmd.Int("port"), true
	return s.configuration()
}

// sourceOfArguments reads the place that is the first argument, and the flags that are
// about its store.
func sourceOfArguments(cmd *cli.Command) (pictureSource, error) {
	place := cmd.Args().First()
	s, err := parsePlace(place)
	if err != nil {
		return s, err
	}
	for _, key := range []string{"endpoint", "region"} {
		if s.folder != "" && cmd.IsSet(key) {
			return s, fmt.Errorf("-%s is for buckets, and %s is a folder", key, place)
		}
	}
	s.endpoint, s.region = cmd.String("endpoint"), cmd.String("region")
	return s, nil
}

// bucketVariable names a bucket where there is no configuration; other variables say
// more of it.
const bucketVariable = "S3IMAGESERVER_BUCKET"

// servedByVariables returns the configuration that variables of the environment ask for
// where there is no file; nil if none names a bucket. It holds references to them, so
// that a secret is in no text; without keys the standard chain of AWS has them. Nobody
// sees what else is in the bucket: the playground is off until a variable asks for it.
func servedByVariables() ([]byte, error) {
	reference := func(name string) string {
		if os.Getenv("S3IMAGESERVER_"+name) == "" {
			return ""
		}
		return "${S3IMAGESERVER_" + name + "}"
	}
	s := pictureSource{
		bucket: reference("BUCKET"), prefix: reference("FOLDER"), endpoint: reference("ENDPOINT"), region: reference("REGION"),
		accessKey: reference("ACCESS_KEY"), secretKey: reference("SECRET_KEY"), cache: reference("CACHE"), port: 8080,
	}
	if s.bucket == "" {
		return nil, nil
	}
	if (s.accessKey == "") != (s.secretKey == "") {
		return nil, errors.New("S3IMAGESERVER_ACCESS_KEY and S3IMAGESERVER_SECRET_KEY go together: set both, or none and the keys of AWS_ACCESS_KEY_ID, of ~/.aws/credentials or of the machine's role are taken")
	}
	return s.configuration()
}
