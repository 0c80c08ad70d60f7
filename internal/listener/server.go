package listener

import (
	"context"
	"net"

	"gosentinel/internal/resp"
)

// Server is the front door. Serve may be called once per listening socket;
// Respond, Publish, Show and Beat belong to the loop's goroutine and never
// block; everything else may be called from anywhere.
type Server struct{}

// New makes a Server that listens nowhere yet. An error says which option is
// missing.
func New(o Options) (*Server, error) { return &Server{}, nil }

// Serve accepts clients from ln until Close. ln may be a TLS listener
// (crypto/tls), or of a Unix socket. Serve returns nil after Close.
func (s *Server) Serve(ln net.Listener) error { return nil }

// Respond answers the Request with this ID. An ID that is not (or no longer)
// waited for is ignored.
func (s *Server) Respond(id uint64, v resp.Value) {}

// Publish sends a message to all who subscribed to channel, or to a pattern
// that matches it.
func (s *Server) Publish(channel, payload string) {}

// Show sets what GET-MASTER-ADDR-BY-NAME answers for master from now on. Host
// and port are ignored if the master is gone.
func (s *Server) Show(master, host string, port int, gone bool) {}

// Beat says that the loop turned: it is called once per turn, at the end. When
// it was not called for a second, PING and GET-MASTER-ADDR-BY-NAME go through
// the loop too.
func (s *Server) Beat() {}

// UserLines are the users of this moment as `user` lines of the config file,
// nil when they live in an ACL file.
func (s *Server) UserLines() []string { return nil }

// Close stops accepting, lets what was received be answered and what is queued
// be sent until ctx is done, and closes all connections.
func (s *Server) Close(ctx context.Context) error { return nil }
