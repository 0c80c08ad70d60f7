package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gosentinel/conf"
	"gosentinel/internal/resp"
	"gosentinel/internal/sim"
)

func (r *runner) cluster(c *command) {
	r.count = c.number("sentinels", 3)
	r.seed = uint64(c.number("seed", 1))
	r.sim = sim.Options{
		Seed:    r.seed,
		Latency: c.duration("latency", 0),
		Jitter:  c.duration("jitter", 0),
		Fsync:   c.duration("fsync", 0),
	}
	r.defaults = conf.Master{
		Quorum:          c.number("quorum", 2),
		DownAfter:       c.duration("down-after", conf.DefaultDownAfter),
		FailoverTimeout: c.duration("failover-timeout", conf.DefaultFailoverTimeout),
		ParallelSyncs:   c.number("parallel-syncs", conf.DefaultParallelSyncs),
	}
	r.originals = c.list("originals")
	r.known, r.strict = c.flag("known"), c.flag("strict")
	c.want(0, 0)
}

func (r *runner) sentinel(c *command) {
	if !c.want(1, 2) {
		return
	}
	if r.sentinels == nil {
		r.sentinels = map[string]*command{}
	}
	r.sentinels[c.args[0]] = c
	for _, k := range []string{"addr", "id", "auth", "epoch", "announce-ip"} {
		c.text(k, "")
	}
	if c.has("addr") {
		c.addr(c.opts["addr"])
	}
	c.number("epoch", 0)
	r.extra = append(r.extra, c.args[0])
}

func (r *runner) master(c *command) {
	node := c.flag("cluster")
	if !c.want(2, 2) {
		return
	}
	at := c.addr(c.args[1])
	m := r.defaults
	m.Name = c.args[0]
	m.Addr = conf.Endpoint{Host: c.text("host", at.IP), Port: at.Port}
	m.Quorum = c.number("quorum", m.Quorum)
	m.DownAfter = c.duration("down-after", m.DownAfter)
	m.FailoverTimeout = c.duration("failover-timeout", m.FailoverTimeout)
	m.ParallelSyncs = c.number("parallel-syncs", m.ParallelSyncs)
	m.RebootDownAfter = c.duration("reboot", 0)
	m.NotificationScript = c.text("notify", "")
	m.ClientReconfigScript = c.text("reconfig", "")
	opt := instanceOptions(c, at)
	opt.Cluster, opt.Group = node, m.Name
	if c.has("sentinel-auth") {
		m.AuthPass = new(conf.NewSecret(c.text("sentinel-auth", "")))
	} else if opt.Password != "" {
		m.AuthPass = new(conf.NewSecret(opt.Password))
	}
	for _, pair := range c.list("rename") {
		old, word, _ := strings.Cut(pair, ":")
		m.Renames = append(m.Renames, conf.Rename{Old: old, New: word})
	}
	if r.named[m.Name] != nil {
		c.bad("master %s is there already", m.Name)
	}
	r.masters = append(r.masters, &m)
	r.named[m.Name] = &m
	r.instances = append(r.instances, instanceSpec{opt: opt})
}

func (r *runner) replica(c *command) {
	hidden, node := c.flag("hidden"), c.flag("cluster")
	if !c.want(2, 2) {
		return
	}
	m := r.named[c.args[0]]
	if m == nil {
		c.bad("no master %s", c.args[0])
		return
	}
	opt := instanceOptions(c, c.addr(c.args[1]))
	opt.Hidden, opt.Cluster, opt.Group = hidden, node, m.Name
	for _, s := range r.instances {
		if s.master == nil && s.opt.Addr.Port == m.Addr.Port && (s.opt.Addr.IP == m.Addr.Host || len(r.masters) == 1) {
			opt.Master = s.opt.Addr
		}
	}
	r.instances = append(r.instances, instanceSpec{opt, m})
}

func (r *runner) stray(c *command) {
	if c.want(1, 1) {
		r.instances = append(r.instances, instanceSpec{opt: instanceOptions(c, c.addr(c.args[0]))})
	}
}

func instanceOptions(c *command, at sim.Addr) sim.InstanceOptions {
	o := sim.InstanceOptions{
		Addr:      at,
		Priority:  c.number("priority", 100),
		Offset:    int64(c.number("offset", 0)),
		SyncTakes: c.duration("sync", 0),
		Password:  c.text("auth", ""),
	}
	if o.Priority == 0 {
		o.Priority = -1
	}
	for _, pair := range c.list("renamed") {
		old, word, _ := strings.Cut(pair, ":")
		if o.Renames == nil {
			o.Renames = map[string]string{}
		}
		o.Renames[word] = old
	}
	return o
}

