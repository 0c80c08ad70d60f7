package conf

import (
	"strconv"
	"time"
)

// Messages of `sentinel` directives.
//
// Rule: 3.2 of the configuration rules, R-3.
const (
	msgUnrecognized  = "Unrecognized sentinel configuration statement."
	msgNoMaster      = "No such master with specified name."
	msgQuorum        = "Quorum must be 1 or greater."
	msgPort          = "Invalid port number."
	msgHost          = "Can't resolve instance hostname."
	msgMasterTwice   = "Duplicate master name."
	msgMasterName    = "Invalid master name."
	msgPeerTwice     = "Duplicate runid for sentinel."
	msgTime          = "negative or zero time parameter."
	msgTimeNegative  = "negative time parameter."
	msgNotification  = "Notification script seems non existing or non executable."
	msgReconfig      = "Client reconfiguration script seems non existing or non executable."
	msgMyID          = "Malformed Sentinel id in myid option."
	msgRenameTwice   = "Same command renamed multiple times with rename-command."
	msgYesNoDeny     = "Please specify yes or no for the deny-scripts-reconfig options."
	msgYesNoResolve  = "Please specify yes or no for the resolve-hostnames option."
	msgYesNoAnnounce = "Please specify yes or no for the announce-hostnames option."
)

// sentinelLine is a queued `sentinel` line; words begins with the
// sub-directive.
type sentinelLine struct {
	n     int
	text  string
	words []string
}

// pass is when a sub-directive is applied.
//
// Rule: C-52.
type pass uint8

const (
	passGlobal pass = iota
	passMonitor
	passRest
	passes
)

// masterReader is a master being read, with what was seen of it.
type masterReader struct {
	*Master
	replicas  map[Endpoint]bool
	peers     map[string]Endpoint // by run id
	renames   map[string]bool     // by command in lower case
	fromState bool                // its monitor line is in the state file
}

// subDirective is one `sentinel <name>` line. apply gets the words after the
// name and, if perMaster, the master that the first of them names, and returns
// an error message or "".
type subDirective struct {
	args      int
	pass      pass
	perMaster bool
	apply     func(l *loader, m *masterReader, args []string) string
}

var subDirectives = map[string]subDirective{
	"announce-ip":           {1, passGlobal, false, (*loader).setAnnounceIP},
	"announce-port":         {1, passGlobal, false, (*loader).setAnnouncePort},
	"deny-scripts-reconfig": {1, passGlobal, false, (*loader).setDenyScripts},
	"sentinel-user":         {1, passGlobal, false, (*loader).setSentinelUser},
	"sentinel-pass":         {1, passGlobal, false, (*loader).setSentinelPass},
	"current-epoch":         {1, passGlobal, false, (*loader).setCurrentEpoch},
	"myid":                  {1, passGlobal, false, (*loader).setMyID},
	"resolve-hostnames":     {1, passGlobal, false, (*loader).setResolve},
	"announce-hostnames":    {1, passGlobal, false, (*loader).setAnnounce},

	"monitor": {4, passMonitor, false, (*loader).setMonitor},

	"state-config-file":       {1, passRest, false, (*loader).setStateFile},
	"down-after-milliseconds": {2, passRest, true, (*loader).setDownAfter},
	"failover-timeout":        {2, passRest, true, (*loader).setFailoverTimeout},
	"parallel-syncs":          {2, passRest, true, (*loader).setParallelSyncs},
	keyRebootMaster:           {2, passRest, true, (*loader).setReboot},
	keyRebootPrimary:          {2, passRest, true, (*loader).setReboot},
	"notification-script":     {2, passRest, true, (*loader).setNotification},
	"client-reconfig-script":  {2, passRest, true, (*loader).setReconfig},
	"auth-pass":               {2, passRest, true, (*loader).setAuthPass},
	"auth-user":               {2, passRest, true, (*loader).setAuthUser},
	"rename-command":          {3, passRest, true, (*loader).setRename},
	"config-epoch":            {2, passRest, true, (*loader).setConfigEpoch},
	"leader-epoch":            {2, passRest, true, (*loader).setLeaderEpoch},
	"known-replica":           {3, passRest, true, (*loader).setReplica},
	"known-slave":             {3, passRest, true, (*loader).setReplica},
	"known-sentinel":          {4, passRest, true, (*loader).setPeer},
}

// applySentinel applies the queued lines and empties the queue. fromState: they
// are those of the state file, which win over what is there.
//
// Rule: C-52.
func (l *loader) applySentinel(fromState bool) error {
	if l.masters == nil {
		l.masters = map[string]*masterReader{}
	}
	l.inState = fromState
	for p := range passes {
		for _, line := range l.sentinel {
			if passOf(line.words[0]) != p {
				continue
			}
			if message := l.applySub(line.words); message != "" {
				return &FatalError{line.n, line.text, message}
			}
		}
	}
	l.sentinel = nil
	return nil
}

