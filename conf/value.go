package conf

import "slices"

// value is what one directive is set to; which fields count depends on its
// kind.
type value struct {
	num    int64    // bool 0 or 1, integer, memory as the bits of a uint64, octal, enum bits
	pct    bool     // of memory or percent: num is a percentage
	text   string   // of text; "" = unset if the directive has no default
	list   []string // bind, replicaof, percentiles, oom-score-adj-values
	limits [3]limit // client-output-buffer-limit, by class
}

// limit is one class of client-output-buffer-limit: bytes, bytes, seconds.
type limit struct {
	hard, soft uint64
	seconds    int64
}

// The classes of client-output-buffer-limit, in the order they are written.
const (
	classNormal = iota
	classReplica
	classPubSub
)

var classNames = [3]string{"normal", "replica", "pubsub"}

var defaultOutputLimits = [3]limit{
	classReplica: {256 << 20, 64 << 20, 60},
	classPubSub:  {32 << 20, 8 << 20, 60},
}

func (v value) equal(w value) bool {
	return v.num == w.num && v.pct == w.pct && v.text == w.text &&
		slices.Equal(v.list, w.list) && v.limits == w.limits
}

// Values are the general directives with their values. A Values is immutable;
// the zero Values holds the defaults.
type Values struct {
	vals []value // as table; nil = sentinelDefaults
}

func (v Values) all() []value {
	if v.vals == nil {
		return sentinelDefaults
	}
	return v.vals
}

// With is v with one directive set as a line `name words...` of the file would
// set it; the error is a *FatalError without a line. The daemon uses it for what
// changes by itself (C-99): a detected supervised mode, the default pid file.
func (v Values) With(name string, words ...string) (Values, error) {
	i, ok := index[lower(name)]
	if !ok {
		return v, &FatalError{Message: msgBadDirective}
	}
	vals := slices.Clone(v.all())
	set, message := table[i].set(vals[i], words)
	if message != "" {
		return v, &FatalError{Message: message}
	}
	vals[i] = set
	return Values{vals}, nil
}
