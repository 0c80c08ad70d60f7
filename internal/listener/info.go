package listener

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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
		c.say(resp.Str(c.s.infoText(want, "")))
		return
	}
	c.toLoop([][]byte{args[0]}, func(c *client, v resp.Value) resp.Value {
		if v.Kind != resp.Bulk {
			return v
		}
		return resp.Str(c.s.infoText(want, v.Str))
	})
}

// infoText puts the sections together; sentinel is the text of the last.
func (s *Server) infoText(want sections, sentinel string) string {
	var parts []string
	for _, p := range []struct {
		section sections
		text    func() string
	}{
		{serverSection, s.serverInfo}, {clientsSection, s.clientsInfo}, {statsSection, s.statsInfo}, {cpuSection, cpuInfo},
		{sentinelSection, func() string { return sentinel }},
	} {
		if want&p.section != 0 {
			parts = append(parts, p.text())
		}
	}
	return strings.Join(parts, "\r\n")
}

// lines writes key:value lines.
type lines struct{ b strings.Builder }

func (l *lines) add(key string, value any) { fmt.Fprintf(&l.b, "%s:%v\r\n", key, value) }

func (l *lines) zeros(keys string) {
	for _, k := range strings.Fields(keys) {
		l.add(k, 0)
	}
}

// serverInfo is the server section.
//
// Rule: K-3, R-2, appendix C.
func (s *Server) serverInfo() string {
	f, now, up := &s.o.Facts, time.Now(), int64(s.uptime()/time.Second)
	var l lines
	l.b.WriteString("# Server\r\n")
	l.add("redis_version", f.RedisVersion)
	l.add("redis_git_sha1", "00000000")
	l.add("redis_git_dirty", 0)
	l.add("redis_build_id", f.BuildID)
	l.add("redis_mode", "sentinel")
	l.add("os", osName())
	l.add("arch_bits", strconv.IntSize)
	l.add("monotonic_clock", "POSIX clock_gettime")
	l.add("multiplexing_api", "epoll")
	l.add("atomicvar_api", "go-builtin")
	l.add("gcc_version", "0.0.0")
	l.add("process_id", os.Getpid())
	supervised := f.Supervised
	if supervised == "" {
		supervised = "no"
	}
	l.add("process_supervised", supervised)
	l.add("run_id", f.RunID)
	l.add("tcp_port", f.Port)
	l.add("server_time_usec", now.UnixMicro())
	l.add("uptime_in_seconds", up)
	l.add("uptime_in_days", up/86400)
	l.add("hz", 10+now.UnixMicro()%10)
	l.add("configured_hz", f.ConfiguredHz)
	l.add("lru_clock", now.Unix()&(1<<24-1))
	l.add("executable", f.Executable)
	l.add("config_file", f.ConfigFile)
	l.add("io_threads_active", 0)
	for _, text := range f.Listeners {
		l.b.WriteString("listener" + text + "\r\n")
	}
	l.add("gosentinel_version", f.Version)
	return l.b.String()
}

func osName() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "Linux"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}

func (s *Server) clientsInfo() string {
	var longest int64
	s.mu.Lock()
	connected := len(s.clients)
	for _, c := range s.clients {
		longest = max(longest, c.inCap.Load())
	}
	s.mu.Unlock()
	var l lines
	l.b.WriteString("# Clients\r\n")
	l.add("connected_clients", connected)
	l.add("cluster_connections", 0)
	l.add("maxclients", s.o.MaxClients)
	l.add("client_recent_max_input_buffer", longest)
	l.add("client_recent_max_output_buffer", 0)
	l.add("blocked_clients", s.stats.blocked.Load())
	l.add("tracking_clients", s.stats.tracking.Load())
	l.zeros("clients_in_timeout_table total_blocking_keys total_blocking_keys_on_nokey")
	return l.b.String()
}

// statsInfo is the stats section.
//
// Rule: K-3, appendix C.
func (s *Server) statsInfo() string {
	st, r := &s.stats, s.stats.rates.Load()
	if r == nil {
		r = &rates{}
	}
	channels, patterns := s.hub.sizes()
	kbps := func(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
	var l lines
	l.b.WriteString("# Stats\r\n")
	l.add("total_connections_received", st.connections.Load())
	l.add("total_commands_processed", st.commands.Load())
	l.add("instantaneous_ops_per_sec", r.opsPerSec)
	l.add("total_net_input_bytes", st.netIn.Load())
	l.add("total_net_output_bytes", st.netOut.Load())
	l.zeros("total_net_repl_input_bytes total_net_repl_output_bytes")
	l.add("instantaneous_input_kbps", kbps(r.inKbps))
	l.add("instantaneous_output_kbps", kbps(r.outKbps))
	l.add("instantaneous_input_repl_kbps", kbps(0))
	l.add("instantaneous_output_repl_kbps", kbps(0))
	l.add("rejected_connections", st.rejected.Load())
	l.zeros("sync_full sync_partial_ok sync_partial_err expired_keys")
	l.add("expired_stale_perc", kbps(0))
	l.zeros("expired_time_cap_reached_count expire_cycle_cpu_milliseconds evicted_keys evicted_clients total_eviction_exceeded_time " +
		"current_eviction_exceeded_time keyspace_hits keyspace_misses")
	l.add("pubsub_channels", channels)
	l.add("pubsub_patterns", patterns)
	l.zeros("pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets slave_expires_tracked_keys active_defrag_hits " +
		"active_defrag_misses active_defrag_key_hits active_defrag_key_misses total_active_defrag_time current_active_defrag_time " +
		"tracking_total_keys tracking_total_items tracking_total_prefixes unexpected_error_replies")
	l.add("total_error_replies", st.errors.Load())
	l.zeros("dump_payload_sanitizations")
	l.add("total_reads_processed", st.reads.Load())
	l.add("total_writes_processed", st.writes.Load())
	l.zeros("io_threaded_reads_processed io_threaded_writes_processed reply_buffer_shrinks reply_buffer_expands")
	l.add("eventloop_cycles", st.turns.Load())
	l.add("eventloop_duration_sum", st.busy.Load()/1000)
	l.add("eventloop_duration_cmd_sum", st.busy.Load()/1000)
	l.add("instantaneous_eventloop_cycles_per_sec", r.turnsPerSec)
	l.add("instantaneous_eventloop_duration_usec", r.turnMicros)
	l.add("acl_access_denied_auth", st.deniedAuth.Load())
	l.add("acl_access_denied_cmd", st.deniedCmd.Load())
	l.zeros("acl_access_denied_key")
	l.add("acl_access_denied_channel", st.deniedChan.Load())
	return l.b.String()
}

func cpuInfo() string {
	var l lines
	l.b.WriteString("# CPU\r\n")
	usage := func(who int) unix.Rusage {
		var u unix.Rusage
		_ = unix.Getrusage(who, &u)
		return u
	}
	seconds := func(t unix.Timeval) string { return fmt.Sprintf("%d.%06d", t.Sec, t.Usec) }
	own, children := usage(unix.RUSAGE_SELF), usage(unix.RUSAGE_CHILDREN)
	l.add("used_cpu_sys", seconds(own.Stime))
	l.add("used_cpu_user", seconds(own.Utime))
	l.add("used_cpu_sys_children", seconds(children.Stime))
	l.add("used_cpu_user_children", seconds(children.Utime))
	l.add("used_cpu_sys_main_thread", seconds(own.Stime))
	l.add("used_cpu_user_main_thread", seconds(own.Utime))
	return l.b.String()
}
