package stress

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/internal/testbed"
)

// askerWord is the argument that makes this program a crowd.
const askerWord = "askers"

// What a crowd is: so many connections, on each of which so many requests are
// unanswered at any time.
const (
	askers      = 100
	outstanding = 8
)

// crowd is a process that pipelines SENTINEL MASTERS to some Sentinels.
type crowd struct {
	t *testing.T
	*testbed.Worker
	lines *bufio.Reader
}

// newCrowd starts one, which asks nothing yet; it ends with the bed.
func newCrowd(t *testing.T, bed *testbed.Bed, masters int, addrs []string) *crowd {
	self, err := os.Executable()
	require.NoError(t, err)
	w, err := bed.Worker(askerWord, append([]string{self, askerWord, strconv.Itoa(masters)}, addrs...)...)
	require.NoError(t, err)
	return &crowd{t: t, Worker: w, lines: bufio.NewReader(w)}
}

// do has the crowd begin to ask, or end it, and gives how many replies it has
// read since its start. After the beginning that is as many as it keeps
// outstanding at least; after the end nothing is.
func (c *crowd) do(what string) int {
	_, err := io.WriteString(c, what+"\n")
	require.NoError(c.t, err)
	line, err := c.lines.ReadString('\n')
	require.NoError(c.t, err, "%s", c.Tail(1000))
	n, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(c.t, err)
	return n
}

// asker is one connection of a crowd, in its process.
type asker struct {
	conn   net.Conn
	head   []byte // what each reply begins with, and nothing else in it
	asking *atomic.Bool
	came   chan<- int // replies as they come
	ended  chan<- error
}

// serveAskers is the whole life of the process: args are the number of masters
// and the addresses to ask; see crowd.do for in and out.
func serveAskers(args []string, in io.Reader, out io.Writer) error {
	runtime.GOMAXPROCS(1)
	var asking atomic.Bool
	came, ended := make(chan int, askers), make(chan error, askers)
	var all []*asker
	for i := range askers {
		conn, err := net.Dial("tcp", args[1+i%(len(args)-1)])
		if err != nil {
			return err
		}
		defer conn.Close()
		all = append(all, &asker{conn, []byte("*" + args[0] + "\r\n"), &asking, came, ended})
	}
	words := make(chan string)
	go func() {
		for lines := bufio.NewScanner(in); lines.Scan(); {
			words <- lines.Text()
		}
		close(words)
	}()
	sum, left, tellAt := 0, 0, -1
	for {
		select {
		case word, more := <-words:
			switch {
			case !more:
				return nil
			case word == "begin":
				asking.Store(true)
				left, tellAt = askers, sum+askers*outstanding
				for _, a := range all {
					go a.ask()
				}
			case word == "end":
				asking.Store(false)
			}
		case n := <-came:
			if sum += n; tellAt >= 0 && sum >= tellAt {
				tellAt = -1
				fmt.Fprintln(out, sum)
			}
		case err := <-ended:
			if err != nil {
				return err
			}
			if left--; left == 0 {
				for len(came) > 0 {
					sum += <-came
				}
				fmt.Fprintln(out, sum)
			}
		}
	}
}

// ask keeps requests outstanding until asking is over and all are answered.
func (a *asker) ask() {
	a.ended <- func() error {
		requests := bytes.Repeat(resp.AppendCommand(nil, "SENTINEL", "MASTERS"), outstanding)
		one := len(requests) / outstanding
		buf := make([]byte, 256<<10)
		owed, kept := 0, 0 // of the end of what was read some is kept: a head may be cut in two
		for {
			if due := outstanding - owed; due > 0 && a.asking.Load() {
				if _, err := a.conn.Write(requests[:due*one]); err != nil {
					return err
				}
				owed += due
			}
			n, err := a.conn.Read(buf[kept:])
			if err != nil {
				return err
			}
			n += kept
			heads := bytes.Count(buf[:n], a.head)
			if owed -= heads; owed < 0 {
				return errors.New("more replies than requests")
			}
			if heads > 0 {
				a.came <- heads
			}
			kept = min(n, len(a.head)-1)
			copy(buf, buf[n-kept:n])
			if owed == 0 && !a.asking.Load() {
				return nil // the rest of the last reply is read at the next beginning
			}
		}
	}()
}
