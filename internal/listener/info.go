package listener

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gosentinel/internal/command"
	"gosentinel/internal/resp"
)

// sections are those of INFO, a bit each.
type sections uint8

const (
	serverSection sections = 1 << iota
	clientsSection
	statsSection
	cpuSection
	sentinelSection
	allSections = serverSection | clientsSection | statsSection | cpuSection | sentinelSection
)

// wanted reads the arguments of INFO.
//
// Rule: K-3.
func wanted(args [][]byte) sections {
	if len(args) == 0 {
		return allSections
	}
	var want sections
	for _, a := range args {
		switch strings.ToLower(string(a)) {
		case "default", "all", "everything":
			want |= allSections
		case "server":
			want |= serverSection
		case "clients":
			want |= clientsSection
		case "stats":
			want |= statsSection
		case "cpu":
			want |= cpuSection
		case "sentinel":
			want |= sentinelSection
		}
	}
	return want
}

// infoCommand answers INFO: the sentinel section is the loop's.
func infoCommand(c *client, _ *command.Command, args [][]byte) {
	want := wanted(args[1:])
	if want&sentinelSection == 0 {
		c.say(resp.Str(string(c.s.infoText(nil, want, ""))))
		return
	}
	c.toLoop([][]byte{args[0]}, func(c *client, v resp.Value) resp.Value {
		if v.Kind != resp.Bulk {
			return v
		}
		return resp.Str(string(c.s.infoText(nil, want, v.Str)))
	})
}

// infoRooms are where INFO is put together: no client keeps one.
var infoRooms = sync.Pool{New: func() any { return new(infoRoom) }}

type infoRoom struct{ section, text []byte }

// lookInfo is look for INFO, whose other sections are ours.
func (c *client) lookInfo(args [][]byte) bool {
	want := wanted(args[1:])
	room := infoRooms.Get().(*infoRoom)
	defer infoRooms.Put(room)
	var section string
	if want&sentinelSection != 0 {
		var ok bool
		if room.section, ok = c.s.o.Backend.Look(room.section[:0], infoArgs, 2); !ok {
			return false
		}
		v, _, err := resp.Decode(room.section, resp.Limits{Bulk: len(room.section), Total: len(room.section)})
		if err != nil || v.Kind != resp.Bulk {
			return false
		}
		section = v.Str
	}
	c.countUp()
	room.text = c.s.infoText(room.text[:0], want, section)
	c.reply = resp.AppendBulk(c.reply, room.text)
	return true
}

var infoArgs = [][]byte{[]byte("INFO")}

// infoText appends the sections; sentinel is the text of the last.
func (s *Server) infoText(text []byte, want sections, sentinel string) []byte {
	l, start := lines(text), len(text)
	for _, section := range [...]sections{serverSection, clientsSection, statsSection, cpuSection, sentinelSection} {
		if want&section == 0 {
			continue
		}
		if len(l) > start {
			l = append(l, "\r\n"...)
		}
		switch section {
		case serverSection:
			s.serverInfo(&l)
		case clientsSection:
			s.clientsInfo(&l)
		case statsSection:
			s.statsInfo(&l)
		case cpuSection:
			cpuInfo(&l)
		case sentinelSection:
			l = append(l, sentinel...)
		}
	}
	return l
}

// lines are key:value lines. Keys come with their colon.
type lines []byte

func (l *lines) str(key, value string) { *l = append(append(append(*l, key...), value...), "\r\n"...) }

func (l *lines) num(key string, n int64) {
	*l = append(strconv.AppendInt(append(*l, key...), n, 10), "\r\n"...)
}

// count is num for what is counted.
func (l *lines) count(key string, n uint64) {
	*l = append(strconv.AppendUint(append(*l, key...), n, 10), "\r\n"...)
}

// kbps is num for kilobytes per second.
func (l *lines) kbps(key string, f float64) {
	*l = append(strconv.AppendFloat(append(*l, key...), f, 'f', 2, 64), "\r\n"...)
}

// seconds is num for processor time.
func (l *lines) seconds(key string, t unix.Timeval) {
	*l = append(strconv.AppendInt(append(*l, key...), int64(t.Sec), 10), '.')
	micros := strconv.AppendInt(nil, 1_000_000+int64(t.Usec), 10)
	*l = append(append(*l, micros[1:]...), "\r\n"...)
}

// zeros are the lines of what is never counted here.
func zeros(keys string) string {
	var l lines
	for _, k := range strings.Fields(keys) {
		l.num(k+":", 0)
	}
	return string(l)
}

// What is 0, in the order of the sections.
var (
	zeroClients  = zeros("clients_in_timeout_table total_blocking_keys total_blocking_keys_on_nokey")
	zeroReplBits = zeros("total_net_repl_input_bytes total_net_repl_output_bytes")
	zeroSync     = zeros("sync_full sync_partial_ok sync_partial_err expired_keys")
	zeroKeys     = zeros("expired_time_cap_reached_count expire_cycle_cpu_milliseconds evicted_keys evicted_clients total_eviction_exceeded_time " +
		"current_eviction_exceeded_time keyspace_hits keyspace_misses")
	zeroServer = zeros("pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets slave_expires_tracked_keys active_defrag_hits " +
		"active_defrag_misses active_defrag_key_hits active_defrag_key_misses total_active_defrag_time current_active_defrag_time " +
		"tracking_total_keys tracking_total_items tracking_total_prefixes unexpected_error_replies")
	zeroThreads = zeros("io_threaded_reads_processed io_threaded_writes_processed reply_buffer_shrinks reply_buffer_expands")
)

