package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// bindToCPUs restricts the process to the processors of server_cpulist. An
// invalid list is ignored. Under a system call filter, which may kill the
// process for it (C-119), it is left undone.
func bindToCPUs(list string, log *slog.Logger) {
	if list == "" {
		return
	}
	set, ok := parseCPUList(list)
	if !ok {
		return
	}
	if filtered() {
		log.Warn("server_cpulist is ignored: the system calls of this process are filtered.")
		return
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.SchedSetaffinity(id, &set)
		}
	}
}

// parseCPUList reads a list such as `0-7:2,9`: numbers, ranges, ranges with a
// step.
func parseCPUList(list string) (set unix.CPUSet, ok bool) {
	for _, part := range strings.Split(list, ",") {
		part, step, hasStep := strings.Cut(strings.TrimSpace(part), ":")
		low, high, isRange := strings.Cut(part, "-")
		by := 1
		from, err := strconv.Atoi(low)
		to := from
		if err == nil && isRange {
			to, err = strconv.Atoi(high)
		}
		if err == nil && hasStep {
			by, err = strconv.Atoi(step)
		}
		if err != nil || from < 0 || to < from || by < 1 || to >= len(set)*64 || hasStep && !isRange {
			return unix.CPUSet{}, false
		}
		for cpu := from; cpu <= to; cpu += by {
			set.Set(cpu)
		}
	}
	return set, set.Count() > 0
}

// filtered reports whether a system call filter watches this process.
func filtered() bool {
	status, err := os.ReadFile("/proc/self/status")
	return err != nil || !strings.Contains(string(status), "\nSeccomp:\t0\n")
}

// oomPath is where the kernel keeps how readily it kills the process.
const oomPath = "/proc/self/oom_score_adj"

// setOOMScore carries out oom-score-adj: the first of the values is for us,
// added to what the process began with or by itself. The kernel's range is
// -1000 to 1000.
func setOOMScore(mode string, value int, path string, log *slog.Logger) {
	if mode != "relative" && mode != "absolute" {
		return
	}
	if mode == "relative" {
		text, _ := firstLine(path)
		base, _ := strconv.Atoi(text)
		value += base
	}
	value = max(-1000, min(1000, value))
	if err := os.WriteFile(path, []byte(strconv.Itoa(value)), 0); err != nil {
		log.Warn(fmt.Sprintf("Unable to write oom_score_adj: %s", errnoText(err)))
	}
}

// locales are well formed if they look like C, POSIX or ll_CC.encoding@variant.
// Our own texts know no locale.
func validLocale(name string) bool {
	name, variant, hasVariant := strings.Cut(name, "@")
	name, encoding, hasEncoding := strings.Cut(name, ".")
	if hasVariant && !alphanumeric(variant) || hasEncoding && !alphanumeric(strings.ReplaceAll(encoding, "-", "")) {
		return false
	}
	language, country, hasCountry := strings.Cut(name, "_")
	switch {
	case name == "":
		return !hasEncoding && !hasVariant
	case name == "C" || name == "POSIX":
		return true
	default:
		return alphanumeric(language) && len(language) <= 3 && len(language) >= 2 &&
			(!hasCountry || len(country) == 2 && alphanumeric(country))
	}
}

// alphanumeric reports whether s is one or more ASCII letters and digits.
func alphanumeric(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}
