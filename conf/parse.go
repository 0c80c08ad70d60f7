package conf

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Messages of general directives.
//
// Rule: 1.5, 1.8 and 4.3 of the configuration rules.
const (
	msgUnbalanced   = "Unbalanced quotes in configuration line"
	msgBadDirective = "Bad directive or wrong number of arguments"
	msgArgCount     = "wrong number of arguments"
	msgNoModule     = "Module config specified without value"
	msgBool         = "argument must be 'yes' or 'no'"
	msgEnum         = "argument(s) must be one of the following: "
	msgInt          = "argument couldn't be parsed into an integer"
	msgMem          = "argument must be a memory value"
	msgMemPercent   = "argument must be a memory or percent value"
	msgPercent      = "percentage argument must be less or equal to 100"
	msgOctal        = "argument couldn't be parsed as an octal number"
	msgCharacter    = "Invalid character in value."
	msgNoCommand    = "No such command in rename-command"
	msgCommandTaken = "Target command name already exists"
	msgCluster      = "replicaof directive not allowed in cluster mode"
	msgTitle        = "template format is invalid or contains unknown variables"
	msgInclude      = "Include loop, or too many files included"
)

// lower maps ASCII letters to lower case and leaves all other bytes alone.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// set is the value after a line with these arguments, or the error message.
// cur is the value before it, which some directives add to.
//
// Rule: C-20, step 1 of 1.5.
func (d *directive) set(cur value, args []string) (value, string) {
	if !d.multi() && len(args) != 1 {
		return cur, msgArgCount
	}
	if d.multi() && len(args) == 1 && args[0] != "" {
		args, _ = splitWords(args[0]) // unbalanced quotes give no words
	}
	return d.parse(cur, args)
}

func (d *directive) parse(cur value, args []string) (value, string) {
	switch d.kind {
	case kindBool:
		on, message := parseBool(args[0])
		return value{num: on}, message
	case kindEnum, kindFlags:
		return d.parseEnum(args)
	case kindInt:
		n, ok := parseInt(args[0])
		if !ok {
			return cur, msgInt
		}
		return value{num: n}, d.checkRange(n < d.lo || n > d.hi)
	case kindMem:
		n, ok := parseMemory(args[0])
		if !ok {
			return cur, msgMem
		}
		return value{num: int64(n)}, d.checkRange(n < uint64(d.lo) || d.hi != noLimit && n > uint64(d.hi))
	case kindMemPercent:
		return parseMemPercent(args[0])
	case kindOctal:
		return d.parseOctal(args[0])
	case kindText:
		if d.check != nil && args[0] != "" || d.check != nil && d.def != nil {
			if message := d.check(args[0]); message != "" {
				return cur, message
			}
		}
		return value{text: args[0]}, ""
	}
	return d.parseSpecial(cur, args)
}

func (d *directive) checkRange(outside bool) string {
	switch {
	case !outside:
		return ""
	case d.kind == kindOctal:
		return fmt.Sprintf("argument must be between %o and %o inclusive", d.lo, d.hi)
	case d.hi == noLimit:
		return rangeMessage(d.lo, math.MaxUint64)
	}
	return rangeMessage(d.lo, uint64(d.hi))
}

func rangeMessage(lo int64, hi uint64) string {
	return fmt.Sprintf("argument must be between %d and %d inclusive", lo, hi)
}

func parseBool(s string) (int64, string) {
	switch lower(s) {
	case "yes":
		return 1, ""
	case "no":
		return 0, ""
	}
	return 0, msgBool
}

func (d *directive) parseEnum(args []string) (value, string) {
	var v value
	for _, arg := range args {
		bits, ok := d.enumBits(lower(arg))
		if !ok {
			return v, d.enumMessage()
		}
		v.num |= bits
	}
	if len(args) == 0 {
		return v, d.enumMessage()
	}
	if d.kind == kindFlags && v.num&3 == 3 {
		return v, "shutdown options SAVE and NOSAVE can't be used simultaneously"
	}
	return v, ""
}

func (d *directive) enumBits(word string) (int64, bool) {
	for _, list := range [][]enumWord{d.words, d.later} {
		for _, w := range list {
			if w.word == word {
				return w.bits, true
			}
		}
	}
	return 0, false
}

func (d *directive) enumMessage() string {
	names := make([]string, len(d.words))
	for i, w := range d.words {
		names[i] = w.word
	}
	return msgEnum + strings.Join(names, ", ") // the original cuts at 255 bytes; none is that long
}

// parseInt reads a decimal integer in its one canonical spelling.
//
// Rule: row int of 1.8.
func parseInt(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, false
	}
	return n, true
}

// parseMemory reads digits with an optional unit; what is beyond 2^64-1
// becomes 2^64-1.
//
// Rule: C-31.
func parseMemory(s string) (uint64, bool) {
	digits := strings.TrimLeft(s, "0123456789")
	number, unit := s[:len(s)-len(digits)], lower(digits)
	factor, ok := memoryUnits[unit]
	if !ok {
		return 0, false
	}
	if number == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return math.MaxUint64, true
	}
	hi, product := bits.Mul64(n, factor)
	if hi != 0 {
		return math.MaxUint64, true
	}
	return product, true
}

var memoryUnits = map[string]uint64{
	"": 1, "b": 1,
	"k": 1000, "kb": 1 << 10,
	"m": 1000 * 1000, "mb": 1 << 20,
	"g": 1000 * 1000 * 1000, "gb": 1 << 30,
}

// parseMemPercent reads memory, or a percentage up to 100.
func parseMemPercent(s string) (value, string) {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		n, err := strconv.ParseUint(number, 10, 63)
		switch {
		case err != nil:
			return value{}, msgMemPercent
		case n > 100:
			return value{}, msgPercent
		}
		return value{num: int64(n), pct: n > 0}, ""
	}
	n, ok := parseMemory(s)
	if !ok {
		return value{}, msgMemPercent
	}
	return value{num: int64(min(n, maxInt64))}, ""
}

func (d *directive) parseOctal(s string) (value, string) {
	digits := strings.TrimLeft(s, blanks)
	if digits == "" {
		return value{}, ""
	}
	n, err := strconv.ParseInt(digits, 8, 64)
	if err != nil || digits[0] == '+' {
		return value{}, msgOctal
	}
	return value{num: n}, d.checkRange(n < d.lo || n > d.hi)
}

// bareName checks a file name that must not be a path.
func bareName(directive, what string, mayBeEmpty bool) func(string) string {
	return func(s string) string {
		switch {
		case s == "" && !mayBeEmpty:
			return directive + " can't be empty"
		case strings.ContainsAny(s, `/\`):
			return directive + " can't be a path, just a " + what
		}
		return ""
	}
}

// hostName checks cluster-announce-hostname.
func hostName(s string) string {
	if len(s) >= 256 {
		return "Hostnames must be less than 256 characters"
	}
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' && s[i] != '.' {
			return "Hostnames may only contain alphanumeric characters, hyphens or dots"
		}
	}
	return ""
}

// nodeName checks cluster-announce-human-nodename.
func nodeName(s string) string {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return "Announced human node name contained invalid character"
		}
	}
	return ""
}
