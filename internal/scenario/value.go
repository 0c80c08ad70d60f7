package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/sim"
)

func (c *command) bad(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *command) has(key string) bool {
	_, ok := c.opts[key]
	return ok
}

func (c *command) text(key, def string) string {
	v, ok := c.opts[key]
	if !ok {
		return def
	}
	c.used[key] = true
	return v
}

func (c *command) number(key string, def int) int {
	v, ok := c.opts[key]
	if !ok {
		return def
	}
	c.used[key] = true
	n, err := strconv.Atoi(v)
	if err != nil {
		c.bad("%s=%s is not a number", key, v)
	}
	return n
}

func (c *command) duration(key string, def time.Duration) time.Duration {
	v, ok := c.opts[key]
	if !ok {
		return def
	}
	c.used[key] = true
	d, err := time.ParseDuration(v)
	if err != nil {
		c.bad("%s=%s is not a duration", key, v)
	}
	return d
}

func (c *command) list(key string) []string {
	v := c.text(key, "")
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}

// flag reports whether a bare word is there, and takes it from the arguments.
func (c *command) flag(word string) bool {
	i := slices.Index(c.args, word)
	if i < 0 {
		return false
	}
	c.args = slices.Delete(c.args, i, i+1)
	return true
}

// want complains unless there are min to max arguments left (max < 0: any).
func (c *command) want(min, max int) bool {
	if len(c.args) < min || max >= 0 && len(c.args) > max {
		c.bad("wrong number of words: %q", c.args)
		return false
	}
	return true
}

// done complains about options that nobody asked for.
func (c *command) done() error {
	if c.err != nil {
		return c.err
	}
	for _, k := range slices.Sorted(maps.Keys(c.opts)) {
		if !c.used[k] {
			return fmt.Errorf("unknown option %s=", k)
		}
	}
	return nil
}

func (c *command) addr(text string) sim.Addr {
	host, port, ok := strings.Cut(text, ":")
	n, err := strconv.Atoi(port)
	if !ok || err != nil {
		c.bad("%s is not an address IP:PORT", text)
	}
	return sim.Addr{IP: host, Port: n}
}
