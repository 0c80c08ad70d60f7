package conf

import "strconv"

// line is one line to place in the file. A forced line is appended if no slot
// of its key is free; an unforced one only replaces. "" is no line at all: the
// slots of the key are blanked.
type line struct {
	text   string
	forced bool
}

// lines gives what a rewrite writes for a directive.
//
// Rule: C-95.
func (d *directive) lines(v, def value) []line {
	forced := !v.equal(def)
	switch d.kind {
	case kindText:
		if v.text == "" && d.def == nil {
			return nil
		}
		return []line{{d.name + " " + quoted(v.text), forced}}
	case kindDir:
		if v.text == "" {
			return nil // Values that no Load gave
		}
		return []line{{"dir " + quoted(v.text), true}}
	case kindBind:
		if !forced {
			return nil
		}
		if len(v.list) == 0 {
			return []line{{`bind ""`, true}}
		}
		return []line{{d.name + joinWords(v.list), true}}
	case kindOutputLimits:
		return limitLines(d.name, v, def)
	case kindNotify:
		return []line{{d.name + " " + quoted(v.text), forced}}
	case kindSave:
		return nil
	case kindReplicaOf:
		if len(v.list) == 0 {
			return nil
		}
		return []line{{d.name + joinWords(v.list), true}}
	case kindPercentiles:
		if len(v.list) == 0 {
			return []line{{d.name + ` ""`, true}}
		}
		return []line{{d.name + joinWords(v.list), true}}
	case kindOOMValues:
		return []line{{d.name + joinWords(v.list), forced}}
	}
	return []line{{d.name + " " + d.scalar(v), forced}}
}

// scalar is the one word of a simple directive, or the words of flags.
func (d *directive) scalar(v value) string {
	switch d.kind {
	case kindBool:
		return yesNo(v.num != 0)
	case kindEnum:
		return d.word(v.num)
	case kindFlags:
		return d.flagWords(v.num)
	case kindMem:
		return formatMemory(uint64(v.num))
	case kindMemPercent:
		if v.pct {
			return strconv.FormatInt(v.num, 10) + "%"
		}
		return formatMemory(uint64(v.num))
	case kindOctal:
		return strconv.FormatInt(v.num, 8)
	}
	return strconv.FormatInt(v.num, 10)
}

func yesNo(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

// word is the first word of an enum that has this value.
func (d *directive) word(bits int64) string {
	for _, list := range [][]enumWord{d.words, d.later} {
		for _, w := range list {
			if w.bits == bits {
				return w.word
			}
		}
	}
	return ""
}

func (d *directive) flagWords(bits int64) string {
	if bits == 0 {
		return d.word(0)
	}
	var list []string
	for _, w := range d.words {
		if w.bits&bits != 0 {
			list = append(list, w.word)
		}
	}
	return joinWords(list)[1:]
}

// joinWords gives each word after a blank.
func joinWords(words []string) string {
	var b []byte
	for _, w := range words {
		b = append(b, ' ')
		b = appendWord(b, w)
	}
	return string(b)
}

// formatMemory uses the largest binary unit that divides n.
func formatMemory(n uint64) string {
	for _, unit := range []struct {
		size uint64
		name string
	}{{1 << 30, "gb"}, {1 << 20, "mb"}, {1 << 10, "kb"}} {
		if n != 0 && n%unit.size == 0 {
			return strconv.FormatUint(n/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatUint(n, 10)
}

func limitLines(name string, v, def value) []line {
	lines := make([]line, 0, len(v.limits))
	for class, l := range v.limits {
		text := name + " " + classNames[class] + " " + formatMemory(l.hard) + " " +
			formatMemory(l.soft) + " " + strconv.FormatInt(l.seconds, 10)
		lines = append(lines, line{text, l != def.limits[class]})
	}
	return lines
}
