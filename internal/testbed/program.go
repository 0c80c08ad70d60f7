package testbed

// Program adds any other program and starts it.
func (b *Bed) Program(name string, argv ...string) (*Process, error) {
	p, err := b.process(name, argv)
	if err != nil {
		return nil, err
	}
	return p, p.Start()
}
