package daemon

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Warnings of --check-system.
const (
	overcommitText = "Memory overcommit must be enabled! Without it, a background save or replication may fail under low memory condition. " +
		"Being disabled, it can can also cause failures without low memory condition, see https://github.com/jemalloc/jemalloc/issues/1328. " +
		"To fix this issue add 'vm.overcommit_memory = 1' to /etc/sysctl.conf and then reboot or run the command 'sysctl vm.overcommit_memory=1' for this to take effect."
	hugePagesText = "Transparent Huge Pages are always on in this kernel, which costs memory and latency. " +
		"To fix this issue run the command 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' as root, and at every boot."
	slowClockText = "The system's clock source is slow: most of the time of reading the clock is spent in the kernel. " +
		"Choose a faster one in /sys/devices/system/clocksource/clocksource0/current_clocksource, tsc if it is available."
	xenClockText = "The system's clock source is xen, which is slow. " +
		"Choose a faster one in /sys/devices/system/clocksource/clocksource0/current_clocksource, tsc if it is available."
)

// system is what --check-system and the start look at.
type system struct {
	overcommit  string // path of vm.overcommit_memory
	hugePages   string // path of the huge pages mode
	clockSource string // path of the current clock source
	// clockCost is the share, from 0 to 1, of the time of reading the clock
	// that is spent in the kernel; negative if it could not be measured.
	clockCost func() float64
}

// linuxSystem is this machine.
func linuxSystem() system {
	return system{
		overcommit:  "/proc/sys/vm/overcommit_memory",
		hugePages:   "/sys/kernel/mm/transparent_hugepage/enabled",
		clockSource: "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		clockCost:   clockCost,
	}
}

// verdict is the outcome of one check: fine unless there is a warning or it
// was skipped.
type verdict struct {
	skipped bool
	warning string
}

// checkSystem runs all checks and tells each outcome. The status is 0 if none
// warns.
//
// Rule: C-43.
func checkSystem(s system, stdout io.Writer) int {
	status := 0
	for _, check := range []struct {
		name string
		run  func() verdict
	}{
		{"slow-clocksource", s.checkClockCost},
		{"xen-clocksource", s.checkXen},
		{"overcommit", s.checkOvercommit},
		{"THP", s.checkHugePages},
	} {
		v := check.run()
		switch {
		case v.skipped:
			fmt.Fprintf(stdout, "[%s]...skipped\n", check.name)
		case v.warning != "":
			fmt.Fprintf(stdout, "[%s]...WARNING:\n%s\n", check.name, v.warning)
			status = 1
		default:
			fmt.Fprintf(stdout, "[%s]...OK\n", check.name)
		}
	}
	return status
}

func (s system) checkClockCost() verdict {
	cost := s.clockCost()
	if cost < 0 {
		return verdict{skipped: true}
	}
	return warnIf(cost > 0.1, slowClockText)
}

func (s system) checkXen() verdict {
	source, ok := firstLine(s.clockSource)
	if !ok {
		return verdict{skipped: true}
	}
	return warnIf(source == "xen", xenClockText)
}

func (s system) checkOvercommit() verdict {
	mode, ok := firstLine(s.overcommit)
	if !ok {
		return verdict{skipped: true}
	}
	return warnIf(mode != "1", overcommitText)
}

func (s system) checkHugePages() verdict {
	mode, ok := firstLine(s.hugePages)
	if !ok {
		return verdict{skipped: true}
	}
	return warnIf(strings.Contains(mode, "[always]"), hugePagesText)
}

func warnIf(bad bool, text string) verdict {
	if !bad {
		return verdict{}
	}
	return verdict{warning: text}
}

// firstLine reads the one line of a file of the kernel.
func firstLine(path string) (string, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line, true
}

// clockCost reads the clock for a while and compares the time spent in the
// kernel with all of it. A fast clock is read without entering the kernel.
func clockCost() float64 {
	before, ok := processTimes()
	if !ok {
		return -1
	}
	for start := time.Now(); time.Since(start) < 50*time.Millisecond; {
		for range 1000 {
			_ = time.Now()
		}
	}
	after, ok := processTimes()
	user, kernel := after.user-before.user, after.kernel-before.kernel
	if !ok || user+kernel < 10*time.Millisecond {
		return -1
	}
	return float64(kernel) / float64(user+kernel)
}

// cpuTimes is processor time used so far.
type cpuTimes struct{ user, kernel time.Duration }

func processTimes() (cpuTimes, bool) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return cpuTimes{}, false
	}
	return cpuTimes{time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano())}, true
}