func passOf(sub string) pass {
	if d, ok := subDirectives[lower(sub)]; ok {
		return d.pass
	}
	return passRest
}

func (l *loader) applySub(words []string) string {
	name, args := lower(words[0]), words[1:]
	d, ok := subDirectives[name]
	if name == "known-sentinel" && len(args) == d.args-1 {
		return "" // the old form, without run id
	}
	if !ok || len(args) != d.args {
		return msgUnrecognized
	}
	for _, arg := range args {
		if !ValidText(arg) {
			return msgCharacter
		}
	}
	var m *masterReader
	if d.perMaster {
		if m = l.masters[args[0]]; m == nil {
			return msgNoMaster
		}
		args = args[1:]
	}
	return d.apply(l, m, args)
}

func (l *loader) setAnnounceIP(_ *masterReader, args []string) string {
	if args[0] != "" && !ValidHost(args[0]) {
		l.warn("WARNING: no other Sentinel can read the announce-ip '" + args[0] + "'")
	}
	if args[0] != "" || l.inState {
		l.cfg.State.AnnounceIP = args[0]
	}
	return ""
}

func (l *loader) setAnnouncePort(_ *masterReader, args []string) string {
	n, message := intIn(args[0], 0, maxPort)
	if message == "" {
		l.cfg.State.AnnouncePort = int(n)
	}
	return message
}

func (l *loader) setDenyScripts(_ *masterReader, args []string) string {
	return setYesNo(&l.cfg.State.DenyScriptsReconfig, args[0], msgYesNoDeny)
}

func (l *loader) setResolve(_ *masterReader, args []string) string {
	return setYesNo(&l.cfg.State.ResolveHostnames, args[0], msgYesNoResolve)
}

func (l *loader) setAnnounce(_ *masterReader, args []string) string {
	return setYesNo(&l.cfg.State.AnnounceHostnames, args[0], msgYesNoAnnounce)
}

func setYesNo(field *bool, word, message string) string {
	on, bad := parseBool(word)
	if bad != "" {
		return message
	}
	*field = on != 0
	return ""
}

func (l *loader) setSentinelUser(_ *masterReader, args []string) string {
	if args[0] != "" || l.inState {
		l.cfg.State.SentinelUser = args[0]
	}
	return ""
}

func (l *loader) setSentinelPass(_ *masterReader, args []string) string {
	if args[0] != "" || l.inState {
		l.cfg.State.SentinelPass = NewSecret(args[0])
	}
	return ""
}

func (l *loader) setCurrentEpoch(_ *masterReader, args []string) string {
	n, message := parseEpoch(args[0])
	l.cfg.State.CurrentEpoch = max(l.cfg.State.CurrentEpoch, n)
	return message
}

func (l *loader) setMyID(_ *masterReader, args []string) string {
	id := args[0]
	if !ValidRunID(id) {
		return msgMyID
	}
	l.cfg.State.MyID = id
	return ""
}

func (l *loader) setMonitor(_ *masterReader, args []string) string {
	name := args[0]
	if !ValidMasterName(name) {
		return msgMasterName
	}
	quorum, message := intOr(args[3], 1, MaxNumber, msgQuorum)
	if message != "" {
		return message
	}
	addr, message := l.endpoint(args[1], args[2])
	if message != "" {
		return message
	}
	if m := l.masters[name]; m != nil {
		if !l.inState || m.fromState {
			return msgMasterTwice
		}
		m.replace(addr, int(quorum))
		return ""
	}
	if !FitsHello(name) {
		l.warn("WARNING: no other Sentinel can read what is told of master '" + name + "': its name has a comma")
	}
	m := &Master{
		Name:            name,
		Addr:            addr,
		Quorum:          int(quorum),
		DownAfter:       DefaultDownAfter,
		FailoverTimeout: DefaultFailoverTimeout,
		ParallelSyncs:   DefaultParallelSyncs,
	}
	l.cfg.State.Masters = append(l.cfg.State.Masters, m)
	l.masters[name] = &masterReader{Master: m, fromState: l.inState}
	return ""
}

// replace gives a master of the main file the address and quorum of the state
// file. What the state file knows of its instances and renamed commands replaces
// what the main file knew, since those of an older address would mislead.
//
// Rule: R-23.
func (m *masterReader) replace(addr Endpoint, quorum int) {
	m.Addr, m.Quorum, m.fromState = addr, quorum, true
	m.Replicas, m.Sentinels, m.Renames = nil, nil, nil
	m.replicas, m.peers, m.renames = nil, nil, nil
}

