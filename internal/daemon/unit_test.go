package daemon

import (
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asUnit in the environment puts the system call filter of Debian's unit on
// the process before Main.
const asUnit = "GOSENTINEL_TEST_UNIT"

// deniedCalls are calls outside of what the unit allows.
var deniedCalls = []uint32{
	unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_SETUID, unix.SYS_SETGID, unix.SYS_SETREUID, unix.SYS_SETREGID,
	unix.SYS_SETRESUID, unix.SYS_SETRESGID, unix.SYS_SETGROUPS, unix.SYS_SETRLIMIT, unix.SYS_SCHED_SETAFFINITY,
	unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETATTR, unix.SYS_SETPRIORITY, unix.SYS_IOPRIO_SET,
	unix.SYS_MINCORE, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_MBIND, unix.SYS_SET_MEMPOLICY,
	unix.SYS_MOVE_PAGES, unix.SYS_CAPSET, unix.SYS_CHROOT,
}

// filterCalls kills the process at the first of the denied calls.
func filterCalls() error {
	// Load the number of the call; kill if it is one of those; allow.
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}}
	for _, nr := range deniedCalls {
		program = append(program,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: nr, Jt: 0, Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS})
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	list := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&list)))
	if errno != 0 {
		return errno
	}
	return nil
}

// A whole life under the restrictions of Debian's unit, with all that the
// process does to itself.
//
// Rule: C-119, C-76.
func TestUnderDebiansUnit(t *testing.T) {
	dir, path, port := writeConf(t, "daemonize yes", "pidfile s.pid", "logfile s.log", "server_cpulist 0", "oom-score-adj yes",
		"unixsocket s.sock", "maxclients 100000000")
	manager := listenNotify(t, filepath.Join(dir, "notify"))
	cmd := ourselves(dir, path, "--supervised", "systemd", "--daemonize", "no")
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+manager.path, asUnit+"=1")
	c := start(t, cmd)
	require.Equal(t, "STATUS=Redis is loading...\n", manager.receive())
	require.Equal(t, "STATUS=Ready to accept connections\n", manager.receive())
	require.Equal(t, "READY=1\n", manager.receive())
	awaitListener(t, port)
	require.Contains(t, readFile(t, path), "\nsentinel myid ")
	c.signal(syscall.SIGTERM)
	require.Equal(t, "STOPPING=1\n", manager.receive())
	require.Equal(t, 0, c.wait())
	require.Contains(t, readFile(t, filepath.Join(dir, "s.log")), "# server_cpulist is ignored: the system calls of this process are filtered.\n")
}

// The filter does kill.
func TestUnitFilterWorks(t *testing.T) {
	cmd := ourselves(t.TempDir())
	cmd.Env = append(cmd.Env, asUnit+"=1", asNobody+"=1")
	c := start(t, cmd)
	require.Equal(t, -1, c.wait())
	require.Equal(t, syscall.SIGSYS, c.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
}
