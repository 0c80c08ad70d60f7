package sentinel

import (
	"time"

	"gosentinel/conf"
)

// params are the periods that SENTINEL DEBUG shows and changes; never saved.
//
// Rule: behaviour.md section 2, K-2.12.
type params struct {
	infoPeriod             time.Duration
	pingPeriod             time.Duration
	askPeriod              time.Duration
	publishPeriod          time.Duration
	defaultDownAfter       time.Duration
	defaultFailoverTimeout time.Duration
	tiltTrigger            time.Duration
	tiltPeriod             time.Duration
	slaveReconfTimeout     time.Duration
	minLinkReconnectPeriod time.Duration
	electionTimeout        time.Duration
	scriptMaxRuntime       time.Duration
	scriptRetryDelay       time.Duration
}

func defaultParams() params {
	return params{
		infoPeriod:             10 * time.Second,
		pingPeriod:             time.Second,
		askPeriod:              time.Second,
		publishPeriod:          2 * time.Second,
		defaultDownAfter:       conf.DefaultDownAfter,
		defaultFailoverTimeout: conf.DefaultFailoverTimeout,
		tiltTrigger:            2 * time.Second,
		tiltPeriod:             30 * time.Second,
		slaveReconfTimeout:     10 * time.Second,
		minLinkReconnectPeriod: 15 * time.Second,
		electionTimeout:        10 * time.Second,
		scriptMaxRuntime:       60 * time.Second,
		scriptRetryDelay:       30 * time.Second,
	}
}

// param names one of them, in the order of K-2.12.
type param struct {
	name string
	at   func(*params) *time.Duration
}

var paramTable = [...]param{
	{"INFO-PERIOD", func(p *params) *time.Duration { return &p.infoPeriod }},
	{"PING-PERIOD", func(p *params) *time.Duration { return &p.pingPeriod }},
	{"ASK-PERIOD", func(p *params) *time.Duration { return &p.askPeriod }},
	{"PUBLISH-PERIOD", func(p *params) *time.Duration { return &p.publishPeriod }},
	{"DEFAULT-DOWN-AFTER", func(p *params) *time.Duration { return &p.defaultDownAfter }},
	{"DEFAULT-FAILOVER-TIMEOUT", func(p *params) *time.Duration { return &p.defaultFailoverTimeout }},
	{"TILT-TRIGGER", func(p *params) *time.Duration { return &p.tiltTrigger }},
	{"TILT-PERIOD", func(p *params) *time.Duration { return &p.tiltPeriod }},
	{"SLAVE-RECONF-TIMEOUT", func(p *params) *time.Duration { return &p.slaveReconfTimeout }},
	{"MIN-LINK-RECONNECT-PERIOD", func(p *params) *time.Duration { return &p.minLinkReconnectPeriod }},
	{"ELECTION-TIMEOUT", func(p *params) *time.Duration { return &p.electionTimeout }},
	{"SCRIPT-MAX-RUNTIME", func(p *params) *time.Duration { return &p.scriptMaxRuntime }},
	{"SCRIPT-RETRY-DELAY", func(p *params) *time.Duration { return &p.scriptRetryDelay }},
}