func (l *loader) setStateFile(_ *masterReader, args []string) string {
	if l.inState {
		return msgUnrecognized
	}
	l.cfg.State.StateFile = args[0]
	return ""
}

func (l *loader) setDownAfter(m *masterReader, args []string) string {
	return setTime(&m.DownAfter, args[0], 1, msgTime)
}

func (l *loader) setFailoverTimeout(m *masterReader, args []string) string {
	return setTime(&m.FailoverTimeout, args[0], 1, msgTime)
}

func (l *loader) setReboot(m *masterReader, args []string) string {
	return setTime(&m.RebootDownAfter, args[0], 0, msgTimeNegative)
}

// setTime reads milliseconds; more than a Duration holds becomes the most that
// it holds.
func setTime(field *time.Duration, word string, least int64, message string) string {
	ms, bad := intOr(word, least, maxInt64, message)
	if bad != "" {
		return bad
	}
	*field = time.Duration(min(ms, maxInt64/int64(time.Millisecond))) * time.Millisecond
	return ""
}

func (l *loader) setParallelSyncs(m *masterReader, args []string) string {
	n, message := intIn(args[0], minInt32, MaxNumber)
	if message == "" {
		m.ParallelSyncs = int(n)
	}
	return message
}

func (l *loader) setNotification(m *masterReader, args []string) string {
	if !l.host.Executable(args[0]) {
		return msgNotification
	}
	m.NotificationScript = args[0]
	return ""
}

func (l *loader) setReconfig(m *masterReader, args []string) string {
	if !l.host.Executable(args[0]) {
		return msgReconfig
	}
	m.ClientReconfigScript = args[0]
	return ""
}

func (l *loader) setAuthPass(m *masterReader, args []string) string {
	pass := NewSecret(args[0])
	m.AuthPass = &pass
	return ""
}

func (l *loader) setAuthUser(m *masterReader, args []string) string {
	m.AuthUser = &args[0]
	return ""
}

func (l *loader) setRename(m *masterReader, args []string) string {
	command := lower(args[0])
	if m.renames[command] {
		return msgRenameTwice
	}
	m.renames = add(m.renames, command)
	m.Renames = append(m.Renames, Rename{args[0], args[1]})
	return ""
}

func (l *loader) setConfigEpoch(m *masterReader, args []string) string {
	n, message := parseEpoch(args[0])
	if message == "" {
		m.ConfigEpoch = n
		l.cfg.State.CurrentEpoch = max(l.cfg.State.CurrentEpoch, n)
	}
	return message
}

func (l *loader) setLeaderEpoch(m *masterReader, args []string) string {
	n, message := parseEpoch(args[0])
	if message == "" {
		m.LeaderEpoch, m.HasLeaderEpoch = n, true
	}
	return message
}

// setReplica takes a replica. One that stands there twice counts once: 7.0.15
// leaves known-slave lines beside the known-replica lines that it writes.
//
// Rule: R-3, section 8 of the configuration rules.
func (l *loader) setReplica(m *masterReader, args []string) string {
	addr, message := l.endpoint(args[0], args[1])
	if message != "" {
		return message
	}
	if m.replicas[addr] {
		l.logTwice(m, "replica "+addr.Host+" "+strconv.Itoa(addr.Port))
		return ""
	}
	m.replicas = add(m.replicas, addr)
	m.Replicas = append(m.Replicas, addr)
	return ""
}

// setPeer takes a Sentinel. The same line twice counts once; two addresses of
// one Sentinel are an error.
//
// Rule: R-3.
func (l *loader) setPeer(m *masterReader, args []string) string {
	addr, message := l.endpoint(args[0], args[1])
	if message != "" {
		return message
	}
	runID := args[2]
	switch known, twice := m.peers[runID]; {
	case twice && known == addr:
		l.logTwice(m, "sentinel "+runID)
		return ""
	case twice:
		return msgPeerTwice
	case m.peers == nil:
		m.peers = map[string]Endpoint{}
	}
	m.peers[runID] = addr
	m.Sentinels = append(m.Sentinels, Peer{addr, runID})
	return ""
}

// logTwice says that a line is ignored since it says nothing new.
func (l *loader) logTwice(m *masterReader, what string) {
	l.warn("Master " + m.Name + " lists " + what + " twice: it is loaded once")
}

// add puts a key into a set that may be nil.
func add[K comparable](set map[K]bool, key K) map[K]bool {
	if set == nil {
		set = map[K]bool{}
	}
	set[key] = true
	return set
}
