package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/server/stores"
	"s3imageserver/storage"
)

// sources looks at where the pictures of a handler come from.
func (d *doctor) sources(ctx context.Context, i int) {
	h := &d.config.Handlers[i]
	if h.Bucket != nil {
		return
	}
	entries, keys := h.AllSources()
	for j := range entries {
		e, about := &entries[j], config.HandlerKey(i)+"."+keys[j]
		switch e.Kind() {
		case config.KindS3:
			d.store(ctx, about, &e.AWSConfig)
		case config.KindDir:
			d.folder(about+".dir", e.Dir)
		default:
			d.origin(ctx, about, e, h.MaxSourceBytes)
		}
	}
}

const (
	// largestSkew is what AWS allows; less is worth a warning.
	largestSkew = 15 * time.Minute
	smallSkew   = time.Minute
)

// store asks a bucket.
func (d *doctor) store(ctx context.Context, about string, a *config.AWSConfig) {
	x, err := stores.Examine(ctx, a)
	if err != nil {
		d.add(FindingFault, about, "%v", err)
		return
	}
	skewed := x.List.Code == "RequestTimeTooSkewed" || x.Skew > largestSkew || x.Skew < -largestSkew
	switch {
	case x.Date.IsZero():
	case skewed:
		d.add(FindingFault, about, "the clocks differ: that of this machine is %s that of the store %s (%s); the store refuses such requests. Set this machine's time (NTP)", aheadOf(x.Skew), x.Host, x.Date.UTC().Format(time.RFC3339))
	case x.Skew > smallSkew || x.Skew < -smallSkew:
		d.add(FindingWarning, about, "the clock of this machine is %s that of the store %s; from 15 minutes on requests are refused. Set this machine's time (NTP)", aheadOf(x.Skew), x.Host)
	}
	if x.Anonymous {
		d.add(FindingNote, about, "no keys were found, neither in the configuration nor in the environment, the shared file or by a role: requests are anonymous")
	}
	switch l := x.List; {
	case l.OK():
		d.add(FindingOK, about, "the store %s answers in %d ms, and the bucket %s is there", x.Host, l.Took.Milliseconds(), a.BucketName)
	case skewed:
		return
	case x.Renamed.OK():
		d.add(FindingFault, about+".path_style", "the store answers with path_style %v, and not with %v as it is: set path_style to %v", !x.PathStyle, x.PathStyle, !x.PathStyle)
	case l.Status == 0:
		d.add(FindingFault, about+".endpoint", "%s", d.unreachable(x.Host, l.Err))
		return
	case x.Moved.OK() || x.Moved.Asked() && l.Code != "SignatureDoesNotMatch" && l.Code != "InvalidAccessKeyId":
		level, hint := FindingFault, "set region to "+l.Region
		if a.Region == "" {
			level, hint = FindingNote, "it is found by itself; set region to save the first request"
		}
		d.add(level, about+".region", "the bucket %s is in the region %s, and was asked for in %s: %s", a.BucketName, l.Region, x.Region, hint)
		if !x.Moved.OK() {
			return
		}
	case l.Code == "InvalidAccessKeyId":
		d.add(FindingFault, about+".aws_access", "the store %s does not know the access key %q", x.Host, a.AccessKey)
		return
	case l.Code == "SignatureDoesNotMatch":
		d.add(FindingFault, about+".aws_secret", "the secret key is wrong for the access key %q", a.AccessKey)
		return
	case l.Code == "ExpiredToken" || l.Code == "InvalidToken":
		d.add(FindingFault, about+".session_token", "the temporary keys are over, or wrong: %s", l.Message)
		return
	case l.Code == "NoSuchBucket":
		d.add(FindingFault, about+".bucket_name", "there is no bucket %s at %s", a.BucketName, x.Host)
		return
	case l.Denied():
		d.add(FindingWarning, about, "ListBucket is denied: a missing picture looks like a forbidden one, and nothing more can be said of what is in the bucket")
	default:
		d.add(FindingFault, about, "the store %s refuses to list the bucket: status %d %s %s", x.Host, l.Status, l.Code, l.Message)
		return
	}
	d.objects(about, a, x)
}

// objects says what is in the bucket, and whether it may be read.
func (d *doctor) objects(about string, a *config.AWSConfig, x stores.Examination) {
	if x.Object == "" && !x.List.Denied() {
		folder := a.PrefixOf()
		switch {
		case folder == "" && len(x.Beside) == 0:
			d.add(FindingWarning, about+".bucket_name", "the bucket %s is empty", a.BucketName)
		case len(x.Beside) == 0:
			d.add(FindingFault, about+".file_path", "there is nothing below %q, and nothing else in the bucket %s", folder, a.BucketName)
		default:
			d.add(FindingFault, about+".file_path", "there is nothing below %q in the bucket %s, which has %s", folder, a.BucketName, strings.Join(x.Beside, ", "))
		}
	}
	switch {
	case x.Get.Denied():
		d.add(FindingFault, about, "GetObject is denied: no picture can be read. Allow s3:GetObject on %s/%s*", a.BucketName, a.PrefixOf())
	case x.Object != "" && !x.Get.OK():
		d.add(FindingFault, about, "%q cannot be read: status %d %s %s", x.Object, x.Get.Status, x.Get.Code, x.Get.Message)
	case x.Object != "":
		d.add(FindingOK, about, "objects can be read, %q for one, in %d ms", x.Object, x.Get.Took.Milliseconds())
	}
	if x.Head.Denied() && !x.Get.Denied() {
		d.add(FindingWarning, about, "HeadObject is denied: it is asked for when a store does not say of when an unchanged object is")
	}
}

