package stress

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// usage is what a process holds and has used.
type usage struct {
	cpu         time.Duration
	residentKB  int
	descriptors int
}

// cpuTick is the unit of processor time in /proc: USER_HZ is 100 everywhere.
const cpuTick = 10 * time.Millisecond

func usageOf(t *testing.T, pid int) (u usage) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(stat), ") ")
	for _, field := range strings.Fields(rest)[11:13] { // user, system
		n, err := strconv.Atoi(field)
		require.NoError(t, err)
		u.cpu += time.Duration(n) * cpuTick
	}
	status, err := os.ReadFile(dir + "/status")
	require.NoError(t, err)
	_, rest, _ = strings.Cut(string(status), "VmRSS:")
	u.residentKB, err = strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err)
	files, err := os.ReadDir(dir + "/fd")
	require.NoError(t, err)
	u.descriptors = len(files)
	return u
}
