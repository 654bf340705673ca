package events

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	s3 := func(key string) string {
		return `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"` + key + `","size":1}}}]}`
	}
	quoted := func(message string) string { q, _ := json.Marshal(message); return string(q) }
	tests := []struct {
		name, data string
		want       []Change
		bad        bool
	}{
		{"S3", s3("a/b+c%2Bd.jpg"), []Change{{"b", "a/b c+d.jpg"}}, false},
		{"MinIO's webhook", `{"EventName":"s3:ObjectRemoved:Delete","Key":"b/x.jpg",` + s3("x.jpg")[1:], []Change{{"b", "x.jpg"}}, false},
		{"two records", `{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"1"}}},{"s3":{"bucket":{"name":"c"},"object":{"key":"2"}}}]}`, []Change{{"b", "1"}, {"c", "2"}}, false},
		{"EventBridge, whose keys are not escaped", `{"version":"0","source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"a+b %20.jpg"}}}`, []Change{{"b", "a+b %20.jpg"}}, false},
		{"SNS", `{"Type":"Notification","Message":` + quoted(s3("x.jpg")) + `}`, []Change{{"b", "x.jpg"}}, false},
		{"a test message", `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`, nil, false},
		{"no records", `{"Records":[]}`, nil, false},
		{"an envelope in an envelope", `{"Type":"Notification","Message":` + quoted(`{"Type":"Notification","Message":"{}"}`) + `}`, nil, true},
		{"SNS, told of by a notification of that name", `{"Type":"Notification","Message":` + quoted(`{"Records":[{"s3":{"configurationId":"Notification","bucket":{"name":"b"},"object":{"key":"x.jpg"}}}]}`) + `}`, []Change{{"b", "x.jpg"}}, false},
		{"SNS without a message", `{"Type":"Notification","Message":"",` + s3("x.jpg")[1:], nil, true},
		{"another source", `{"source":"aws.ec2","detail":{"bucket":{"name":"b"},"object":{"key":"x"}}}`, nil, true},
		{"a key that is not escaped well", s3("%zz"), nil, true},
		{"no key", s3(""), nil, true},
		{"too many", `{"Records":[` + strings.Repeat(`{"s3":{"bucket":{"name":"b"},"object":{"key":"1"}}},`, maxChanges) + `{}]}`, nil, true},
		{"something else", `{"hello":1}`, nil, true},
		{"no object", `[]`, nil, true},
		{"nothing", ``, nil, true},
	}
	for _, tt := range tests {
		got, err := Parse([]byte(tt.data))
		if !slices.Equal(got, tt.want) || (err != nil) != tt.bad || (err != nil && !errors.Is(err, errEvent)) {
			t.Errorf("%s: Parse = %v, %v; want %v, an error: %v", tt.name, got, err, tt.want, tt.bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"a%20b"}}}]}`))
	f.Add([]byte(`{"Type":"Notification","Message":"{\"Records\":[]}"}`))
	f.Add([]byte(`{"source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"x"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		changes, err := Parse(data)
		if err != nil && changes != nil || len(changes) > maxChanges {
			t.Errorf("Parse = %d changes, %v", len(changes), err)
		}
		for _, c := range changes {
			if c.Bucket == "" || c.Key == "" {
				t.Errorf("a change without bucket or key: %+v", c)
			}
		}
	})
}
