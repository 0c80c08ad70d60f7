package scenario

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gosentinel/internal/resp"
	"gosentinel/internal/sim"
)

// process is a Sentinel or an instance, whichever who names, or nil.
func (r *runner) process(who string) (n *sim.Node, i *sim.Instance) {
	if n = r.w.Sentinel(who); n != nil {
		return n, nil
	}
	host, port, _ := strings.Cut(who, ":")
	num, _ := strconv.Atoi(port)
	return nil, r.w.Instance(sim.Addr{IP: host, Port: num})
}

// isHost reports whether who is an IP of this world.
func (r *runner) isHost(who string) bool {
	for _, ip := range r.hosts() {
		if ip == who {
			return true
		}
	}
	return false
}

func (r *runner) hosts() []string {
	var out []string
	for _, n := range r.w.Sentinels() {
		out = append(out, n.Addr().IP)
	}
	for _, i := range r.w.Instances() {
		out = append(out, i.Addr().IP)
	}
	return out
}

// each calls one of the functions for everything that the words name.
func (r *runner) each(c *command, node func(*sim.Node), inst func(*sim.Instance), host func(string)) {
	if !c.want(1, -1) {
		return
	}
	for _, who := range c.args {
		n, i := r.process(who)
		switch {
		case n != nil:
			node(n)
		case i != nil:
			inst(i)
		case host != nil && r.isHost(who):
			host(who)
		default:
			c.bad("nobody is called %s", who)
		}
	}
}

func (r *runner) crash(c *command) {
	r.each(c, func(n *sim.Node) { n.Crash() }, func(i *sim.Instance) { i.Crash() }, r.w.HostDown)
}

func (r *runner) restart(c *command) {
	empty := c.flag("empty")
	r.each(c, func(n *sim.Node) {
		n.Crash()
		n.Start()
	}, func(i *sim.Instance) {
		i.Crash()
		i.Start(empty)
	}, func(ip string) { r.w.HostRestart(ip, empty) })
}

func (r *runner) pause(c *command) {
	r.each(c, func(n *sim.Node) { n.Pause() }, func(i *sim.Instance) { i.Pause() }, nil)
}

func (r *runner) resume(c *command) {
	r.each(c, func(n *sim.Node) { n.Resume() }, func(i *sim.Instance) { i.Resume() }, nil)
}

// pairs calls f for each pair of hosts from the two lists.
func (r *runner) pairs(c *command, f func(a, b string)) {
	left := r.hostList(c, c.args[0], nil)
	right := r.hostList(c, c.args[1], left)
	if c.err != nil {
		return
	}
	for _, a := range left {
		for _, b := range right {
			if a != b {
				f(a, b)
			}
		}
	}
}

func (r *runner) hostList(c *command, list string, but []string) []string {
	var out []string
	if list == "*" {
		for _, ip := range r.hosts() {
			other := true
			for _, b := range but {
				other = other && b != ip
			}
			if other {
				out = append(out, ip)
			}
		}
		return out
	}
	for _, who := range strings.Split(list, ",") {
		n, i := r.process(who)
		switch {
		case n != nil:
			out = append(out, n.Addr().IP)
		case i != nil:
			out = append(out, i.Addr().IP)
		case r.isHost(who):
			out = append(out, who)
		default:
			c.bad("nobody is called %s", who)
		}
	}
	return out
}

func (r *runner) cut(c *command) {
	oneway := c.flag("oneway")
	if !c.want(2, 2) {
		return
	}
	r.pairs(c, func(a, b string) {
		r.w.Cut(a, b)
		if !oneway {
			r.w.Cut(b, a)
		}
	})
}

func (r *runner) heal(c *command) {
	if len(c.args) == 0 {
		r.w.HealAll()
		return
	}
	if !c.want(2, 2) {
		return
	}
	r.pairs(c, func(a, b string) {
		r.w.Heal(a, b)
		r.w.Heal(b, a)
	})
}

func (r *runner) breakLinks(c *command) {
	if c.want(2, 2) {
		r.pairs(c, r.w.Break)
	}
}

func (r *runner) node(c *command, name string) *sim.Node {
	n := r.w.Sentinel(name)
	if n == nil {
		c.bad("no Sentinel %s", name)
	}
	return n
}

func (r *runner) clock(c *command) {
	if !c.want(2, 2) {
		return
	}
	n := r.node(c, c.args[0])
	d, err := time.ParseDuration(c.args[1])
	if err != nil {
		c.bad("%s is not a duration", c.args[1])
	}
	if c.err == nil {
		n.StepClock(d)
	}
}

func (r *runner) disk(c *command) {
	if !c.want(1, 2) {
		return
	}
	n := r.node(c, c.args[0])
	if n == nil {
		return
	}
	d := &n.Disk
	d.Latency = c.duration("latency", d.Latency)
	if len(c.args) == 1 {
		return
	}
	switch c.args[1] {
	case "ok":
		d.Failing, d.Lying, d.Torn = false, false, false
		d.Unstall()
	case "fail":
		d.Failing = true
	case "stall":
		d.Stalled = true
	case "lie":
		d.Lying = true
	case "torn":
		d.Torn = true
	default:
		c.bad("a disk can be ok, fail, stall, lie or torn")
	}
}

