package soak

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gosentinel/internal/testbed"
)

// usage is what a process holds.
type usage struct {
	threads     int
	descriptors int
	residentKB  int
}

func (u usage) String() string {
	return fmt.Sprintf("%d threads, %d descriptors, %d KB resident", u.threads, u.descriptors, u.residentKB)
}

func usageOf(pid int) (usage, error) {
	var u usage
	dir := "/proc/" + strconv.Itoa(pid)
	tasks, err := os.ReadDir(dir + "/task")
	if err != nil {
		return u, err
	}
	files, err := os.ReadDir(dir + "/fd")
	if err != nil {
		return u, err
	}
	text, err := os.ReadFile(dir + "/status")
	if err != nil {
		return u, err
	}
	u.threads, u.descriptors = len(tasks), len(files)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			u.residentKB, err = strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return u, err
}

// settledBy is how many samples of a process are its youth, in which it may
// grow.
const settledBy = 3

// grown says what has grown too far between the youth of a process and the
// last of its samples, "" for nothing. Samples are taken while all is at rest,
// but clients come and go, so medians are compared.
func grown(samples []usage) string {
	if len(samples) < 2*settledBy {
		return ""
	}
	first, last := median(samples[:settledBy]), median(samples[len(samples)-settledBy:])
	switch {
	case last.threads > first.threads+12: // Go keeps the threads of its busiest moment
		return fmt.Sprintf("threads: %v at first, %v in the end", first, last)
	case last.descriptors > first.descriptors+2*queriers:
		return fmt.Sprintf("descriptors: %v at first, %v in the end", first, last)
	case last.residentKB > first.residentKB*3/2+32<<10: // the race detector's shadow is in it
		return fmt.Sprintf("memory: %v at first, %v in the end", first, last)
	}
	return ""
}

func median(samples []usage) usage {
	pick := func(f func(usage) int) int {
		var all []int
		for _, s := range samples {
			all = append(all, f(s))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return usage{
		threads:     pick(func(u usage) int { return u.threads }),
		descriptors: pick(func(u usage) int { return u.descriptors }),
		residentKB:  pick(func(u usage) int { return u.residentKB }),
	}
}

// goroutines ends a process by SIGQUIT, on which a Go program writes down every
// goroutine, and counts them.
func goroutines(s *testbed.Sentinel) (int, error) {
	before, err := os.Stat(s.Log)
	if err != nil {
		return 0, err
	}
	s.Signal(syscall.SIGQUIT)
	if !s.Wait(20 * time.Second) {
		return 0, fmt.Errorf("%s does not end at SIGQUIT", s.Name)
	}
	text, err := os.ReadFile(s.Log)
	if err != nil {
		return 0, err
	}
	n := strings.Count(string(text[before.Size():]), "\ngoroutine ")
	if n == 0 {
		return 0, fmt.Errorf("%s wrote no goroutines down", s.Name)
	}
	return n, nil
}
