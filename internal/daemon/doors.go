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

// door is one way in: the sockets of one kind.
type door struct {
	index   int    // behind INFO's `listener`
	text    string // behind INFO's `listener<i>:`
	sockets []net.Listener
}

// openDoors opens all listening sockets of the configuration. An error is an
// abort; the sockets opened before are closed then.
//
// Rule: C-69 to C-72.
func openDoors(set *conf.Settings, keys *tlsKeys, log *slog.Logger) (doors []door, err error) {
	defer func() {
		if err != nil {
			closeDoors(doors)
			doors = nil
		}
	}()
	if set.Port != 0 {
		d, err := openTCP(set, 0, "tcp", set.Port, log)
		doors = append(doors, d)
		if err != nil {
			return doors, err
		}
	}
	if set.TLS.Port != 0 {
		d, err := openTCP(set, 2, "tls", set.TLS.Port, log)
		for i, ln := range d.sockets {
			d.sockets[i] = tls.NewListener(ln, keys.forClients())
		}
		doors = append(doors, d)
		if err != nil {
			return doors, err
		}
	}
	if set.UnixSocket != "" {
		ln, err := listener.ListenUnix(set.UnixSocket, set.UnixSocketPerm, set.TCPBacklog)
		if err != nil {
			return doors, abort{"Failed opening Unix socket: " + err.Error()}
		}
		doors = append(doors, door{1, "name=unix,bind=" + set.UnixSocket, []net.Listener{ln}})
	}
	for _, d := range doors {
		if len(d.sockets) > 0 {
			return doors, nil
		}
	}
	return doors, abort{"Configured to not listen anywhere, exiting."}
}

// openTCP listens on a port at every address of `bind`. With an error the
// sockets opened so far are in the door.
func openTCP(set *conf.Settings, index int, name string, port int, log *slog.Logger) (door, error) {
	d := door{index: index, text: "name=" + name}
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

// closeDoors closes all sockets.
func closeDoors(doors []door) {
	for _, d := range doors {
		for _, ln := range d.sockets {
			_ = ln.Close()
		}
	}
}

// doorTexts are INFO's `listener<i>` lines, in order of their index.
func doorTexts(doors []door) []string {
	var texts []string
	for index := range 3 {
		for _, d := range doors {
			if d.index == index && len(d.sockets) > 0 {
				texts = append(texts, fmt.Sprintf("%d:%s", index, d.text))
			}
		}
	}
	return texts
}