// serverInfo is the server section.
//
// Rule: K-3, R-2, appendix C.
func (s *Server) serverInfo(l *lines) {
	f, now, up := &s.o.Facts, time.Now(), int64(s.uptime()/time.Second)
	*l = append(*l, "# Server\r\n"...)
	l.str("redis_version:", f.RedisVersion)
	l.str("redis_git_sha1:", "00000000")
	l.num("redis_git_dirty:", 0)
	l.str("redis_build_id:", f.BuildID)
	l.str("redis_mode:", "sentinel")
	l.str("os:", osName())
	l.num("arch_bits:", strconv.IntSize)
	l.str("monotonic_clock:", "POSIX clock_gettime")
	l.str("multiplexing_api:", "epoll")
	l.str("atomicvar_api:", "go-builtin")
	l.str("gcc_version:", "0.0.0")
	l.num("process_id:", int64(os.Getpid()))
	supervised := f.Supervised
	if supervised == "" {
		supervised = "no"
	}
	l.str("process_supervised:", supervised)
	l.str("run_id:", f.RunID)
	l.num("tcp_port:", int64(f.Port))
	l.num("server_time_usec:", now.UnixMicro())
	l.num("uptime_in_seconds:", up)
	l.num("uptime_in_days:", up/86400)
	l.num("hz:", 10+now.UnixMicro()%10)
	l.num("configured_hz:", int64(f.ConfiguredHz))
	l.num("lru_clock:", now.Unix()&(1<<24-1))
	l.str("executable:", f.Executable)
	l.str("config_file:", f.ConfigFile)
	l.num("io_threads_active:", 0)
	for _, text := range f.Listeners {
		l.str("listener", text)
	}
	l.str("gosentinel_version:", f.Version)
}

// osName is the kernel's; it does not change while it runs.
var osName = sync.OnceValue(func() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "Linux"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
})

func (s *Server) clientsInfo(l *lines) {
	*l = append(*l, "# Clients\r\n"...)
	l.num("connected_clients:", int64(s.connected()))
	l.num("cluster_connections:", 0)
	l.num("maxclients:", int64(s.o.MaxClients))
	l.num("client_recent_max_input_buffer:", s.longestInput())
	l.num("client_recent_max_output_buffer:", 0)
	l.num("blocked_clients:", s.stats.blocked.Load())
	l.num("tracking_clients:", s.stats.tracking.Load())
	*l = append(*l, zeroClients...)
}

// longestInput is the size of the largest input buffer. All clients are looked
// at once a second at most, however often INFO is asked for.
func (s *Server) longestInput() (longest int64) {
	st, now := &s.stats, int64(s.uptime())
	last := st.longestAt.Load()
	if last != 0 && now-last < int64(time.Second) || !st.longestAt.CompareAndSwap(last, now) {
		return st.longest.Load()
	}
	s.mu.Lock()
	for _, c := range s.clients {
		longest = max(longest, c.inCap.Load())
	}
	s.mu.Unlock()
	st.longest.Store(longest)
	return longest
}

// statsInfo is the stats section.
//
// Rule: K-3, appendix C.
func (s *Server) statsInfo(l *lines) {
	st, r := &s.stats, s.stats.rates.Load()
	if r == nil {
		r = &rates{}
	}
	channels, patterns := s.hub.sizes()
	*l = append(*l, "# Stats\r\n"...)
	l.count("total_connections_received:", st.connections.Load())
	l.count("total_commands_processed:", st.commands.Load())
	l.count("instantaneous_ops_per_sec:", r.opsPerSec)
	l.count("total_net_input_bytes:", st.netIn.Load())
	l.count("total_net_output_bytes:", st.netOut.Load())
	*l = append(*l, zeroReplBits...)
	l.kbps("instantaneous_input_kbps:", r.inKbps)
	l.kbps("instantaneous_output_kbps:", r.outKbps)
	l.kbps("instantaneous_input_repl_kbps:", 0)
	l.kbps("instantaneous_output_repl_kbps:", 0)
	l.count("rejected_connections:", st.rejected.Load())
	*l = append(*l, zeroSync...)
	l.kbps("expired_stale_perc:", 0)
	*l = append(*l, zeroKeys...)
	l.num("pubsub_channels:", int64(channels))
	l.num("pubsub_patterns:", int64(patterns))
	*l = append(*l, zeroServer...)
	l.count("total_error_replies:", st.errors.Load())
	l.num("dump_payload_sanitizations:", 0)
	l.count("total_reads_processed:", st.reads.Load())
	l.count("total_writes_processed:", st.writes.Load())
	*l = append(*l, zeroThreads...)
	l.count("eventloop_cycles:", st.turns.Load())
	l.num("eventloop_duration_sum:", st.busy.Load()/1000)
	l.num("eventloop_duration_cmd_sum:", st.busy.Load()/1000)
	l.count("instantaneous_eventloop_cycles_per_sec:", r.turnsPerSec)
	l.count("instantaneous_eventloop_duration_usec:", r.turnMicros)
	l.count("acl_access_denied_auth:", st.deniedAuth.Load())
	l.count("acl_access_denied_cmd:", st.deniedCmd.Load())
	l.num("acl_access_denied_key:", 0)
	l.count("acl_access_denied_channel:", st.deniedChan.Load())
}

func cpuInfo(l *lines) {
	*l = append(*l, "# CPU\r\n"...)
	var own, children unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &own)
	_ = unix.Getrusage(unix.RUSAGE_CHILDREN, &children)
	l.seconds("used_cpu_sys:", own.Stime)
	l.seconds("used_cpu_user:", own.Utime)
	l.seconds("used_cpu_sys_children:", children.Stime)
	l.seconds("used_cpu_user_children:", children.Utime)
	l.seconds("used_cpu_sys_main_thread:", own.Stime)
	l.seconds("used_cpu_user_main_thread:", own.Utime)
}
