package daemon

import (
	"fmt"
	"hash/fnv"
	"io"
	"runtime/debug"
	"strconv"
)

// usageText is what --help prints.
//
// Rule: C-41.
const usageText = `Usage: redis-sentinel /path/to/sentinel.conf [options] [-]
       redis-sentinel -v or --version
       redis-sentinel -h or --help
       redis-sentinel --test-memory <megabytes>
       redis-sentinel --check-system
       redis-sentinel <sub-command> [...]

The file must be writable: what the Sentinel learns is saved there.
An option is a directive of the file with two dashes before it.
A dash as the last word adds directives from standard input.

Examples:
       redis-sentinel /etc/redis/sentinel.conf
       redis-sentinel /etc/redis/sentinel.conf --port 26380 --loglevel verbose
       redis-sentinel /etc/redis/sentinel.conf --sentinel monitor mymaster 127.0.0.1 6379 2

Started by its original's other name:
       redis-server /etc/redis/sentinel.conf --sentinel
`

// testMemoryUsage is the error of --test-memory without its number.
//
// Rule: C-42.
const testMemoryUsage = "Please specify the amount of memory to test in megabytes.\n" +
	"Example: ./redis-server --test-memory 4096\n\n"

// informed answers an information option, which must be the first argument; it
// reports false if args begins with none. args are without the program's name.
//
// Rule: C-40 to C-44.
func informed(args []string, stdout, stderr io.Writer) (status int, ok bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case "-v", "--version":
		fmt.Fprintln(stdout, VersionLine())
		return 0, true
	case "-h", "--help":
		fmt.Fprint(stderr, usageText)
		return 1, true
	case "--test-memory":
		megabytes, err := 0, error(nil)
		if len(args) == 2 {
			megabytes, err = strconv.Atoi(args[1])
		}
		if len(args) != 2 || err != nil || megabytes < 0 {
			fmt.Fprint(stderr, testMemoryUsage)
			return 1, true
		}
		return testMemory(megabytes, stdout, stderr), true
	case "--check-system":
		return checkSystem(linuxSystem(), stdout), true
	}
	return 0, false
}

// VersionLine is what --version prints.
//
// Rule: C-40, R-2.
func VersionLine() string {
	return fmt.Sprintf("Redis server v=%s sha=00000000:0 malloc=go bits=%d build=%s gosentinel=%s",
		RedisVersion, strconv.IntSize, buildID(), Version)
}

// buildID is a hex number that differs between builds of different sources.
func buildID() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "gosentinel %s\n", Version)
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintf(h, "%s\n", info)
	}
	return strconv.FormatUint(h.Sum64(), 16)
}
