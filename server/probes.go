package server

import (
	"net/http"
	"strings"
)

// probes are what the public ports answer to those who watch the process.
func (s *Server) probes() map[string]http.HandlerFunc {
	probes := map[string]http.HandlerFunc{}
	if path := s.config.HealthPath; path != "" {
		probes[path] = serveHealth
	}
	if path := s.config.ReadyPath; path != "" {
		probes[path] = s.serveReady
	}
	return probes
}

func (c *Config) validateProbes(faults *faults) {
	for _, p := range []struct{ key, path string }{{"health_path", c.HealthPath}, {"ready_path", c.ReadyPath}} {
		switch {
		case p.path == "":
		case !strings.HasPrefix(p.path, "/") || !validPrefix(strings.TrimPrefix(p.path, "/")):
			faults.add(p.key, "%q is not a path of letters, digits and - . _ ~ /", p.path)
		case p.path == c.Events.Path:
			faults.add(p.key, "%q is events.path too", p.path)
		}
	}
	if c.HealthPath != "" && c.HealthPath == c.ReadyPath {
		faults.add("ready_path", "%q is health_path too", c.ReadyPath)
	}
}
