package conf

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// warnIgnored warns, once each, of directives that the original would act on
// to no good in a Sentinel.
//
// Rule: C-67.
func (l *loader) warnIgnored(d *directive, v value) {
	switch d.name {
	case "replicaof":
		if v.list == nil {
			return
		}
	case "appendonly", "cluster-enabled":
		if v.num == 0 {
			return
		}
	default:
		return
	}
	if !slices.Contains(l.ignored, d.name) {
		l.ignored = append(l.ignored, d.name)
		l.warn("WARNING: '" + d.name + "' has no effect in a Sentinel and is ignored")
	}
}

// warnDecreasing warns of oom-score-adj-values that an unprivileged process
// cannot follow.
func (l *loader) warnDecreasing(list []string) {
	last := -1 << 31
	for _, word := range list {
		n, _ := strconv.Atoi(word) // checked when read
		if n < last {
			l.log('#', "The oom-score-adj-values configuration may not work for non-privileged processes! "+
				"Please consult the documentation.")
			return
		}
		last = n
	}
}

// warnShadowedPassword warns when requirepass has no effect since a `user
// default` line, which is applied later, says otherwise.
//
// Rule: C-82.
func (l *loader) warnShadowedPassword() {
	pass := l.vals[index["requirepass"]].text
	if pass == "" || !l.hasDefault {
		return
	}
	sum := sha256.Sum256([]byte(pass))
	accepted := false
	for _, rule := range l.defaultRules {
		switch lower(rule) {
		case "nopass", "resetpass", "reset":
			accepted = false
			continue
		}
		if rule == ">"+pass || rule == "#"+hex.EncodeToString(sum[:]) {
			accepted = true
		}
	}
	if !accepted {
		l.warn("WARNING: 'requirepass' has no effect: the 'user default' line does not have this password")
	}
}
