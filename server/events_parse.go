package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
)

// A change is an object of a bucket that was written or removed.
type change struct{ bucket, key string }

var errEvent = errors.New("not an event of a bucket")

// maxChanges bounds the changes of one message: SNS and SQS carry far fewer.
const maxChanges = 1000

// parseEvents returns the changes that a message tells of, which may be in an
// envelope of SNS.
func parseEvents(data []byte) ([]change, error) {
	var envelope struct{ Type, Message string }
	if err := json.Unmarshal(data, &envelope); err != nil {
		return nil, fmt.Errorf("%w: %w", errEvent, err)
	}
	if envelope.Type == snsNotification {
		data = []byte(envelope.Message)
	}
	return parseChanges(data)
}

// parseChanges is parseEvents for what is in no envelope: as S3 and MinIO
// (Records) or EventBridge (detail) write it. A test message has no changes.
func parseChanges(data []byte) ([]change, error) {
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
	var changes []change
	switch {
	case m.Detail != nil && m.Source == "aws.s3": // its keys are not escaped
		changes = append(changes, change{m.Detail.Bucket.Name, m.Detail.Object.Key})
	case m.Records != nil:
		for _, r := range m.Records {
			key, err := url.QueryUnescape(r.S3.Object.Key)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errEvent, err)
			}
			changes = append(changes, change{r.S3.Bucket.Name, key})
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
		if c.bucket == "" || c.key == "" {
			return nil, fmt.Errorf("%w: no bucket or key", errEvent)
		}
	}
	return changes, nil
}
