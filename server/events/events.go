// Package events reads what stores tell of changes in their buckets: messages of
// S3, MinIO and EventBridge, and the envelopes and signatures of Amazon SNS.
package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// A Change is an object of a bucket that was written or removed.
type Change struct{ Bucket, Key string }

var errEvent = errors.New("not an event of a bucket")

// maxChanges bounds the changes of one message: SNS and SQS carry far fewer.
const maxChanges = 1000

// Parse returns the changes that a message tells of, which may be in an envelope
// of SNS whose signature nobody checks here.
func Parse(data []byte) ([]Change, error) {
	var envelope struct{ Type, Message string }
	if err := json.Unmarshal(data, &envelope); err != nil {
		return nil, fmt.Errorf("%w: %w", errEvent, err)
	}
	if envelope.Type == Notification {
		data = []byte(envelope.Message)
	}
	return ParseChanges(data)
}

// ParseChanges is Parse for what is in no envelope: as S3 and MinIO
// (Records) or EventBridge (detail) write it. A test message has no changes.
func ParseChanges(data []byte) ([]Change, error) {
	var m struct {
		Records []struct {
			S3 struct {
				Bucket struct{ Name string }
				Object struct{ Key string }
			}
		}
		Event  string // "s3:TestEvent"
		Source string
		Detail *struct{ Bucket, Object struct{ Name, Key string } }
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", errEvent, err)
	}
	var changes []Change
	switch {
	case m.Detail != nil && m.Source == "aws.s3": // its keys are not escaped
		changes = append(changes, Change{m.Detail.Bucket.Name, m.Detail.Object.Key})
	case m.Records != nil:
		for _, r := range m.Records {
			key, err := url.QueryUnescape(r.S3.Object.Key)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errEvent, err)
			}
			changes = append(changes, Change{r.S3.Bucket.Name, key})
		}
	case m.Event == "s3:TestEvent":
		return nil, nil
	default:
		return nil, fmt.Errorf("%w: neither Records nor detail", errEvent)
	}
	if len(changes) > maxChanges {
		return nil, fmt.Errorf("%w: %d changes at once", errEvent, len(changes))
	}
	for _, c := range changes {
		if c.Bucket == "" || c.Key == "" {
			return nil, fmt.Errorf("%w: no bucket or key", errEvent)
		}
	}
	return changes, nil
}