// makeWorld makes what the commands so far describe.
func (r *runner) makeWorld() error {
	if r.count == 0 {
		return fmt.Errorf("the file must begin with cluster")
	}
	w := sim.New(r.sim)
	r.w = w
	r.show = filter{none: true}
	w.OnEvent = func(rec sim.Record) { r.event(rec) }
	w.OnCommand = func(i *sim.Instance, from string, cmd []string) { r.wire(i, from, cmd) }
	w.OnScript = func(n *sim.Node, argv []string) { r.scriptRun(n, argv) }
	for _, f := range r.settings {
		f(w)
	}
	if r.opt.Prepare != nil {
		r.opt.Prepare(w)
	}
	for _, s := range r.instances {
		w.AddInstance(s.opt)
	}
	names := make([]string, r.count)
	for k := range names {
		names[k] = fmt.Sprintf("s%d", k+1)
	}
	for _, n := range r.extra {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	boots := make([]sim.SentinelOptions, len(names))
	for k, name := range names {
		boots[k] = r.boot(k+1, name)
	}
	if r.known {
		introduce(boots, r.instances)
	}
	for _, b := range boots {
		w.AddSentinel(b)
	}
	r.show = filter{all: true}
	return nil
}

func (r *runner) boot(num int, name string) sim.SentinelOptions {
	id := strings.Repeat(fmt.Sprintf("%x", num&15), 40)
	o := sim.SentinelOptions{Name: name, Addr: sim.Addr{IP: fmt.Sprintf("10.0.9.%d", num), Port: conf.DefaultPort}}
	st := conf.State{
		DenyScriptsReconfig: true,
		LogLevel:            "notice",
		StrictDurability:    r.strict,
	}
	if c := r.sentinels[name]; c != nil {
		id = c.text("id", id)
		if c.has("addr") {
			o.Addr = c.addr(c.opts["addr"])
		}
		st.RequirePass = conf.NewSecret(c.text("auth", ""))
		st.CurrentEpoch = uint64(c.number("epoch", 0))
		st.AnnounceIP = c.text("announce-ip", "")
		if slices.Contains(c.args[1:], "hostnames") {
			st.ResolveHostnames, st.AnnounceHostnames = true, true
		}
	}
	st.Port, st.MyID = o.Addr.Port, id
	for _, m := range r.masters {
		st.Masters = append(st.Masters, new(*m))
	}
	o.Boot, o.Make = st, r.opt.Make
	if slices.Contains(r.originals, name) {
		o.Make, o.Original = sim.NewOriginal, true
	}
	return o
}

// introduce writes replicas and peers into the files, as if the Sentinels had
// run before.
func introduce(boots []sim.SentinelOptions, instances []instanceSpec) {
	for _, b := range boots {
		for k := range b.Boot.Masters {
			m := b.Boot.Masters[k]
			m.HasLeaderEpoch = true
			for _, s := range instances {
				if s.master != nil && s.master.Name == m.Name {
					m.Replicas = append(m.Replicas, conf.Endpoint{Host: s.opt.Addr.IP, Port: s.opt.Addr.Port})
				}
			}
			for _, p := range boots {
				if p.Name != b.Name {
					m.Sentinels = append(m.Sentinels, conf.Peer{Addr: conf.Endpoint{Host: p.Addr.IP, Port: p.Addr.Port}, RunID: p.Boot.MyID})
				}
			}
		}
	}
}

// settleMax is how long settle waits unless told otherwise.
const settleMax = 60 * time.Second

// valueText is a reply on one line, or on several for lists of lists.
func valueText(v resp.Value, indent string) string {
	switch v.Kind {
	case resp.Error:
		return "-" + v.Str
	case resp.Integer:
		return fmt.Sprintf(":%d", v.Int)
	case resp.Null, resp.NullArray:
		return "(nil)"
	case resp.None:
		return "(nothing)"
	case resp.Array, resp.Set, resp.Push:
		return listText(v, indent)
	case resp.Fields:
		return valueText(v.Unfold(), indent)
	case resp.Map:
		var b strings.Builder
		for k := 0; k+1 < len(v.Elems); k += 2 {
			fmt.Fprintf(&b, "\n%s  %s=%s", indent, valueText(v.Elems[k], ""), valueText(v.Elems[k+1], indent+"  "))
		}
		return b.String()
	}
	return strings.ReplaceAll(strings.TrimRight(v.Str, "\r\n"), "\r\n", "\n"+indent+"  ")
}

func listText(v resp.Value, indent string) string {
	var words []string
	nested := false
	for _, e := range v.Elems {
		nested = nested || e.Kind == resp.Array || e.Kind == resp.Map || e.Kind == resp.Fields
		words = append(words, valueText(e, indent+"  "))
	}
	if !nested {
		return "[" + strings.Join(words, " ") + "]"
	}
	return "\n" + indent + "  " + strings.Join(words, "\n"+indent+"  ")
}
