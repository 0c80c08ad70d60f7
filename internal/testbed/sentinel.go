package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gosentinel/internal/resp"
)

// Sentinel is one Sentinel, of either kind. Kind may be changed while it is
// not running: the next Up runs the other program on the same file.
type Sentinel struct {
	*Process
	Kind Kind
	Host string
	Port int
	Pass string
	Conf string // path of its sentinel.conf

	bed     *Bed
	wrapper []string
}

// SentinelOptions say how a Sentinel is made. The zero value listens on
// 127.0.0.1, on a port of the Bed's.
type SentinelOptions struct {
	Kind    Kind
	Host    string   // where we reach it
	Bind    string   // what it listens on; default Host
	Port    int      // default: one of the Bed's
	Pass    string   // requirepass
	Lines   []string // further configuration lines, `sentinel monitor` and so on
	Wrapper []string // command in front of it
}

// Sentinel adds a Sentinel and starts it.
func (b *Bed) Sentinel(name string, o SentinelOptions) (*Sentinel, error) {
	s, err := b.PrepareSentinel(name, o)
	if err != nil {
		return nil, err
	}
	return s, s.Up()
}

// PrepareSentinel adds a Sentinel without starting it.
func (b *Bed) PrepareSentinel(name string, o SentinelOptions) (*Sentinel, error) {
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
	s := &Sentinel{Kind: o.Kind, Host: o.Host, Port: o.Port, Pass: o.Pass, Conf: filepath.Join(dir, "sentinel.conf"), bed: b, wrapper: o.Wrapper}
	p, err := b.process(name, nil)
	if err != nil {
		return nil, err
	}
	s.Process = p
	lines := []string{"bind " + o.Bind, "port " + strconv.Itoa(o.Port), "dir " + dir}
	if o.Pass != "" {
		lines = append(lines, "requirepass "+o.Pass)
	}
	lines = append(lines, o.Lines...)
	return s, os.WriteFile(s.Conf, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// Up starts the program of the Sentinel's kind and waits until it answers.
func (s *Sentinel) Up() error {
	if err := s.Launch(); err != nil {
		return err
	}
	return s.Ready()
}

// Launch starts the program without waiting for it.
func (s *Sentinel) Launch() error {
	program := s.bed.Programs.Ours
	if s.Kind == Original {
		program = s.bed.Programs.Original
	}
	if program == "" {
		return fmt.Errorf("testbed: there is no redis-sentinel of kind %v", s.Kind)
	}
	s.Argv = append(append([]string{}, s.wrapper...), program, s.Conf)
	return s.Start()
}

// Ready waits until the Sentinel answers, be it that it refuses.
func (s *Sentinel) Ready() error {
	return Until(startPatience, func() error {
		if !s.Running() {
			return fmt.Errorf("%s has ended", s.Name)
		}
		_, err := s.Do("PING")
		if _, ok := errors.AsType[ReplyError](err); ok {
			return nil
		}
		return err
	})
}

// Addr is where the Sentinel listens.
func (s *Sentinel) Addr() string { return hostPort(s.Host, s.Port) }

// Do sends one command on a connection of its own.
func (s *Sentinel) Do(args ...string) (resp.Value, error) { return Do(s.Addr(), s.Pass, args...) }

// Dial connects to the Sentinel.
func (s *Sentinel) Dial() (*Client, error) { return Dial(s.Addr(), s.Pass) }

// Master is the address that the Sentinel names for a master.
func (s *Sentinel) Master(name string) (string, error) {
	v, err := s.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
	if err != nil {
		return "", err
	}
	if len(v.Elems) != 2 {
		return "", fmt.Errorf("%s does not know master %s", s.Name, name)
	}
	return v.Elems[0].Str + ":" + v.Elems[1].Str, nil
}

// Names reports by nil that the Sentinel names addr for a master.
func (s *Sentinel) Names(name, addr string) error {
	got, err := s.Master(name)
	if err == nil && got != addr {
		err = fmt.Errorf("%s names %s for %s; want %s", s.Name, got, name, addr)
	}
	return err
}

// State is SENTINEL MASTER.
func (s *Sentinel) State(name string) (map[string]string, error) {
	v, err := s.Do("SENTINEL", "MASTER", name)
	return Fields(v), err
}

// Sees reports by nil that the Sentinel knows that many replicas and other
// Sentinels of a master, all of them connected and none of them down, and that
// the master is up and no failover runs.
func (s *Sentinel) Sees(name string, replicas, peers int) error {
	m, err := s.State(name)
	if err != nil {
		return err
	}
	if m["flags"] != "master" {
		return fmt.Errorf("%s: master %s has flags %s", s.Name, name, m["flags"])
	}
	for _, q := range []struct {
		command, flag string
		want          int
	}{{"REPLICAS", "slave", replicas}, {"SENTINELS", "sentinel", peers}} {
		v, err := s.Do("SENTINEL", q.command, name)
		if err != nil {
			return err
		}
		if len(v.Elems) != q.want {
			return fmt.Errorf("%s: %d of %s, want %d", s.Name, len(v.Elems), q.command, q.want)
		}
		for _, e := range v.Elems {
			f := Fields(e)
			if f["flags"] != q.flag {
				return fmt.Errorf("%s: %s has flags %s", s.Name, f["name"], f["flags"])
			}
			if q.flag == "slave" && f["master-link-status"] != "ok" {
				return fmt.Errorf("%s: %s has link %s", s.Name, f["name"], f["master-link-status"])
			}
		}
	}
	return nil
}

// File is the text of sentinel.conf.
func (s *Sentinel) File() (string, error) {
	b, err := os.ReadFile(s.Conf)
	return string(b), err
}

// ErrNoLine says that sentinel.conf has no such line.
var ErrNoLine = errors.New("no such line in sentinel.conf")

// Line is what follows prefix and a blank on its line of sentinel.conf.
func (s *Sentinel) Line(prefix string) (string, error) {
	text, err := s.File()
	if err != nil {
		return "", err
	}
	for line := range strings.SplitSeq(text, "\n") {
		if rest, ok := strings.CutPrefix(line, prefix+" "); ok {
			return rest, nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrNoLine, prefix)
}
