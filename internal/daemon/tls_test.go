package daemon

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/conf"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{t: t, key: key}
	a.cert, a.pem = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, &key.PublicKey)
	return a
}

// sign makes a certificate of template; the first is the authority's own.
func (a *authority) sign(template *x509.Certificate, public any) (*x509.Certificate, []byte) {
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent := a.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, a.key)
	require.NoError(a.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue writes a certificate with this serial number and its key.
func (a *authority) issue(serial int64, certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	_, cert := a.sign(&x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "x"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, &key.PublicKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	require.NoError(a.t, os.WriteFile(certFile, cert, 0o600))
	require.NoError(a.t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

// tlsFiles writes ca.pem, cert.pem and key.pem to a directory and gives
// settings that name them.
func tlsFiles(t *testing.T) (*authority, conf.TLS) {
	dir := t.TempDir()
	a := newAuthority(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), a.pem, 0o600))
	set := conf.TLS{
		Port: 1, AuthClients: "yes", SessionCaching: true,
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem"), CACertFile: filepath.Join(dir, "ca.pem"),
	}
	a.issue(7, set.CertFile, set.KeyFile)
	return a, set
}

// shake makes a handshake in memory; it gives the server's certificate as the
// client saw it, and the errors of both sides.
func shake(t *testing.T, server, client *tls.Config) (seen tls.ConnectionState, serverErr, clientErr error) {
	left, right := net.Pipe()
	limit := time.Now().Add(patience)
	require.NoError(t, left.SetDeadline(limit))
	require.NoError(t, right.SetDeadline(limit))
	done := make(chan error, 1)
	go func() {
		s := tls.Server(left, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		_ = left.Close()
		done <- err
	}()
	c := tls.Client(right, client)
	clientErr = c.Handshake()
	if clientErr == nil {
		_, clientErr = c.Read(make([]byte, 1))
	}
	seen = c.ConnectionState()
	_ = right.Close()
	return seen, <-done, clientErr
}

// Rule: C-73.
func TestTLSFileErrors(t *testing.T) {
	_, good := tlsFiles(t)
	junk := fakeFile(t, "junk")
	for _, tc := range []struct {
		name string
		edit func(s *conf.TLS)
		want []string
	}{
		{"no certificate file", func(s *conf.TLS) { s.CertFile = "nope" }, []string{"Failed to load certificate: nope: No such file or directory"}},
		{"no certificate in it", func(s *conf.TLS) { s.CertFile = junk }, []string{"Failed to load certificate: " + junk + ": no certificate found"}},
		{"no key file", func(s *conf.TLS) { s.KeyFile = "nope" }, []string{"Failed to load private key: nope: No such file or directory"}},
		{"no key in it", func(s *conf.TLS) { s.KeyFile = junk }, []string{"Failed to load private key: " + junk + ": no private key found"}},
		{"another key", func(s *conf.TLS) { s.KeyFile = "testdata/keys/plain.pem" }, []string{"Failed to load private key: testdata/keys/plain.pem: tls: private key does not match public key"}},
		{"no client key file", func(s *conf.TLS) { s.ClientCertFile, s.ClientKeyFile = s.CertFile, "nope" }, []string{"Failed to load private key: nope: No such file or directory"}},
		{"no CA file", func(s *conf.TLS) { s.CACertFile = "nope" }, []string{"Failed to configure CA certificate(s) file/directory: No such file or directory"}},
		{"no CA in it", func(s *conf.TLS) { s.CACertFile = junk }, []string{"Failed to configure CA certificate(s) file/directory: no certificate found"}},
		{"no CA directory", func(s *conf.TLS) { s.CACertFile, s.CACertDir = "", "nope" }, []string{"Failed to configure CA certificate(s) file/directory: No such file or directory"}},
		{"no CA", func(s *conf.TLS) { s.CACertFile, s.AuthClients = "", "optional" }, []string{tlsNoCA}},
		{"ciphers", func(s *conf.TLS) { s.Ciphers = "bogus" }, []string{"Failed to configure ciphers: bogus", "Supported ciphers: " + cipherNames()}},
		{"suites", func(s *conf.TLS) { s.CipherSuites = "bogus" }, []string{"Failed to configure ciphersuites: bogus", "Supported ciphersuites: TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"}},
		{"protocols", func(s *conf.TLS) { s.Protocols = "TLSv1.4" }, []string{tlsProtocols}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := good
			tc.edit(&set)
			_, err := newTLSKeys(set)
			var lines abort
			require.ErrorAs(t, err, &lines)
			require.Equal(t, tc.want, []string(lines))
		})
	}
	for name, edit := range map[string]func(s *conf.TLS){
		"a missing CA directory beside a file": func(s *conf.TLS) { s.CACertDir = "nope" },
		"no CA, nobody asks":                   func(s *conf.TLS) { s.CACertFile, s.AuthClients = "", "no" },
		"the sample's ciphers":                 func(s *conf.TLS) { s.Ciphers = "DEFAULT:!MEDIUM" },
		"a DH file that is missing":            func(s *conf.TLS) { s.DHParamsFile = "nope" },
	} {
		set := good
		edit(&set)
		_, err := newTLSKeys(set)
		require.NoErrorf(t, err, name)
	}
}

// Rule: R-6, C-74.
func TestCipherNames(t *testing.T) {
	for _, c := range ciphers {
		ids, ok := parseCiphers(c.name)
		require.True(t, ok)
		require.Equal(t, []uint16{c.id}, ids)
	}
	all, ok := parseCiphers("HIGH")
	require.True(t, ok)
	require.Len(t, all, goodCiphers)
	for list, want := range map[string]int{
		"":                                       0,
		"ALL:":                                   goodCiphers,
		"ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA": 2,
		"DEFAULT:!ECDHE-RSA-AES128-GCM-SHA256:!aNULL:-3DES": goodCiphers - 1,
		"DEFAULT:@STRENGTH:+AES128-SHA":                     goodCiphers,
	} {
		ids, ok := parseCiphers(list)
		require.Truef(t, ok, "%q", list)
		require.Lenf(t, ids, want, "%q", list)
	}
	for _, list := range []string{"bogus", "DEFAULT:bogus", "DEFAULT:!bogus", "AES128-SHA:!AES128-SHA", ":", "DHE-RSA-AES128-GCM-SHA256", "+", "!"} {
		_, ok := parseCiphers(list)
		require.Falsef(t, ok, "%q", list)
	}
}

// Versions between those allowed are refused too.
//
// Rule: C-74.
func TestProtocols(t *testing.T) {
	_, set := tlsFiles(t)
	for _, tc := range []struct {
		allowed string
		offered uint16
		ok      bool
	}{
		{"", tls.VersionTLS11, false},
		{"", tls.VersionTLS12, true},
		{"", tls.VersionTLS13, true},
		{"TLSv1.3", tls.VersionTLS12, false},
		{"tlsv1.2", tls.VersionTLS12, true},
		{"TLSv1.2", tls.VersionTLS13, false},
		{"TLSv1.1 TLSv1.3", tls.VersionTLS12, false},
		{"TLSv1.1 TLSv1.3", tls.VersionTLS11, true},
	} {
		set.Protocols, set.AuthClients = tc.allowed, "no"
		keys, err := newTLSKeys(set)
		require.NoError(t, err)
		_, serverErr, clientErr := shake(t, keys.forClients(), &tls.Config{InsecureSkipVerify: true, MinVersion: tc.offered, MaxVersion: tc.offered})
		require.Equalf(t, tc.ok, serverErr == nil && clientErr == nil, "%q %x: %v %v", tc.allowed, tc.offered, serverErr, clientErr)
	}
}

// Who must show a certificate, and whose is believed; outgoing links check the
// chain, not the name, and show a certificate of their own.
//
// Rule: C-73, B-123.
func TestTLSTrust(t *testing.T) {
	_, set := tlsFiles(t)
	_, strange := tlsFiles(t)
	for _, tc := range []struct {
		name   string
		policy string
		client func() *tls.Config
		ok     bool
	}{
		{"ours", "yes", linksOf(t, set), true},
		{"without a certificate", "yes", withoutCertificate(t, set), false},
		{"without, not needed", "no", withoutCertificate(t, set), true},
		{"without, optional", "optional", withoutCertificate(t, set), true},
		{"a stranger's, optional", "optional", strangers(t, set, strange), false},
		{"a stranger's, not asked for", "no", strangers(t, set, strange), true},
		{"we do not trust the server", "no", linksOf(t, strange), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := set
			server.AuthClients = tc.policy
			keys, err := newTLSKeys(server)
			require.NoError(t, err)
			_, serverErr, clientErr := shake(t, keys.forClients(), tc.client())
			require.Equal(t, tc.ok, serverErr == nil && clientErr == nil, "%v, %v", serverErr, clientErr)
		})
	}
	var none *tlsKeys
	require.Nil(t, none.forLinks())
	keys, err := newTLSKeys(set)
	require.NoError(t, err)
	require.Nil(t, keys.forLinks(), "tls-replication is off")
}

// linksOf gives the configuration of outgoing links.
func linksOf(t *testing.T, set conf.TLS) func() *tls.Config {
	set.Replication = true
	keys, err := newTLSKeys(set)
	require.NoError(t, err)
	return keys.forLinks()
}

func withoutCertificate(t *testing.T, set conf.TLS) func() *tls.Config {
	return func() *tls.Config {
		c := linksOf(t, set)().Clone()
		c.Certificates = nil
		return c
	}
}

// strangers trusts our authority and shows a certificate of another.
func strangers(t *testing.T, ours, theirs conf.TLS) func() *tls.Config {
	ours.ClientCertFile, ours.ClientKeyFile = theirs.CertFile, theirs.KeyFile
	return func() *tls.Config {
		c := linksOf(t, ours)().Clone()
		cert := c.Certificates[0]
		// Shown whatever the server asks for.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		return c
	}
}

// Keys that openssl(1) encrypted with the password `secret`.
//
// Rule: R-6, C-73.
func TestEncryptedKeys(t *testing.T) {
	block, _ := pem.Decode([]byte(readFile(t, "testdata/keys/plain.pem")))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	_, cert := newAuthority(t).sign(&x509.Certificate{SerialNumber: big.NewInt(2)}, &key.(*ecdsa.PrivateKey).PublicKey)
	for _, name := range []string{"pkcs8-aes256-sha256", "pkcs8-aes192-sha512", "pkcs8-aes128-sha1", "pkcs8-des3", "legacy-aes128"} {
		file := "testdata/keys/" + name + ".pem"
		got, err := loadKey(cert, file, conf.NewSecret("secret"))
		require.NoError(t, err, name)
		require.True(t, key.(*ecdsa.PrivateKey).Equal(got.PrivateKey), name)
		for _, wrong := range []string{"", "Secret"} {
			_, err = loadKey(cert, file, conf.NewSecret(wrong))
			require.ErrorIs(t, err, errKeyPass, name)
		}
	}
	_, err = loadKey(cert, "testdata/keys/pkcs8-scrypt.pem", conf.NewSecret("secret"))
	require.ErrorIs(t, err, errKeyFormat)
}

// Broken encrypted keys are an error, whatever is broken.
func TestBrokenEncryptedKeys(t *testing.T) {
	block, _ := pem.Decode([]byte(readFile(t, "testdata/keys/pkcs8-aes256-sha256.pem")))
	for i := range block.Bytes {
		for _, flip := range []byte{1, 0x80} {
			der := bytes.Clone(block.Bytes)
			der[i] ^= flip
			if bytes.Contains(der, []byte{2, 2, 8, 0}) { // the count of iterations is as it was: quick
				_, _ = decryptPKCS8(der, "secret")
			}
		}
		_, err := decryptPKCS8(block.Bytes[:i], "secret")
		require.Error(t, err)
	}
}

// A certificate that changes on disk is used by the next handshake; a broken
// one is not.
//
// Rule: R-6.
func TestTLSReload(t *testing.T) {
	a, set := tlsFiles(t)
	set.AuthClients = "no"
	keys, err := newTLSKeys(set)
	require.NoError(t, err)
	var out bytes.Buffer
	sink := newTestSink(t, &out)
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	serial := func() int64 {
		state, serverErr, clientErr := shake(t, keys.forClients(), &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
		require.NoError(t, serverErr)
		require.NoError(t, clientErr)
		return state.PeerCertificates[0].SerialNumber.Int64()
	}
	require.Equal(t, int64(7), serial())

	before := keys.stampFiles()
	require.NoError(t, os.WriteFile(set.CertFile, []byte("junk"), 0o600))
	require.NotEqual(t, before, keys.stampFiles())
	keys.reload(sink.logger())
	require.Equal(t, int64(7), serial())

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { keys.watch(ctx, sink.logger()); close(done) }()
	a.issue(8, set.CertFile, set.KeyFile)
	current := keys.current.Load()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); keys.current.Load() == current; {
		select {
		case <-tick.C:
		case <-limit:
			require.Fail(t, "not loaded again")
		}
	}
	stop()
	<-done
	require.Equal(t, int64(8), serial())
	sink.flush(patience)
	require.Equal(t, []string{
		"# TLS files have changed but cannot be used, those loaded before are kept: Failed to load certificate: " + set.CertFile + ": no certificate found",
		"* TLS files have changed and were loaded again",
	}, messages(out.String()))
}

// Rule: C-71: plain and TLS listeners side by side.
func TestTLSListener(t *testing.T) {
	_, set := tlsFiles(t)
	dir, path, port := writeConf(t)
	tlsPort := freePort(t)
	c := start(t, ourselves(dir, path, "--tls-port", fmt.Sprint(tlsPort), "--tls-cert-file", set.CertFile,
		"--tls-key-file", set.KeyFile, "--tls-ca-cert-file", set.CACertFile, "--tls-ciphersuites", "TLS_AES_128_GCM_SHA256", "--tls-dh-params-file", "x"))
	awaitListener(t, port)
	require.Contains(t, messages(c.stdout()), "* "+tlsDHIgnored)
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", tlsPort), linksOf(t, set)())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, "PING\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+PONG\r\n", line)
	require.Contains(t, infoOf(t, port), fmt.Sprintf("\r\nlistener0:name=tcp,bind=127.0.0.1,port=%d\r\nlistener2:name=tls,bind=127.0.0.1,port=%d\r\n", port, tlsPort))
}
