package integration

import (
	bytesOf "encoding/binary"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/testbed"
)

// stubDNS is a name server for host names without a dot. It answers at once
// what it was told last, answers late, or does not answer. All methods are safe
// for concurrent use.
type stubDNS struct {
	IP string // it listens on port 53 of it

	conn net.PacketConn

	mu     sync.Mutex
	table  map[string][]netip.Addr
	late   time.Duration
	silent bool
	asked  map[string]int
}

// newStubDNS starts a name server on ip.
func newStubDNS(t *testing.T, ip string) *stubDNS {
	t.Helper()
	conn, err := net.ListenPacket("udp", net.JoinHostPort(ip, "53"))
	if err != nil {
		t.Skipf("skipped for want of port 53 for a name server: %v", err)
	}
	d := &stubDNS{IP: ip, conn: conn, table: map[string][]netip.Addr{}, asked: map[string]int{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.serve()
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return d
}

// Set gives a name its addresses; none: there is no such name.
func (d *stubDNS) Set(name string, ips ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.table, name)
	for _, ip := range ips {
		d.table[name] = append(d.table[name], netip.MustParseAddr(ip))
	}
}

// Late makes it answer so much later.
func (d *stubDNS) Late(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.late = by
}

// Silent makes it answer nothing, or again.
func (d *stubDNS) Silent(yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = yes
}

// Asked is how often somebody has asked for a name.
func (d *stubDNS) Asked(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[name]
}

func (d *stubDNS) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := d.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if reply, late := d.reply(buf[:n]); reply != nil {
			time.AfterFunc(late, func() { d.conn.WriteTo(reply, from) })
		}
	}
}

// DNS on the wire (RFC 1035, section 4).
const (
	dnsHeader   = 12
	dnsResponse = 0x8580 // an authoritative answer, recursion desired and available
	dnsNoName   = 3
	dnsPointer  = 0xc000 | dnsHeader // to the name in the question
	dnsA        = 1
	dnsAAAA     = 28
)

// reply is the answer to one query, nil for none, and how late it is.
func (d *stubDNS) reply(query []byte) ([]byte, time.Duration) {
	name, end := dnsName(query)
	if end == 0 || end+4 > len(query) {
		return nil, 0
	}
	kind := bytesOf.BigEndian.Uint16(query[end:])
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[name]++
	if d.silent {
		return nil, 0
	}
	ips, known := d.table[name]
	flags := uint16(dnsResponse)
	if !known {
		flags |= dnsNoName
	}
	var answers []byte
	count := uint16(0)
	for _, ip := range ips {
		if kind == dnsA && !ip.Is4() || kind == dnsAAAA && !ip.Is6() || kind != dnsA && kind != dnsAAAA {
			continue
		}
		raw := ip.AsSlice()
		answers = bytesOf.BigEndian.AppendUint16(answers, dnsPointer)
		answers = bytesOf.BigEndian.AppendUint16(answers, kind)
		answers = bytesOf.BigEndian.AppendUint16(answers, 1) // class IN
		answers = bytesOf.BigEndian.AppendUint32(answers, 0) // nobody may keep it
		answers = bytesOf.BigEndian.AppendUint16(answers, uint16(len(raw)))
		answers = append(answers, raw...)
		count++
	}
	out := append([]byte(nil), query[:2]...)
	for _, v := range []uint16{flags, 1, count, 0, 0} {
		out = bytesOf.BigEndian.AppendUint16(out, v)
	}
	out = append(out, query[dnsHeader:end+4]...)
	return append(out, answers...), d.late
}

// dnsName reads the name of the question, and where its type follows; 0 if it
// cannot be read.
func dnsName(query []byte) (name string, end int) {
	var labels []string
	for at := dnsHeader; at < len(query); {
		n := int(query[at])
		at++
		if n == 0 {
			return strings.ToLower(strings.Join(labels, ".")), at
		}
		if n > 63 || at+n > len(query) {
			return "", 0
		}
		labels = append(labels, string(query[at:at+n]))
		at += n
	}
	return "", 0
}

// ask gives a command that runs another in a mount namespace of its own, where
// names are looked up with these name servers only.
func ask(t *testing.T, bed *testbed.Bed, servers ...string) (wrapper []string) {
	t.Helper()
	text := "options ndots:0 timeout:5 attempts:2\n"
	for _, ip := range servers {
		text += "nameserver " + ip + "\n"
	}
	wrapper, _ = namespace(t, bed, map[string]string{
		"/etc/resolv.conf":   text,
		"/etc/hosts":         "127.0.0.1 localhost\n",
		"/etc/nsswitch.conf": "hosts: files dns\n",
	})
	return wrapper
}

// namespace gives a command that runs another in a mount namespace of its own,
// with other files, kept in dir, in the place of some of the system's.
func namespace(t *testing.T, bed *testbed.Bed, files map[string]string) (wrapper []string, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp(bed.Dir, "etc-")
	require.NoError(t, err)
	script := ""
	for path, text := range files {
		file := filepath.Join(dir, filepath.Base(path))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		script += "mount --bind " + file + " " + path + " && "
	}
	return privately(t, script), dir
}

// privately gives a command that runs another in a mount namespace of its own,
// after the commands of a shell, which must end in `&& `.
func privately(t *testing.T, script string) (wrapper []string) {
	t.Helper()
	flags := "-m"
	if os.Geteuid() != 0 {
		flags = "-rm"
	}
	if out, err := exec.Command("unshare", flags, "sh", "-c", "mount --bind /etc/hosts /etc/hosts").CombinedOutput(); err != nil {
		t.Skipf("skipped for want of mount namespaces (unshare %s: %v %s)", flags, err, out)
	}
	return []string{"unshare", flags, "sh", "-c", script + `exec "$0" "$@"`}
}
