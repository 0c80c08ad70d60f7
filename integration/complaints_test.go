package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// logHas reports by nil that the log of p has a line with all of these words.
func logHas(p *testbed.Process, words ...string) error {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return nil
		}
	}
	return fmt.Errorf("no line with %q in the log", words)
}

// An instance that answers with errors looks as if it were dead, in the
// original for ever and without a word. The log says what it answers, and when
// it does no more; nothing is published that the original does not publish.
//
// Rule: W-32, B-115.
func TestInstancesThatAnswerWithErrorsAreTold(t *testing.T) {
	t.Parallel()
	user := func(rights string) []string {
		return []string{"user watch on >w ~* &* +@all " + rights}
	}
	may := func(rights string) func(*testbed.Client) error {
		return func(c *testbed.Client) error {
			_, err := c.Do("ACL", "SETUSER", "watch", rights)
			return err
		}
	}
	set := func(name, value string) func(*testbed.Client) error {
		return func(c *testbed.Client) error {
			_, err := c.Do("CONFIG", "SET", name, value)
			return err
		}
	}
	for _, tc := range []struct {
		name         string
		redis, lines []string
		before       func(*testbed.Client) error
		want         string
		after        func(*testbed.Client) error
		over         string
	}{
		{"no password", nil, nil, set("requirepass", "pw"),
			"with an error: NOAUTH Authentication required.", set("requirepass", ""), "no longer answers with the error NOAUTH"},
		{"wrong password", nil, []string{"sentinel auth-pass mm bad"}, set("requirepass", "pw"),
			"answers AUTH with an error: WRONGPASS", set("requirepass", "bad"), "no longer answers"},
		{"PING", user("-ping"), nil, nil, "answers PING with an error: NOPERM", may("+ping"), "no longer answers PING with an error"},
		{"INFO", user("-info"), nil, nil, "answers INFO with an error: NOPERM", may("+info"), "no longer answers INFO with an error"},
		{"PUBLISH", user("-publish"), nil, nil, "answers PUBLISH with an error: NOPERM", may("+publish"), "no longer answers PUBLISH with an error"},
		{"SUBSCRIBE", user("-subscribe"), nil, nil, "answers SUBSCRIBE with an error: NOPERM", may("+subscribe"), "no longer answers SUBSCRIBE with an error"},
		{"channels", user("resetchannels"), nil, nil, "answers PUBLISH with an error: NOPERM", may("allchannels"), "no longer answers PUBLISH with an error"},
		{"CLIENT", user("-client"), nil, nil, "answers CLIENT with an error: NOPERM", nil, ""},
		{"clients", nil, nil, set("maxclients", "1"), "refuses connections: ERR max number of clients reached", set("maxclients", "100"), "accepts connections again"},
		{"a script", nil, nil, func(c *testbed.Client) error {
			if _, err := c.Do("CONFIG", "SET", "busy-reply-threshold", "10"); err != nil {
				return err
			}
			return c.Send("EVAL", "while true do end", "0")
		}, "with an error: BUSY", nil, "no longer answers with the error BUSY"}, // by the SCRIPT KILL of B-305
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			bed := fixture.Bed(t)
			r, err := bed.Redis("redis1", testbed.RedisOptions{Lines: tc.redis})
			require.NoError(t, err)
			admin := must(r.Dial())
			t.Cleanup(func() { admin.Close() })
			if tc.before != nil {
				require.NoError(t, tc.before(admin))
			}
			lines := []string{fmt.Sprintf("sentinel monitor mm %s %d 1", r.Host, r.Port), "sentinel down-after-milliseconds mm 1000"}
			if tc.redis != nil {
				lines = append(lines, "sentinel auth-user mm watch", "sentinel auth-pass mm w")
			}
			s, err := bed.Sentinel("sentinel1", testbed.SentinelOptions{Lines: append(lines, tc.lines...)})
			require.NoError(t, err)
			who := fmt.Sprintf("# master mm %s %d ", r.Host, r.Port)
			fixture.Until(t, 20*time.Second, func() error { return logHas(s.Process, who, tc.want) })
			if tc.after != nil {
				require.NoError(t, tc.after(admin))
			}
			if tc.over != "" {
				fixture.Until(t, 30*time.Second, func() error { return logHas(s.Process, who, tc.over) })
			}
			require.NoError(t, s.Names("mm", r.Addr()))
		})
	}
}

