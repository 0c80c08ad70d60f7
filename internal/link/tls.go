package link

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// VerifyChain gives a copy of a client configuration that verifies the chain of
// the server's certificate against RootCAs, but not the host name, and sends no
// server name.
//
// Rule: B-123.
func VerifyChain(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.ServerName = ""
	cfg.InsecureSkipVerify = true // of the host name; what follows checks the chain
	roots, now := cfg.RootCAs, cfg.Time
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server has no certificate")
		}
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		if now != nil {
			o.CurrentTime = now()
		}
		for _, c := range state.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(o)
		return err
	}
	return cfg
}
