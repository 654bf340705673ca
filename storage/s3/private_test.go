package s3

import "testing"

// Where others can change what a store sends, the ETag is compared.
func TestVerifyMD5(t *testing.T) {
	for _, tt := range []struct {
		endpoint string
		asked    bool
		want     bool
	}{
		{"", false, false},
		{"", true, true},
		{"https://store.example.com", false, false},
		{"http://store.example.com:9000", false, true},
		{"http://10.0.0.7:9000", false, true},
		{"127.0.0.1:9000", false, false},
		{"http://localhost:9000", false, false},
		{"http://[::1]:9000", true, true},
	} {
		b, err := Open(Config{Bucket: "pictures", AccessKey: "a", SecretKey: "b", Endpoint: tt.endpoint, VerifyMD5: tt.asked})
		if err != nil {
			t.Fatal(err)
		}
		if b.config.VerifyMD5 != tt.want {
			t.Errorf("%q, asked for: %v: MD5 is compared: %v; want %v", tt.endpoint, tt.asked, b.config.VerifyMD5, tt.want)
		}
	}
}