// A hello that is dropped, or names another master, is told of with the run id
// of who sends it; so is a peer that does not let us ask.
//
// Rule: W-32, R-19.
func TestSentinelsThatCannotBeUsedAreTold(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	r, err := bed.Redis("redis1", testbed.RedisOptions{})
	require.NoError(t, err)
	watch := []string{fmt.Sprintf("sentinel monitor mm %s %d 2", r.Host, r.Port), "sentinel down-after-milliseconds mm 3000"}
	s, err := bed.Sentinel("sentinel1", testbed.SentinelOptions{Lines: watch})
	require.NoError(t, err)
	id := strings.Repeat("1f", 20)
	say := func(port int) {
		t.Helper()
		fixture.Until(t, 30*time.Second, func() error {
			v, err := r.Do("PUBLISH", "__sentinel__:hello", fmt.Sprintf("127.0.0.1,%d,%s,0,mm,%s,%d,0", port, id, r.Host, r.Port))
			if err == nil && v.Int == 0 {
				err = errors.New("nobody has subscribed")
			}
			return err
		})
	}
	say(0)
	told := func(words ...string) {
		t.Helper()
		fixture.Until(t, 20*time.Second, func() error { return logHas(s.Process, words...) })
	}
	told("# The hello of Sentinel "+id+" about mm from master mm", "is dropped: its port is 0")
	say(bed.Port())
	told("# The hello of Sentinel " + id + " about mm is no longer dropped")

	other := r.Port + 1
	_, err = r.Do("PUBLISH", "__sentinel__:hello", fmt.Sprintf("127.0.0.1,%d,%s,0,mm,%s,%d,0", bed.Port(), id, r.Host, other))
	require.NoError(t, err)
	told("# sentinel "+id, fmt.Sprintf("names %s:%d as the master, and config epoch 0", r.Host, other))

	_, err = bed.Sentinel("sentinel2", testbed.SentinelOptions{Pass: "secret", Lines: watch})
	require.NoError(t, err)
	told("# sentinel ", "with an error: NOAUTH Authentication required.")
	text, err := os.ReadFile(s.Log)
	require.NoError(t, err)
	require.NotContains(t, string(text), "secret")
}

// The port of another Sentinel that is watched by mistake: its INFO has no role,
// which both programs show as `slave`; ours says what is there.
//
// Rule: B-520, B-931.
func TestWatchedSentinelIsTold(t *testing.T) {
	t.Parallel()
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			if kind == testbed.Original {
				fixture.NeedsOriginal(t)
			}
			bed := fixture.Bed(t)
			other, err := bed.Sentinel("other", testbed.SentinelOptions{Kind: kind})
			require.NoError(t, err)
			s, err := bed.Sentinel("sentinel1", testbed.SentinelOptions{Kind: kind, Lines: []string{
				"loglevel verbose", fmt.Sprintf("sentinel monitor mm %s %d 1", other.Host, other.Port),
			}})
			require.NoError(t, err)
			who := fmt.Sprintf("master mm %s %d", other.Host, other.Port)
			fixture.Until(t, 30*time.Second, func() error {
				return logHas(s.Process, "- -role-change "+who+" new reported role is slave")
			})
			fixture.Until(t, 30*time.Second, func() error {
				f, err := s.State("mm")
				if err == nil && (f["role-reported"] != "slave" || !strings.HasPrefix(f["flags"], "master")) {
					err = fmt.Errorf("role %s, flags %s", f["role-reported"], f["flags"])
				}
				return err
			})
			if kind == testbed.Ours {
				require.NoError(t, logHas(s.Process, "# "+who+" tells no role in INFO, but redis_mode:sentinel"))
			}
		})
	}
}

// A connection that TLS prevents is told of, from either side: a server that
// knows none, and one that knows nothing else.
//
// Rule: W-32, B-123.
func TestTLSTroubleIsTold(t *testing.T) {
	t.Parallel()
	bed := fixture.Bed(t)
	cert, key := certificate(t)
	tls := []string{"tls-cert-file " + cert, "tls-key-file " + key, "tls-ca-cert-file " + cert}
	plain, err := bed.Redis("plain", testbed.RedisOptions{})
	require.NoError(t, err)
	secure := bed.Port()
	_, err = bed.Redis("secure", testbed.RedisOptions{Lines: append(tls, fmt.Sprintf("tls-port %d", secure))})
	require.NoError(t, err)
	lines := func(port int) []string {
		return []string{fmt.Sprintf("sentinel monitor mm 127.0.0.1 %d 1", port), "sentinel down-after-milliseconds mm 2000"}
	}
	wants, err := bed.Sentinel("wants", testbed.SentinelOptions{Lines: append(append(tls, "tls-replication yes"), lines(plain.Port)...)})
	require.NoError(t, err)
	knowsNot, err := bed.Sentinel("knows-not", testbed.SentinelOptions{Lines: lines(secure)})
	require.NoError(t, err)
	fixture.Until(t, 20*time.Second, func() error {
		return logHas(wants.Process, "# master mm 127.0.0.1", "refuses connections: TLS handshake: ")
	})
	fixture.Until(t, 20*time.Second, func() error {
		return logHas(knowsNot.Process, "# master mm 127.0.0.1", "ends connections before it answers: ")
	})
}

// certificate makes a certificate of its own authority for 127.0.0.1, and gives
// the paths of it and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	is := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, is, is, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o644))
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
}
