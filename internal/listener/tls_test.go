package listener

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func certificate(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Rule: C-71: over TLS all is as without.
func TestTLS(t *testing.T) {
	w := start(t, func(o *Options) { o.ProtectedMode, o.MaxClients = true, 2 })
	ln, err := Listen("127.0.0.1", 0, 511, 0)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		done <- w.s.Serve(tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate(t)}}))
	}()
	dial := func() *user {
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		u := &user{t: t, conn: conn}
		u.r = reader(conn)
		return u
	}
	a, b := dial(), dial()
	a.ask("PING", "+PONG\r\n")
	b.ask("SUBSCRIBE x", "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n")
	payload := strings.Repeat("p", 3<<20)
	w.publish("x", payload)
	w.publish("x", "end")
	b.expect(messageText("message", "x", payload) + messageText("message", "x", "end"))
	a.ask(strings.Repeat("PING\r\nROLE\r\n", 20)+"PING", strings.Repeat("+PONG\r\n*2\r\n$8\r\nsentinel\r\n*0\r\n", 20)+"+PONG\r\n")
	full := dial()
	full.expect("-ERR max number of clients reached\r\n")
	full.closed()
	a.send("*1\r\nx\r\n")
	a.expect("-ERR Protocol error: expected '$', got 'x'\r\n")
	a.closed()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, w.s.Close(ctx))
	require.NoError(t, <-done)
}
