package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// spareFiles is how many descriptors are kept for all but clients.
//
// Rule: C-76.
const spareFiles = 32

// prlimit reads a resource limit of this process, and sets it if want is not
// nil. Never by setrlimit(2), which the Debian unit forbids (C-119).
type prlimit func(want *unix.Rlimit) (was unix.Rlimit, err error)

func fileLimit(want *unix.Rlimit) (was unix.Rlimit, err error) {
	err = unix.Prlimit(0, unix.RLIMIT_NOFILE, want, &was)
	return was, err
}

// openFileLimit is how many descriptors we may have now; 0 = not known.
func openFileLimit() int {
	was, err := fileLimit(nil)
	if err != nil {
		return 0
	}
	return int(min(was.Cur, math.MaxInt32))
}

// raiseFileLimit makes room for maxClients connections and gives how many
// there is room for. The Go runtime has raised the soft limit to the hard one
// already, all but one; only the hard limit is left to raise.
//
// Rule: C-76; unlike the original the reduced number is not made the
// configured one.
func raiseFileLimit(maxClients int, limit prlimit, log *slog.Logger) (allowed int, ok bool) {
	need := uint64(maxClients) + spareFiles
	was, err := limit(nil)
	if err != nil {
		log.Warn(fmt.Sprintf("Unable to obtain the current NOFILE limit (%s), assuming 1024 and setting the max clients configuration accordingly.", errnoText(err)))
		return min(maxClients, 1024-spareFiles), true
	}
	if was.Cur >= need {
		return maxClients, true
	}
	if was.Cur < was.Max {
		if _, err := limit(&unix.Rlimit{Cur: was.Max, Max: was.Max}); err == nil {
			was.Cur = was.Max
		}
	}
	if was.Cur >= need {
		return maxClients, true
	}
	_, err = limit(&unix.Rlimit{Cur: need, Max: need})
	if err == nil {
		log.Info(fmt.Sprintf("Increased maximum number of open files to %d (it was originally set to %d).", need, was.Cur))
		return maxClients, true
	}
	if was.Cur <= spareFiles {
		log.Warn(fmt.Sprintf("Your current 'ulimit -n' of %d is not enough for the server to start. Please increase your open file limit to at least %d. Exiting.", was.Cur, need))
		return 0, false
	}
	allowed = int(was.Cur) - spareFiles
	log.Warn(fmt.Sprintf("You requested maxclients of %d requiring at least %d max file descriptors.", maxClients, need))
	log.Warn(fmt.Sprintf("Server can't set maximum open files to %d because of OS error: %s.", need, errnoText(err)))
	log.Warn(fmt.Sprintf("Current maximum open files is %d. maxclients has been reduced to %d to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.", was.Cur, allowed))
	return allowed, true
}

// somaxconnPath holds the system's limit of a listen backlog.
const somaxconnPath = "/proc/sys/net/core/somaxconn"

// warnOfBacklog says that the system cuts tcp-backlog.
//
// Rule: C-78.
func warnOfBacklog(backlog int, path string, log *slog.Logger) {
	text, ok := firstLine(path)
	if !ok {
		return
	}
	if most, err := strconv.Atoi(text); err == nil && most > 0 && backlog > most {
		log.Warn(fmt.Sprintf("WARNING: The TCP backlog setting of %d cannot be enforced because %s is set to the lower value of %d.", backlog, somaxconnPath, most))
	}
}

// warnOfMaxMemory says that maxmemory is suspiciously small.
//
// Rule: C-79.
func warnOfMaxMemory(bytes uint64, log *slog.Logger) {
	if bytes > 0 && bytes < 1<<20 {
		log.Warn(fmt.Sprintf("WARNING: You specified a maxmemory value that is less than 1MB (current value is %d bytes). Are you sure this is what you really want?", bytes))
	}
}

// writePidFile replaces the content of path by our process id. It reports
// whether there is now a file of ours to be removed at the end: not if path
// names a device.
//
// Rule: C-126, R-26.
func writePidFile(path string, trusted owners, log *slog.Logger) (remove bool) {
	f, err := openOurs(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NONBLOCK, 0o666, trusted)
	if err == nil {
		if info, statErr := f.Stat(); statErr == nil {
			remove = info.Mode().IsRegular()
		}
		_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
		err = errors.Join(err, f.Close())
	}
	switch {
	case isNotOurs(err):
		log.Warn("Failed to write PID file: " + path + " is not ours: " + errnoOrWhy(err))
	case err != nil:
		log.Warn("Failed to write PID file: " + errnoText(err))
	}
	return remove
}
