package conf

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// errno is an error whose text is that of strerror(3).
type errno struct {
	text string
	is   error
}

func (e errno) Error() string { return e.text }

func (e errno) Is(target error) bool { return target == e.is }

// memHost is a Host in memory.
type memHost struct {
	files map[string]string // by absolute path
	dirs  []string
	exec  []string
	cwd   string
	calls []string // Chdir and TryLog, in order
}

func newMemHost(files map[string]string) *memHost {
	return &memHost{files: files, dirs: []string{"/", "/srv/s1", "/etc/redis"}, cwd: "/srv/s1", exec: []string{"/bin/true"}}
}

func (h *memHost) abs(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(h.cwd, name)
}

func (h *memHost) ReadFile(name string) ([]byte, error) {
	text, ok := h.files[h.abs(name)]
	if !ok || name == "" {
		return nil, errno{"No such file or directory", fs.ErrNotExist}
	}
	if text == "unreadable" {
		return nil, errno{"Permission denied", fs.ErrPermission}
	}
	return []byte(text), nil
}

func (h *memHost) ReadState(name string) ([]byte, error) { return h.ReadFile(name) }

func (h *memHost) Glob(pattern string) []string {
	var names []string
	for name := range h.files {
		if ok, _ := path.Match(h.abs(pattern), name); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (h *memHost) Chdir(dir string) error {
	h.calls = append(h.calls, "chdir "+dir)
	if _, isFile := h.files[h.abs(dir)]; isFile {
		return errors.New("Not a directory")
	}
	if dir == "" || !slices.Contains(h.dirs, h.abs(dir)) {
		return errors.New("No such file or directory")
	}
	h.cwd = h.abs(dir)
	return nil
}

func (h *memHost) Getwd() string { return h.cwd }

func (h *memHost) Executable(name string) bool { return slices.Contains(h.exec, name) }

func (h *memHost) TryLog(name string) error {
	h.calls = append(h.calls, "log "+name)
	if strings.HasPrefix(name, "/nope/") {
		return errors.New("No such file or directory")
	}
	return nil
}

const mainFile = "/etc/redis/sentinel.conf"

// load reads one text as the main file.
func load(text string) (*Config, error) {
	return Load(newMemHost(map[string]string{mainFile: text}), Checks{Command: hasCommand}, Input{File: mainFile})
}

// hasCommand knows the commands that C-84 lists.
func hasCommand(name string) bool {
	return slices.Contains(strings.Fields("ping acl subscribe psubscribe auth shutdown punsubscribe role info command "+
		"publish sentinel hello client unsubscribe"), strings.ToLower(name))
}