// unreachable says why there was no answer.
func (d *doctor) unreachable(host string, err error) string {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var expired x509.CertificateInvalidError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return "there is no host " + dns.Name + ": its name is wrong, or no name server answers"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + host + ": the store is down, or the port is wrong"
	case errors.As(err, &authority):
		return "the certificate of " + host + " is signed by nobody whom this machine knows: give it the authority by SSL_CERT_FILE"
	case errors.As(err, &name), errors.As(err, &expired):
		return "the certificate of " + host + " is not valid: " + err.Error()
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return host + " speaks plain HTTP: write http:// before it"
	case errors.As(err, &timeout) && timeout.Timeout():
		return host + " does not answer in time: a firewall, or the network, is in the way"
	}
	return host + " does not answer: " + err.Error()
}

func aheadOf(skew time.Duration) string {
	if skew < 0 {
		return (-skew).String() + " behind"
	}
	return skew.String() + " ahead of"
}

// origin asks a web server for something that it has not.
func (d *doctor) origin(ctx context.Context, about string, e *config.SourceEntry, maxBytes int64) {
	b, _, err := stores.OpenSource(d.config, e, maxBytes)
	if err != nil || e.URL == "" {
		return // Check has said it; without a URL there is no one to ask
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	o, err := b.Get(ctx, "s3imageserver-doctor.jpg")
	switch {
	case err == nil:
		_ = o.Body.Close() // nothing of it is wanted
		d.add(FindingWarning, about+".url", "%s has a picture of every name: a missing one would not be noticed", e.URL)
	case errors.Is(err, fs.ErrNotExist):
		d.add(FindingOK, about+".url", "%s answers", e.URL)
	case errors.Is(err, fs.ErrPermission):
		d.add(FindingWarning, about+".url", "%s forbids what is missing (%v); perhaps it forbids everything: are headers needed?", e.URL, err)
	default:
		d.add(FindingFault, about+".url", "%v", err)
	}
}

// watermarks reads those that are objects of a handler's sources.
func (d *doctor) watermarks(ctx context.Context, i int) {
	h := &d.config.Handlers[i]
	sources, err := stores.Open(d.config, i)
	if err != nil {
		return // Check has said it
	}
	bucket := storage.Fallback(sources.Buckets()...)
	for _, name := range slices.Sorted(maps.Keys(h.Watermarks)) {
		object := h.Watermarks[name].Object
		if object == "" {
			continue // Check has read the file
		}
		about := config.HandlerKey(i) + ".watermarks." + name + ".object"
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := d.means.Watermark(ctx, bucket, object)
		cancel()
		if err != nil {
			d.add(FindingFault, about, "%v: pictures that ask for it are not sent", err)
		} else {
			d.add(FindingOK, about, "%q can be read", object)
		}
	}
}

// shared looks at the bucket of results, which is written too.
func (d *doctor) shared(ctx context.Context, about string, h *config.HandlerConfig) {
	a := h.SharedStore()
	before := len(d.findings)
	d.store(ctx, about, a)
	// That there is nothing in it yet is well.
	faults := 0
	d.findings = append(d.findings[:before], filter(d.findings[before:], func(f Finding) bool {
		empty := strings.HasSuffix(f.About, ".file_path") || strings.HasSuffix(f.About, ".bucket_name") && f.Level == FindingWarning
		if f.Level == FindingFault && !empty {
			faults++
		}
		return !empty
	})...)
	if faults > 0 {
		return
	}
	put, remove, err := stores.TryWrite(ctx, a)
	switch {
	case err != nil:
		d.add(FindingFault, about, "%v", err)
	case put.Denied():
		d.add(FindingFault, about, "PutObject is denied: no result can be shared")
	case !put.OK():
		d.add(FindingFault, about, "nothing can be written: status %d %s %s", put.Status, put.Code, put.Message)
	case !remove.OK():
		d.add(FindingFault, about, "DeleteObject is refused (%d %s): purges would not reach the bucket", remove.Status, remove.Code)
	default:
		d.add(FindingOK, about, "results can be written and removed")
	}
}

func filter(all []Finding, keep func(Finding) bool) (kept []Finding) {
	for _, f := range all {
		if keep(f) {
			kept = append(kept, f)
		}
	}
	return kept
}
