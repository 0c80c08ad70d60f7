package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// WithDaemon calls run with the programs of this machine, our daemon among
// them: the one at path, or, if path is empty, one built for this call with
// the given flags of `go build`. It returns what run returned, or 1 if the
// daemon does not build. It is meant for TestMain.
func WithDaemon(path string, run func(Programs) int, buildFlags ...string) int {
	if path == "" {
		dir, err := os.MkdirTemp("", "gosentinel-bin-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		path = filepath.Join(dir, "redis-sentinel")
		args := append([]string{"build", "-o", path}, buildFlags...)
		build := exec.Command("go", append(args, "gosentinel/cmd/redis-sentinel")...)
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the daemon: %v\n%s", err, out)
			return 1
		}
	}
	return run(Find(path))
}
