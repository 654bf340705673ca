package doctor

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/storage/cache"
)

// folder looks at a local folder with pictures.
func (d *doctor) folder(about, name string) {
	path := d.config.Path(name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && d.config.EmbeddedDir(name) != nil {
		return // it is an embedded one
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.add(FindingFault, about, "there is no folder %s", path)
	case errors.Is(err, fs.ErrPermission):
		d.add(FindingFault, about, "this user may not read the folder %s", path)
	case err != nil:
		d.add(FindingFault, about, "%v", err)
	case len(entries) == 0:
		d.add(FindingWarning, about, "the folder %s is empty", path)
	default:
		d.add(FindingOK, about, "the folder %s can be read", path)
	}
}

// cache looks at the tiers of a handler.
func (d *doctor) cache(ctx context.Context, i int) {
	h := &d.config.Handlers[i]
	about := config.HandlerKey(i)
	if !h.Cached() {
		d.add(FindingNote, about+".cache_path", "results are not kept: every request is made anew")
		return
	}
	if h.CachePath != "" {
		d.disk(about+".cache_path", d.config.Path(h.CachePath), h.Cache)
	}
	if h.Cache.Bucket != "" {
		d.shared(ctx, about+".cache.bucket", h)
	}
}

const (
	// trialBytes are written to see how fast a disk is.
	trialBytes = 4 << 20
	slowDisk   = 10 << 20 // bytes a second
)

// disk writes a file into a cache folder, and looks at what is free.
func (d *doctor) disk(about, folder string, c config.CacheConfig) {
	existing := folder
	for {
		info, err := os.Stat(existing)
		if err == nil && !info.IsDir() {
			d.add(FindingFault, about, "%s is a file, not a folder", existing)
			return
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(existing) == existing {
			d.add(FindingFault, about, "%v", err)
			return
		}
		existing = filepath.Dir(existing)
	}
	file, err := os.CreateTemp(existing, ".s3imageserver-doctor-*")
	switch {
	case err != nil && existing != folder:
		d.add(FindingFault, about, "the folder %s is not there, and cannot be made in %s: %v", folder, existing, reason(err))
		return
	case err != nil:
		d.add(FindingFault, about, "this user cannot write into the folder %s: %v; results would not be kept on disk", folder, reason(err))
		return
	}
	defer os.Remove(file.Name())
	began := time.Now()
	_, err = file.Write(make([]byte, trialBytes))
	err = errors.Join(err, file.Sync(), file.Close())
	took := time.Since(began)
	if err != nil {
		d.add(FindingFault, about, "nothing can be written into %s: %v", existing, reason(err))
		return
	}
	d.speed(about, folder, took)
	if existing == folder {
		if open, mode := config.OpenToOthers(folder); open {
			d.add(FindingWarning, about, "other users may read or write %s (%s): chmod 750", folder, mode)
		}
	}
	if free, total, ok := cache.FreeSpace(existing); ok {
		d.space(about, free, total, c)
	}
}

// speed judges how long trialBytes took to be written.
func (d *doctor) speed(about, folder string, took time.Duration) {
	speed := trialBytes / took.Seconds()
	level, text := FindingOK, "the folder %s can be written, at %.0f MB a second"
	if speed < slowDisk {
		level, text = FindingWarning, "the disk of %s is slow: %.1f MB a second; results may be made faster than they are kept"
	}
	d.add(level, about, text, folder, speed/(1<<20))
}

// space compares what is free of a disk, in bytes, with what is to stay so.
func (d *doctor) space(about string, free, total int64, c config.CacheConfig) {
	reserve := c.MinFree
	if reserve == 0 && c.DiskMB == 0 {
		reserve = 0.1
	}
	part := float64(free) / float64(total)
	switch {
	case part <= reserve:
		d.add(FindingWarning, about, "%.1f %% of the disk are free, and %.0f %% stay free: nothing can be kept until others make room", 100*part, 100*reserve)
	case c.DiskMB > 0 && c.DiskMB<<20 > total:
		d.add(FindingWarning, about, "disk_mb is %d MB, and the whole disk has %d MB: set min_free too", c.DiskMB, total>>20)
	case free < 100<<20:
		d.add(FindingWarning, about, "only %d MB of the disk are free", free>>20)
	default:
		d.add(FindingOK, about, "%d MB of the disk are free (%.0f %%)", free>>20, 100*part)
	}
}

// reason is an error without the path that the sentence names already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Ages of certificates that are worth a word.
const (
	certificateSoon = 21 * 24 * time.Hour
	leastRSA        = 2048 // bits
)

// certificate looks at the certificate of HTTPS.
func (d *doctor) certificate() {
	c := d.config
	if c.ACME.On() {
		d.disk("acme.cache", c.Path(c.ACME.Cache), config.CacheConfig{})
		return
	}
	if !c.HTTPSEnabled {
		return
	}
	pair, err := config.LoadCertificate(c.Path(c.HTTPSCert), c.Path(c.HTTPSKey))
	if err != nil {
		d.add(FindingFault, "https_cert", "%v", err)
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		d.add(FindingFault, "https_cert", "%v", err)
		return
	}
	left := time.Until(leaf.NotAfter)
	switch {
	case left < 0:
		d.add(FindingFault, "https_cert", "the certificate ended on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	case time.Now().Before(leaf.NotBefore):
		d.add(FindingFault, "https_cert", "the certificate begins on %s only: or is this machine's clock wrong?", leaf.NotBefore.UTC().Format(time.DateOnly))
	case left < certificateSoon:
		d.add(FindingWarning, "https_cert", "the certificate ends on %s, in %d days: renew it", leaf.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24))
	default:
		d.add(FindingOK, "https_cert", "the certificate is good until %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	for _, host := range c.Hosts {
		name := host
		if suffix, ok := strings.CutPrefix(host, "*"); ok {
			name = "any" + suffix
		}
		if leaf.VerifyHostname(name) != nil {
			d.add(FindingFault, "hosts", "the certificate is not for %s, only for %s", host, strings.Join(leaf.DNSNames, ", "))
		}
	}
	if key, ok := leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < leastRSA {
		d.add(FindingWarning, "https_key", "the key has only %d bits", key.N.BitLen())
	}
	if len(pair.Certificate) == 1 && leaf.Issuer.String() != leaf.Subject.String() {
		d.add(FindingWarning, "https_cert", "the file has the certificate alone, without that of %s who signed it: some clients will refuse it", leaf.Issuer)
	}
	if info, err := os.Stat(c.Path(c.HTTPSKey)); err == nil && info.Mode().Perm()&0o004 != 0 {
		d.add(FindingWarning, "https_key", "every user of this machine can read %s: chmod o-r", c.Path(c.HTTPSKey))
	}
}
