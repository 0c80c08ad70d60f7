package testbed

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
)

// startPatience is how long a started program may take to answer: processes on
// a busy machine of two cores have been seen to take 2 s.
const startPatience = 30 * time.Second

// Redis is one redis-server.
type Redis struct {
	*Process
	Host string
	Port int
	Pass string
	Conf string // path of its configuration file

	reach string // where we dial it
}

// RedisOptions say how a Redis is made. The zero value is a master without a
// password on 127.0.0.1, on a port of the Bed's.
type RedisOptions struct {
	Host    string   // name or address that others use for it
	Bind    string   // what it listens on, the first of it is where we reach it; default Host
	Port    int      // default: one of the Bed's
	Pass    string   // requirepass and masterauth
	Master  *Redis   // replicaof
	Lines   []string // further configuration lines
	Wrapper []string // command in front of it
}

// Redis adds a redis-server and starts it.
func (b *Bed) Redis(name string, o RedisOptions) (*Redis, error) {
	if b.Programs.Redis == "" {
		return nil, errors.New("testbed: there is no redis-server")
	}
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if o.Bind == "" {
		o.Bind = o.Host
	}
	if o.Port == 0 {
		o.Port = b.Port()
	}
	dir := filepath.Join(b.Dir, name)
	first, _, _ := strings.Cut(o.Bind, " ")
	r := &Redis{Host: o.Host, Port: o.Port, Pass: o.Pass, Conf: filepath.Join(dir, "redis.conf"), reach: net.JoinHostPort(first, strconv.Itoa(o.Port))}
	p, err := b.process(name, append(append([]string{}, o.Wrapper...), b.Programs.Redis, r.Conf))
	if err != nil {
		return nil, err
	}
	r.Process = p
	lines := []string{
		"bind " + o.Bind,
		"port " + strconv.Itoa(o.Port),
		"dir " + dir,
		`save ""`,
		// The first synchronisation would otherwise wait 5 s for more replicas.
		"repl-diskless-sync-delay 0",
	}
	if o.Pass != "" {
		lines = append(lines, "requirepass "+o.Pass, "masterauth "+o.Pass)
	}
	if o.Master != nil {
		lines = append(lines, fmt.Sprintf("replicaof %s %d", o.Master.Host, o.Master.Port))
	}
	lines = append(lines, o.Lines...)
	if err := os.WriteFile(r.Conf, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return nil, err
	}
	return r, r.Up()
}

// Up starts the server and waits until it answers.
func (r *Redis) Up() error {
	if err := r.Start(); err != nil {
		return err
	}
	return r.Ready()
}

// Ready waits until the server answers.
func (r *Redis) Ready() error {
	return Until(startPatience, func() error {
		if !r.Running() {
			return fmt.Errorf("%s has ended", r.Name)
		}
		_, err := r.Do("PING")
		return err
	})
}

// Addr is where the server listens, as others name it.
func (r *Redis) Addr() string { return hostPort(r.Host, r.Port) }

// Do sends one command on a connection of its own.
func (r *Redis) Do(args ...string) (resp.Value, error) { return Do(r.reach, r.Pass, args...) }

// Dial connects to the server.
func (r *Redis) Dial() (*Client, error) { return Dial(r.reach, r.Pass) }

// Role is what the server says of itself; see ParseRole.
func (r *Redis) Role() (role, master, link string, err error) {
	v, err := r.Do("ROLE")
	if err != nil {
		return "", "", "", err
	}
	return ParseRole(v)
}

// ParseRole reads a reply to ROLE: `master`, or `slave` and then the address of
// its master and the state of the link to it.
func ParseRole(v resp.Value) (role, master, link string, err error) {
	if len(v.Elems) == 0 {
		return "", "", "", errors.New("empty ROLE")
	}
	role = v.Elems[0].Str
	if role == "slave" && len(v.Elems) >= 4 {
		return role, hostPort(v.Elems[1].Str, int(v.Elems[2].Int)), v.Elems[3].Str, nil
	}
	return role, "", "", nil
}

// Follows reports by nil that r is a linked replica of the instance at addr.
func (r *Redis) Follows(addr string) error {
	role, master, link, err := r.Role()
	if err != nil {
		return err
	}
	if role != "slave" || master != addr || link != "connected" {
		return fmt.Errorf("%s (%s) is %s of %s, link %s; want a linked replica of %s", r.Name, r.Addr(), role, master, link, addr)
	}
	return nil
}

// IsMaster reports by nil that r is a master.
func (r *Redis) IsMaster() error {
	role, master, _, err := r.Role()
	if err != nil {
		return err
	}
	if role != "master" {
		return fmt.Errorf("%s (%s) is %s of %s; want master", r.Name, r.Addr(), role, master)
	}
	return nil
}