func (r *runner) cmd(c *command) {
	if !c.want(2, -1) {
		return
	}
	n, i := r.process(c.args[0])
	words := c.args[1:]
	for k, w := range words {
		if w == `""` {
			words[k] = ""
		}
		for _, s := range r.w.Sentinels() { // <s1> stands for its run id, as in what is shown
			words[k] = strings.ReplaceAll(words[k], "<"+s.Name()+">", s.ID())
		}
	}
	switch {
	case n != nil:
		n.Command(func(v resp.Value) { r.line(n.Name(), "> "+valueText(v, "")) }, words...)
	case i != nil:
		r.line(i.Name(), "> "+valueText(i.Command(words...), ""))
	default:
		c.bad("nobody is called %s", c.args[0])
	}
}

func (r *runner) instance(c *command) {
	if !c.want(1, -1) {
		return
	}
	_, i := r.process(c.args[0])
	if i == nil {
		c.bad("no instance %s", c.args[0])
		return
	}
	for _, word := range c.args[1:] {
		word, on := strings.TrimPrefix(word, "no-"), !strings.HasPrefix(word, "no-")
		switch word {
		case "busy":
			i.Busy = on
		case "unkillable":
			i.Unkillable = on
		case "fail-rewrite":
			i.FailRewrite = on
		case "deny-info":
			i.DenyInfo = on
		case "ignore-role":
			i.IgnoreRole = on
		case "full":
			i.Full = on
		case "run-id":
			i.ChangeRunID()
		default:
			c.bad("unknown word %s", word)
		}
	}
	if c.has("priority") {
		i.SetPriority(c.number("priority", 0))
	}
	if c.has("offset") {
		i.SetOffset(int64(c.number("offset", 0)))
	}
	if c.has("password") {
		i.SetPassword(c.text("password", ""))
	}
	if c.has("deny") {
		i.Denied = c.list("deny")
	}
	i.InfoDelay = c.duration("info-delay", i.InfoDelay)
	i.LoadTakes = c.duration("load", i.LoadTakes)
}

func (r *runner) write(c *command) {
	if !c.want(2, 2) {
		return
	}
	_, i := r.process(c.args[0])
	n, err := strconv.Atoi(c.args[1])
	if i == nil || err != nil {
		c.bad("an address and a number are needed")
		return
	}
	for k := range n {
		if !i.Write(uint64(k + 1)) {
			r.line(i.Name(), "refuses to write")
			return
		}
	}
}

func (r *runner) dns(c *command) {
	if c.want(1, -1) {
		r.set(func(w *sim.World) { w.SetDNS(c.args[0], c.args[1:]...) })
	}
}

func (r *runner) script(c *command) {
	missing := c.flag("missing")
	res := sim.ScriptResult{
		Takes: c.duration("takes", 0), Code: c.number("code", 0), Signal: c.number("signal", 0), Missing: missing,
	}
	if c.want(1, 1) {
		r.set(func(w *sim.World) { w.SetScript(c.args[0], res) })
	}
}

// set changes a setting of the world, now or as soon as there is one.
func (r *runner) set(f func(w *sim.World)) {
	if r.w == nil {
		r.settings = append(r.settings, f)
		return
	}
	f(r.w)
}

func (r *runner) dump(c *command) {
	if !c.want(1, 1) {
		return
	}
	if c.args[0] == "instances" {
		for _, i := range r.w.Instances() {
			fmt.Fprintln(&r.out, i.State())
		}
		return
	}
	if c.args[0] == "figures" {
		w := r.w
		fmt.Fprintf(&r.out, "%d elected, %d promotions announced, %d begun after a later leader, %d outages with a second one\n",
			w.Elections(), w.Promotions(), w.LatePromotions(), w.SecondPromotions())
		return
	}
	n, i := r.process(c.args[0])
	switch {
	case n != nil:
		var b strings.Builder
		if err := n.Dump(&b); err != nil {
			c.bad("%v", err)
		}
		for line := range strings.Lines(b.String()) {
			if strings.TrimSpace(line) != "" {
				r.out.WriteString(r.short(line))
			}
		}
	case i != nil:
		fmt.Fprintln(&r.out, i.State())
	default:
		c.bad("nobody is called %s", c.args[0])
	}
}

func (r *runner) settle(c *command) {
	limit := c.duration("max", settleMax)
	if !c.want(0, 0) || c.err != nil {
		return
	}
	took, why := r.w.Settle(limit)
	if why != "" {
		fmt.Fprintf(&r.out, "(not settled within %v: %s)\n", limit, r.short(why))
		return
	}
	fmt.Fprintf(&r.out, "settled after %v\n", took.Round(time.Millisecond))
}
