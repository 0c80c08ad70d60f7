package daemon

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"golang.org/x/sys/unix"

	"gosentinel/conf"
	"gosentinel/internal/listener"
)

// endpoint is one way in: the sockets of one kind.
type endpoint struct {
	index   int    // behind INFO's `listener`
	text    string // behind INFO's `listener<i>:`
	sockets []net.Listener
}

// openEndpoints opens all listening sockets of the configuration. An error is an
// abort; the sockets opened before are closed then.
//
// Rule: C-69 to C-72.
func openEndpoints(set *conf.Settings, keys *tlsKeys, log *slog.Logger) (endpoints []endpoint, err error) {
	defer func() {
		if err != nil {
			closeEndpoints(endpoints)
			endpoints = nil
		}
	}()
	if set.Port != 0 {
		d, err := openTCP(set, 0, "tcp", set.Port, log)
		endpoints = append(endpoints, d)
		if err != nil {
			return endpoints, err
		}
	}
	if set.TLS.Port != 0 {
		d, err := openTCP(set, 2, "tls", set.TLS.Port, log)
		for i, ln := range d.sockets {
			d.sockets[i] = tls.NewListener(ln, keys.forClients())
		}
		endpoints = append(endpoints, d)
		if err != nil {
			return endpoints, err
		}
	}
	if set.UnixSocket != "" {
		ln, err := listener.ListenUnix(set.UnixSocket, set.UnixSocketPerm, set.TCPBacklog)
		if err != nil {
			return endpoints, abort{"Failed opening Unix socket: " + err.Error()}
		}
		endpoints = append(endpoints, endpoint{1, "name=unix,bind=" + set.UnixSocket, []net.Listener{ln}})
	}
	for _, d := range endpoints {
		if len(d.sockets) > 0 {
			return endpoints, nil
		}
	}
	return endpoints, abort{"Configured to not listen anywhere, exiting."}
}

// openTCP listens on a port at every address of `bind`. With an error the
// sockets opened so far are in the door.
func openTCP(set *conf.Settings, index int, name string, port int, log *slog.Logger) (endpoint, error) {
	d := endpoint{index: index, text: "name=" + name}
	for _, addr := range set.Bind {
		d.text += ",bind=" + addr
		host, optional := strings.CutPrefix(addr, "-")
		ln, err := listener.Listen(host, port, set.TCPBacklog, set.SocketMark)
		if err == nil {
			d.sockets = append(d.sockets, ln)
			continue
		}
		log.Warn(fmt.Sprintf("Warning: Could not create server TCP listening socket %s:%d: %s", host, port, err))
		if listener.Unsupported(err) || optional && errors.Is(err, unix.EADDRNOTAVAIL) {
			continue
		}
		return d, abort{fmt.Sprintf("Failed listening on port %d (%s), aborting.", port, name)}
	}
	d.text += fmt.Sprintf(",port=%d", port)
	return d, nil
}

// closeEndpoints closes all sockets.
func closeEndpoints(endpoints []endpoint) {
	for _, d := range endpoints {
		for _, ln := range d.sockets {
			_ = ln.Close()
		}
	}
}

// endpointTexts are INFO's `listener<i>` lines, in order of their index.
func endpointTexts(endpoints []endpoint) []string {
	var texts []string
	for index := range 3 {
		for _, d := range endpoints {
			if d.index == index && len(d.sockets) > 0 {
				texts = append(texts, fmt.Sprintf("%d:%s", index, d.text))
			}
		}
	}
	return texts
}
