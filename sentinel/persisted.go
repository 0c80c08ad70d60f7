package sentinel

// persisted takes the outcome of a write. One that failed releases what waited
// for it all the same, unless strict-durability is on; the shell retries until
// it is written.
//
// Rule: R-8, E-43.
func (c *Core) persisted(in Persisted) {
	c.saveError = in.Reason
	c.slowDisk = in.Reason != "" || in.Took > slowWrite
	if in.Reason != "" && c.general.StrictDurability {
		return
	}
	c.settled = max(c.settled, in.Seq)
	rest := c.waiting[:0]
	for _, w := range c.waiting {
		if w.seq > c.settled {
			rest = append(rest, w)
			continue
		}
		c.touch(&w.m.watch)
	}
	clear(c.waiting[len(rest):])
	c.waiting = rest
}
