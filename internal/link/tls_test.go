package link

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// certificate makes a key and a certificate for it, signed by parent or, if
// that is nil, by itself.
func certificate(t *testing.T, name string, parent *tls.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true,
	}
	signer, signKey := tmpl, any(key)
	if parent != nil {
		signer, signKey = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, signer, &key.PublicKey, signKey)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Rule: B-123.
func TestTLS(t *testing.T) {
	ca, other := certificate(t, "ca", nil), certificate(t, "other", nil)
	cert := certificate(t, "unrelated.example", &ca)
	names := make(chan string, 8)
	port := server(t, func(c net.Conn) {
		c = tls.Server(c, &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			names <- h.ServerName
			return &cert, nil
		}})
		defer c.Close()
		r := bufio.NewReader(c)
		for {
			words, err := readRequest(r)
			if err != nil {
				return
			}
			c.Write(resp.Append(nil, 2, resp.Str(words[0])))
		}
	})
	for _, tc := range []struct {
		name   string
		config func() *tls.Config
		reason string // "" is success
	}{
		{"chain good, name not", func() *tls.Config { return VerifyChain(&tls.Config{RootCAs: pool(ca)}) }, ""},
		{"another CA", func() *tls.Config { return VerifyChain(&tls.Config{RootCAs: pool(other)}) }, "unknown authority"},
		{"no context", func() *tls.Config { return nil }, "Failed to initialize TLS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, Options{TLS: tc.config})
			b.dial(1, port, false)
			b.Send(1, 4, [][]string{{strings.Repeat("x", 50_000)}})
			b.Flush()
			if tc.reason != "" {
				ev := b.next()
				require.Equal(t, Down, ev.Kind)
				require.Contains(t, ev.Text, tc.reason)
				return
			}
			b.up(1)
			require.Equal(t, Event{Link: 1, Kind: Answer, Tag: 4, Value: resp.Str(strings.Repeat("x", 50_000))}, b.next())
			require.Empty(t, <-names, "server name")
			b.Send(1, 5, [][]string{{"again"}})
			b.Flush()
			require.Equal(t, Event{Link: 1, Kind: Answer, Tag: 5, Value: resp.Str("again")}, b.next())
		})
	}
}

func pool(cert tls.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(cert.Leaf)
	return p
}
