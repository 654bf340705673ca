package server

import (
	"net/http"
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
