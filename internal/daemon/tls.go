package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"gosentinel/conf"
	"gosentinel/internal/link"
)

// Log lines of TLS settings that cannot be used.
//
// Rule: C-73, R-6.
const (
	tlsFailed      = "Failed to configure TLS. Check logs for more info."
	tlsNoCert      = "No tls-cert-file configured!"
	tlsNoKey       = "No tls-key-file configured!"
	tlsNoCA        = "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!"
	tlsProtocols   = "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'."
	tlsDHIgnored   = "tls-dh-params-file is ignored: key exchange is by elliptic curves only."
	tlsSuitesFixed = "tls-ciphersuites is not applied: all suites of TLS 1.3 are offered."
)

// tlsKeys are the certificates, keys and settings of TLS, for the listener and
// for outgoing links. nil, for a configuration without TLS, is ready for use.
// It is safe for concurrent use.
type tlsKeys struct {
	set     conf.TLS
	stamp   string // stampFiles before the first load
	current atomic.Pointer[tlsPair]
}

// tlsPair is what was made of the files at one moment.
type tlsPair struct{ server, client *tls.Config }

// loadTLS loads the TLS files if anything uses TLS. An error is an abort.
//
// Rule: C-73.
func (s *startup) loadTLS() error {
	set := s.set.TLS
	if set.Port == 0 && !set.Replication && !set.Cluster {
		return nil
	}
	keys, err := newTLSKeys(set)
	if err != nil {
		var lines abort
		if !errors.As(err, &lines) {
			lines = abort{err.Error()}
		}
		return append(lines, tlsFailed)
	}
	if set.DHParamsFile != "" {
		s.log.Info(tlsDHIgnored)
	}
	if set.CipherSuites != "" {
		s.log.Info(tlsSuitesFixed)
	}
	s.tls = keys
	return nil
}

// newTLSKeys loads the files of set.
func newTLSKeys(set conf.TLS) (*tlsKeys, error) {
	k := &tlsKeys{set: set}
	k.stamp = k.stampFiles()
	pair, err := k.load()
	if err != nil {
		return nil, err
	}
	k.current.Store(pair)
	return k, nil
}

// forClients is the configuration of the listener; each handshake uses the
// files as last loaded.
func (k *tlsKeys) forClients() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS10,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return k.current.Load().server, nil
		},
	}
}

// forLinks gives the configuration of each new outgoing link, or nil if they
// use no TLS.
func (k *tlsKeys) forLinks() func() *tls.Config {
	if k == nil || !k.set.Replication {
		return nil
	}
	return func() *tls.Config { return k.current.Load().client }
}

// reload reads the files again. On an error what there is stays in use.
//
// Rule: R-6.
func (k *tlsKeys) reload(log *slog.Logger) {
	pair, err := k.load()
	if err != nil {
		log.Warn("TLS files have changed but cannot be used, those loaded before are kept: " + err.Error())
		return
	}
	k.current.Store(pair)
	log.Info("TLS files have changed and were loaded again")
}

// load makes both configurations from the settings and files.
func (k *tlsKeys) load() (*tlsPair, error) {
	set := &k.set
	if set.CertFile == "" {
		return nil, abort{tlsNoCert}
	}
	if set.KeyFile == "" {
		return nil, abort{tlsNoKey}
	}
	needCA := set.AuthClients != "no" || set.Replication || set.Cluster
	if needCA && set.CACertFile == "" && set.CACertDir == "" {
		return nil, abort{tlsNoCA}
	}
	base, err := baseTLS(set)
	if err != nil {
		return nil, err
	}
	cert, err := loadCertificate(set.CertFile, set.KeyFile, set.KeyFilePass)
	if err != nil {
		return nil, err
	}
	clientCert := cert
	if set.ClientCertFile != "" && set.ClientKeyFile != "" {
		if clientCert, err = loadCertificate(set.ClientCertFile, set.ClientKeyFile, set.ClientKeyFilePass); err != nil {
			return nil, err
		}
	}
	authorities, err := loadAuthorities(set.CACertFile, set.CACertDir)
	if err != nil {
		return nil, abort{"Failed to configure CA certificate(s) file/directory: " + err.Error()}
	}
	return &tlsPair{serverTLS(base, set, cert, authorities), clientTLS(base, clientCert, authorities)}, nil
}

// baseTLS is what both sides have in common: versions, suites and their
// check.
func baseTLS(set *conf.TLS) (*tls.Config, error) {
	allowed, ok := parseProtocols(set.Protocols)
	if !ok {
		return nil, abort{tlsProtocols}
	}
	suites, ok := parseCiphers(set.Ciphers)
	if !ok {
		return nil, abort{"Failed to configure ciphers: " + set.Ciphers, "Supported ciphers: " + cipherNames()}
	}
	if !knownSuites13(set.CipherSuites) {
		return nil, abort{"Failed to configure ciphersuites: " + set.CipherSuites,
			fmt.Sprintf("Supported ciphersuites: %s:%s:%s", suites13[0], suites13[1], suites13[2])}
	}
	return &tls.Config{
		MinVersion:             slices.Min(allowed),
		MaxVersion:             slices.Max(allowed),
		CipherSuites:           suites,
		SessionTicketsDisabled: !set.SessionCaching,
		VerifyConnection:       allowed.check,
	}, nil
}

// check refuses a version that lies between those that are allowed.
func (p protocols) check(state tls.ConnectionState) error {
	if !slices.Contains(p, state.Version) {
		return fmt.Errorf("%s is not in tls-protocols", tls.VersionName(state.Version))
	}
	return nil
}

// serverTLS is the listener's side.
func serverTLS(base *tls.Config, set *conf.TLS, cert tls.Certificate, authorities *x509.CertPool) *tls.Config {
	c := base.Clone()
	c.Certificates = []tls.Certificate{cert}
	c.ClientCAs = authorities
	switch set.AuthClients {
	case "no":
		c.ClientAuth = tls.NoClientCert
	case "optional":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	default:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c
}

// clientTLS is the side of outgoing links.
func clientTLS(base *tls.Config, cert tls.Certificate, authorities *x509.CertPool) *tls.Config {
	c := base.Clone()
	c.Certificates = []tls.Certificate{cert}
	c.RootCAs = authorities
	c = link.VerifyChain(c)
	chain, version := c.VerifyConnection, base.VerifyConnection
	c.VerifyConnection = func(state tls.ConnectionState) error {
		return errors.Join(version(state), chain(state))
	}
	return c
}

// loadAuthorities reads the CA certificates of a file and of all files of a
// directory, which need not be there if the file is. It gives an empty pool,
// which trusts nobody, if both are unset.
func loadAuthorities(file, dir string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, plainError(err)
		}
		if !pool.AppendCertsFromPEM(data) {
			return nil, errors.New("no certificate found")
		}
	}
	if dir == "" {
		return pool, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && file == "" {
		return nil, plainError(err)
	}
	for _, e := range entries {
		if data, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			pool.AppendCertsFromPEM(data)
		}
	}
	return pool, nil
}
