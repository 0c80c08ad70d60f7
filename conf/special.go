package conf

import (
	"strconv"
	"strings"
)

// maxBind is how many addresses `bind` takes.
const maxBind = 16

// The characters of notify-keyspace-events: as the error names them, those that
// A stands for, and the order in which they are written.
const (
	notifyFlags = "Ag$lshzxeKEtmdn"
	notifyAll   = "g$lshzxetd"
	notifyOrder = notifyAll + "nKEm"
)

// parseSpecial reads the directives that have rules of their own.
//
// Rule: 4.3 of the configuration rules, C-21.
func (d *directive) parseSpecial(cur value, args []string) (value, string) {
	switch d.kind {
	case kindDir:
		if len(args) != 1 {
			return cur, msgArgCount
		}
		return value{text: args[0]}, ""
	case kindBind:
		return parseBind(args)
	case kindOutputLimits:
		return parseOutputLimits(cur, args)
	case kindOOMValues:
		return parseOOMValues(args)
	case kindNotify:
		return parseNotify(args[0])
	case kindSave:
		return cur, checkSave(args)
	case kindReplicaOf:
		return parseReplicaOf(args)
	}
	return parsePercentiles(args)
}

func parseBind(args []string) (value, string) {
	if len(args) > maxBind {
		return value{}, "Too many bind addresses specified."
	}
	if len(args) == 0 || len(args) == 1 && args[0] == "" {
		return value{}, ""
	}
	for _, addr := range args {
		if strings.Contains(addr, "\n") {
			return value{}, msgCharacter
		}
	}
	return value{list: args}, ""
}

func parseOutputLimits(cur value, args []string) (value, string) {
	if len(args)%4 != 0 {
		return cur, "Wrong number of arguments in buffer limit configuration."
	}
	for i := 0; i < len(args); i += 4 {
		class := -1
		switch lower(args[i]) {
		case "normal":
			class = classNormal
		case "slave", "replica":
			class = classReplica
		case "pubsub":
			class = classPubSub
		default:
			return cur, "Invalid client class specified in buffer limit configuration."
		}
		hard, ok1 := parseMemory(args[i+1])
		soft, ok2 := parseMemory(args[i+2])
		seconds, err := strconv.ParseInt(args[i+3], 10, 64)
		if !ok1 || !ok2 || err != nil || seconds < 0 || seconds > maxInt32 {
			return cur, "Error in hard, soft or soft_seconds setting in buffer limit configuration."
		}
		cur.limits[class] = limit{hard, soft, seconds}
	}
	return cur, ""
}

func parseOOMValues(args []string) (value, string) {
	if len(args) != 3 {
		return value{}, msgArgCount
	}
	v := value{list: make([]string, 3)}
	for i, arg := range args {
		n, err := strconv.ParseInt(arg, 10, 32)
		if err != nil || n < -2000 || n > 2000 {
			return value{}, "Invalid oom-score-adj-values, elements must be between -2000 and 2000."
		}
		v.list[i] = strconv.FormatInt(n, 10)
	}
	return v, ""
}

// parseNotify keeps the flags in the order in which they are written. A stands
// for its classes, and hides n.
func parseNotify(s string) (value, string) {
	var set [128]bool
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(notifyFlags, s[i]) < 0 {
			return value{}, "Invalid event class character. Use '" + notifyFlags + "'."
		}
		set[s[i]] = true
	}
	all := true
	for _, c := range []byte(notifyAll) {
		all = all && set[c]
	}
	var text []byte
	order := notifyOrder
	if all || set['A'] {
		text = append(text, 'A')
		order = "KEm"
	}
	for _, c := range []byte(order) {
		if set[c] {
			text = append(text, c)
		}
	}
	return value{text: string(text)}, ""
}

func checkSave(args []string) string {
	const message = "Invalid save parameters"
	if len(args) == 1 && args[0] == "" {
		return ""
	}
	if len(args)%2 != 0 {
		return message
	}
	for i := 0; i < len(args); i += 2 {
		seconds, err1 := strconv.ParseInt(args[i], 10, 64)
		changes, err2 := strconv.ParseInt(args[i+1], 10, 64)
		if err1 != nil || err2 != nil || seconds < 1 || changes < 0 {
			return message
		}
	}
	return ""
}

func parseReplicaOf(args []string) (value, string) {
	if len(args) != 2 {
		return value{}, msgArgCount
	}
	if lower(args[0]) == "no" && lower(args[1]) == "one" {
		return value{}, ""
	}
	port, err := strconv.ParseUint(args[1], 10, 16)
	if err != nil {
		return value{}, "Invalid master port"
	}
	if strings.Contains(args[0], "\n") {
		return value{}, msgCharacter
	}
	return value{list: []string{args[0], strconv.FormatUint(port, 10)}}, ""
}

// parsePercentiles keeps each number as it is written back: six decimals,
// zeros at the end trimmed.
func parsePercentiles(args []string) (value, string) {
	if len(args) == 1 && args[0] == "" {
		return value{}, ""
	}
	var v value
	for _, arg := range args {
		f, err := strconv.ParseFloat(arg, 64)
		if err != nil && strings.HasPrefix(lower(arg), "0x") {
			f, err = strconv.ParseFloat(arg+"p0", 64)
		}
		if err != nil || f != f || strings.Contains(arg, "_") {
			return value{}, "Invalid latency-tracking-info-percentiles parameters"
		}
		if f < 0 || f > 100 {
			return value{}, "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
		}
		text := strconv.FormatFloat(f, 'f', 6, 64)
		v.list = append(v.list, strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
	}
	return v, ""
}
