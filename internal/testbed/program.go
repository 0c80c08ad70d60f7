package testbed

import (
	"errors"
	"os"
	"os/exec"
)

// Program adds any other program and starts it.
func (b *Bed) Program(name string, argv ...string) (*Process, error) {
	p, err := b.process(name, argv)
	if err != nil {
		return nil, err
	}
	return p, p.Start()
}

// Worker adds a program that is spoken with over its standard input and output,
// and starts it. Its standard error goes to the log.
func (b *Bed) Worker(name string, argv ...string) (*Worker, error) {
	p, err := b.process(name, argv)
	if err != nil {
		return nil, err
	}
	p.pipes = true
	return &Worker{p}, p.Start()
}

// Worker is a Process as one reads and writes it. Close ends its input, which
// asks it to end.
type Worker struct{ *Process }

func (w *Worker) Read(b []byte) (int, error)  { return w.out.Read(b) }
func (w *Worker) Write(b []byte) (int, error) { return w.in.Write(b) }

// Close closes both pipes.
func (w *Worker) Close() error {
	w.hangUp()
	return nil
}

// ends are the ends of the pipes that the child gets.
type ends struct{ in, out *os.File }

func (e ends) close() {
	e.in.Close()
	e.out.Close()
}

// connect gives cmd pipes and keeps our ends of them.
func (p *Process) connect(cmd *exec.Cmd) (ends, error) {
	p.hangUp()
	theirIn, in, err := os.Pipe()
	if err != nil {
		return ends{}, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return ends{}, errors.Join(err, theirIn.Close(), in.Close())
	}
	p.in, p.out = in, out
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	return ends{theirIn, theirOut}, nil
}

// hangUp closes our ends of the pipes, if there are any.
func (p *Process) hangUp() {
	if p.in != nil {
		p.in.Close()
		p.out.Close()
	}
}
