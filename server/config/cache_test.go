package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestFaultsOfCacheConfigurations(t *testing.T) {
	const token = "the token of operators"
	h := func(change func(*HandlerConfig)) *Config {
		h := HandlerConfig{Name: "h", AWS: &AWSConfig{BucketName: "b", FilePath: "large"}}
		change(&h)
		return &Config{Handlers: []HandlerConfig{h}}
	}
	tests := []struct {
		config *Config
		want   string
	}{
		{h(func(h *HandlerConfig) { h.Cache.OriginalsMB = 1 }), "handlers.0.cache.originals_mb"},
		{h(func(h *HandlerConfig) { h.Cache.Prefix = "x" }), "handlers.0.cache.bucket"},
		{h(func(h *HandlerConfig) { h.Cache.Bucket, h.Cache.Prefix = "b", "large/cache" }), "handlers.0.cache.prefix"},
		{h(func(h *HandlerConfig) { h.Cache.Bucket, h.Cache.Prefix = "c", "a/../b" }), "handlers.0.cache.prefix"},
		{h(func(h *HandlerConfig) { h.Cache.Bucket, h.Cache.Store = "c", &StoreConfig{AccessKey: "x"} }), "handlers.0.cache.store.aws_access"},
		{h(func(h *HandlerConfig) { h.AWS, h.Source.Dir, h.Cache.Bucket = nil, "x", "c" }), "handlers.0.cache.store"},
		{h(func(h *HandlerConfig) { h.AWS, h.Source.Dir, h.Events.Listen = nil, "x", true }), "handlers.0.events.listen"},
		{h(func(h *HandlerConfig) { h.Revalidate = -1 }), "handlers.0.revalidate"},
		{h(func(h *HandlerConfig) { h.StaleWhileRevalidate = -1 }), "handlers.0.stale_while_revalidate"},
		{h(func(h *HandlerConfig) { h.StaleIfError = new(int64(-1)) }), "handlers.0.stale_if_error"},
		{h(func(h *HandlerConfig) { h.NegativeTime = new(int64(301)) }), "handlers.0.negative_time"},
		{h(func(h *HandlerConfig) { h.Limits.Scans = -1 }), "handlers.0.limits.scans"},
		{h(func(h *HandlerConfig) { h.Limits.Side = 1 << 17 }), "handlers.0.limits.side"},
		{h(func(h *HandlerConfig) { h.Limits.OutputSide = 1 << 17 }), "handlers.0.limits.output_side"},
		{h(func(h *HandlerConfig) { h.Limits.Concurrency = MostPlaces + 1 }), "handlers.0.limits.concurrency"},
		{&Config{Admin: AdminConfig{Listen: "9090"}}, "admin.listen"},
		{&Config{Admin: AdminConfig{Listen: ":9090"}}, "admin.token"},
		{&Config{Admin: AdminConfig{Listen: "127.0.0.1:9090", Token: "short"}}, "admin.token"},
		{&Config{Events: EventsConfig{Path: "/e"}}, "events.path"},
		{&Config{Events: EventsConfig{Path: "e f", Secret: "a secret of webhooks"}}, "events.path"},
		{&Config{Events: EventsConfig{Secret: "short"}}, "events.secret"},
		{&Config{Events: EventsConfig{SNSTopics: []string{"pictures"}}}, "events.sns_topics"},
		{&Config{Events: EventsConfig{SNSTopics: []string{"arn:aws:sqs:eu-central-1:123456789012:pictures"}}}, "events.sns_topics"},
	}
	for _, tt := range tests {
		if len(tt.config.Handlers) == 0 {
			tt.config.Handlers = []HandlerConfig{{Name: "h", AWS: &AWSConfig{BucketName: "b"}}}
		}
		err := tt.config.Validate()
		if err == nil || !strings.Contains(err.Error(), tt.want+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("Validate = %v; want one fault of %s", err, tt.want)
		}
	}
	if err := h(func(h *HandlerConfig) {
		h.Cache.Bucket, h.Cache.Prefix, h.Revalidate = "b", "results", 60
	}).Validate(); err != nil {
		t.Errorf("Validate = %v; want no fault", err)
	}
	if got := fmt.Sprintf("%v %+v %#v", AdminConfig{Token: token}, AdminConfig{Token: token}, AdminConfig{Token: token}); strings.Contains(got, token) {
		t.Errorf("printing shows the token: %s", got)
	}
}
