package s3

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// newCredentials returns fixed keys if the configuration has some, else the
// standard chain, else anonymous access.
func newCredentials(c Config, amazon bool) *credentials.Credentials {
	if c.AccessKey != "" {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	chain := []credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
	}
	if c.CredentialsEndpoint != "" || amazon && !strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		chain = append(chain, &credentials.IAM{
			Client:   &http.Client{Timeout: 3 * time.Second, Transport: newTransport(c)},
			Region:   c.Region,
			Endpoint: c.CredentialsEndpoint,
		})
	}
	return credentials.New(&provider{chain: chain})
}

// anonymousFor is how long an empty chain is believed before it is asked again:
// the instance's metadata service, where there is none, costs seconds.
const anonymousFor = time.Minute

// provider asks a chain in order and remembers for a while that it is empty,
// which minio-go's own chain does not: it would be asked at every request.
// Its methods are called under the lock of [credentials.Credentials].
type provider struct {
	chain      []credentials.Provider
	current    credentials.Provider
	emptyUntil time.Time
}

var _ credentials.Provider = (*provider)(nil)

func (p *provider) RetrieveWithCredContext(cc *credentials.CredContext) (credentials.Value, error) {
	p.current = nil
	for _, c := range p.chain {
		v, err := c.RetrieveWithCredContext(cc)
		if err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "" {
			continue // the next one of the chain may know
		}
		p.current = c
		return v, nil
	}
	p.emptyUntil = time.Now().Add(anonymousFor)
	return credentials.Value{SignerType: credentials.SignatureAnonymous}, nil
}

func (p *provider) Retrieve() (credentials.Value, error) {
	return credentials.Value{}, errors.New("s3: Retrieve needs a context")
}

func (p *provider) IsExpired() bool {
	if p.current != nil {
		return p.current.IsExpired()
	}
	return time.Now().After(p.emptyUntil)
}
