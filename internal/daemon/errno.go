package daemon

import (
	"errors"
	"io/fs"
	"syscall"
)

// errnoText is the text of strerror(3) for what err is at heart: Go's own
// texts begin with a small letter and carry prefixes. An error that is no errno
// keeps its text.
func errnoText(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return upperFirst(errno.Error())
	}
	return err.Error()
}

func upperFirst(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// strerror is an errno whose Error is the text of strerror(3) alone.
type strerror struct{ errno syscall.Errno }

func (e strerror) Error() string        { return upperFirst(e.errno.Error()) }
func (e strerror) Unwrap() error        { return e.errno }
func (e strerror) Is(target error) bool { return e.errno.Is(target) }

// plainError gives err the text of errnoText; nil stays nil.
func plainError(err error) error {
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &errno):
		return strerror{errno}
	case errors.Is(err, fs.ErrNotExist):
		return strerror{syscall.ENOENT}
	default:
		return err
	}
}
