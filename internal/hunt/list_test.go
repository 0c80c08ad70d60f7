package main

// otherStands matches an attempt of another than s1.
const otherStands = `s[23] \S+ \+try-failover`

// defects are those of election.md section 10, in its order, then ours.
var defects = []defect{
	{name: "minority", rule: "I-6", edits: []edit{
		{"sentinel/elect.go", "return quorum.Need(m.failover.voters, m.quorum)", "return quorum.Need(m.failover.voters, m.quorum) - 1"},
	}},
	{name: "any epoch", transcript: "vote-of-old-epoch.txt", shows: `BROKEN .* I-6: .*`, edits: []edit{
		{"quorum/tally.go", "case leader == self && epoch == failover:", "case leader == self:"},
		{"sentinel/detect_odown.go", " && sent.epoch == m.failover.epoch", ""},
	}},
	{name: "double vote", rule: "I-1|I-2", edits: []edit{
		{"quorum/ballot.go", "case ask.Epoch <= b.Epoch:", "case ask.Epoch < b.Epoch:"},
	}},
	{name: "no guard", transcript: "original-late-epoch.txt", shows: `BROKEN .* I-1: .*`, edits: []edit{
		{"quorum/ballot.go", "b.guarded(now, ask, s) || b.locked(now, ask, s)", "b.locked(now, ask, s)"},
	}},
	{name: "exchange", rule: "I-1|I-2", edits: []edit{
		{"quorum/ballot.go", "case ask.Epoch <= b.Epoch:", `case ask.Epoch == b.Epoch && b.Vote == s.Self && s.SelfLocked && ask.Candidate < s.Self:
		b.cast(now, ask.Epoch, ask.Candidate, false)
		return Cast
	case ask.Epoch <= b.Epoch:`},
	}},
	{name: "reply early", rule: "I-2|I-10", edits: []edit{
		{"sentinel/detect_odown.go", "\t\tc.emit(answer)", "\t\tc.emitNow(answer)"},
	}},
	{name: "forget leader epoch", rule: "I-2|I-4", edits: []edit{
		{"sentinel/masters.go", "quorum.Restore(c.now.Mono, quorum.Epoch(f.LeaderEpoch), f.LeaderEpoch > f.ConfigEpoch)", "quorum.Restore(c.now.Mono, quorum.Epoch(f.ConfigEpoch), false)"},
	}},
	{name: "REMOVE and MONITOR forget the leader epoch", transcript: "remove-monitor-votes.txt", shows: `BROKEN .* I-2: .*`, edits: []edit{
		{"sentinel/masters.go", "quorum.Restore(c.now.Mono, c.epoch, false)", "quorum.Restore(c.now.Mono, 0, false)"},
	}},
	{name: "count early", rule: "I-3", edits: []edit{
		{"sentinel/elect.go", "return m.failover.voteSeq <= c.durableSeq", "return true"},
	}},
	{name: "hello early", rule: "I-4|I-10", edits: []edit{
		{"sentinel/peer_hello.go", "c.sendGated(cn, pending{is: sendHello", "c.sendNow(cn, pending{is: sendHello"},
	}},
	{name: "force without asking", rule: "I-5", edits: []edit{
		{"sentinel/failover_manual.go", "case !silent || age >= c.forceAfter(m):", "case true || silent:"},
	}},
	{name: "no odown", rule: "I-6", edits: []edit{
		{"sentinel/detect_odown.go", "odown := quorum.Agreed(m.sdown, agree, m.quorum)", "odown := m.sdown"},
	}},
	{name: "trust +OK", transcript: "liar.txt", shows: `BROKEN .* I-7: .*`, edits: []edit{
		{"sentinel/failover_order.go", `	if refused == "" {`, `	if r := i.replica; refused == "" && r != nil {
		r.role = replication.Master
		c.considerPromotion(i.of, r, c.now.Mono)
	}
	if refused == "" {`},
	}},
	{name: "an instance that refuses the transaction is left as it is", rule: "I-11", first: 11, edits: []edit{
		{"sentinel/failover_order.go", "case to.Same(m.current()) && !i.addr.Same(to) && i.link.cmd.state != connClosed:", "case false:"},
	}},
	{name: "the switch waits for who cannot link", transcript: "straggler.txt", shows: `no \+switch-master within|s1 \+5\d\.\d+s \+switch-master`, edits: []edit{
		{"sentinel/failover_repoint.go", "return min(reconfWait, m.failoverTimeout)", "return m.failoverTimeout"},
	}},
	{name: "what a switch has left is forgotten", transcript: "straggler.txt", shows: `(?s)10.0.0.4:6379 slave of 10.0.0.1:6379 \(down\)`, edits: []edit{
		{"sentinel/failover_repoint.go", "r.left, r.reconf, r.sentAt = true, was.reconf, was.sentAt", "r.left = false"},
		{"sentinel/info.go", "if c.now.Mono < c.fixTime(m, r) ||", "if true ||"},
	}},
	{name: "a node of a cluster is ordered about", transcript: "cluster-node.txt", shows: `BROKEN .* E-83: .*`, edits: []edit{
		{"sentinel/failover.go", "if !r.isNode() {", "if true {"},
		{"sentinel/failover_order.go", "invariant.That(!i.isNode(),", "invariant.That(true,"},
	}},
	{name: "one node among its replicas makes a master a cluster's", transcript: "stray-node.txt", shows: `switch-master m1 10.0.0.1 6379 10.0.0.3 6379`, edits: []edit{
		{"sentinel/failover_cluster.go", "if m.infoAt != never {", "if m.isNode() {"},
		{"sentinel/failover_cluster.go", "if r.infoAt != never && !r.isNode() {", "if false {"},
	}},
	{name: "somebody else's node is a candidate", transcript: "stray-node.txt", shows: `switch-master m1 10.0.0.1 6379 10.0.0.3 6379`, edits: []edit{
		{"replication/rank.go", "case c.Node:", "case false:"},
	}},
	{name: "an INFO that was refused is asked for a period later", transcript: "busy-old-master.txt", shows: `10.0.0.1:6379 master`, edits: []edit{
		{"sentinel/detect_sdown.go", "\t\tc.askAnew(i)\n\t\tc.eventNow(", "\t\tc.eventNow("},
		{"sentinel/detect_sdown.go", "if pong && l.unwell {", "if false {"},
		{"sentinel/info.go", "if i.infoError || i.infoAt == never {", "if false {"},
	}},
	{name: "a promotion is judged by the reply", transcript: "no-multi.txt", shows: `given up: it answered ERR EXEC`, edits: []edit{
		{"sentinel/failover_order.go", "	if p.order.alone {\n", `	if refused := refusal(v); refused != "" && p.order.promotes() {
		c.tryNext(i.of, "it answered "+refused)
		return
	}
	if p.order.alone {
`},
	}},
	{name: "no lease", transcript: "leader-cut-off.txt", shows: ` [1-9] begun after a later leader`, edits: []edit{
		{"sentinel/failover.go", "if c.freshVotes(m) >= m.need() {", "if true {"},
	}},
	{name: "bind shorter than lease", transcript: "leader-cut-briefly.txt", shows: ` [1-9] begun after a later leader`, edits: []edit{
		{"quorum/timing.go", "return min(leaseBase, t.Election()/4) + 2*r", "return 2 * r"},
	}},
	{name: "drop E-54 (a)", transcript: "promotion-unseen.txt", shows: ` [1-9] outages with a second one`, edits: []edit{
		{"sentinel/failover_select.go", "case m.failover.state >= stateSelectSlave && c.mayHaveBeenPromoted(m):", "case false:"},
	}},
	{name: "announce a tried replica", transcript: "chosen-hangs.txt", shows: `BROKEN .* I-(7|9): .*`, edits: []edit{
		{"sentinel/failover.go", "r.promoted, r.tried = false, f.sentOne", `r.promoted, r.tried = false, f.sentOne
	c.event(LevelWarning, "+promoted-slave", &r.instance, "")`},
	}},
	{name: "silence is loss", transcript: "slow-disk.txt", shows: `s1 \S+ -failover-abort-not-elected`, edits: []edit{
		{"quorum/tally.go", "if !contended {", "if false {"},
	}},
	{name: "no renew", transcript: "leader-slow-disk.txt", shows: otherStands, edits: []edit{
		{"sentinel/detect_odown.go", "next := p.askedAt + m.timing(c).Renew()", "next := p.askedAt + time.Hour"},
	}},
	{name: "a promotion that is kept secret is not defended", transcript: "leader-slow-disk.txt", shows: otherStands, edits: []edit{
		{"sentinel/detect_odown.go", "case c.promotionUnpublished(m) && !c.disk.sick:\n\t\treturn max", "case false:\n\t\treturn max"},
	}},
	{name: "no ear for what waits behind a vote", transcript: "mass-slow-disk.txt", shows: `s\d \S+ -failover-abort-not-elected`, edits: []edit{
		{"sentinel/elect.go", "if p.link.voteReplyGate > c.durableSeq {", "if false {"},
	}},
	{name: "epoch test of E-21", transcript: "mass-twelve.txt", shows: `s\d \S+ -failover-abort-not-elected`, edits: []edit{
		{"sentinel/elect_vote.go", "m.ballot.Answer(c.now.Mono, ask, c.standing(m)) {", `m.ballot.Answer(c.now.Mono, ask, func() quorum.Standing {
		s := c.standing(m)
		if epoch < c.epoch {
			s.Config = max(s.Config, epoch)
		}
		return s
	}()) {`},
	}},
	{name: "bind without limit", transcript: "endless-candidate.txt", shows: `BROKEN .* I-12: .*|no \+switch-master within 8s`, edits: []edit{
		{"quorum/ballot.go", "return min(b.heardAt+s.Lock, b.since+s.Timing.Limit())", "return b.heardAt + s.Lock"},
	}},
	{name: "an original binds anew in each epoch", transcript: "original-robs.txt", shows: `s3 \S+ \+vote-for-leader <s1> 9`, edits: []edit{
		{"quorum/ballot.go", "if !same {", "if same || !same {"},
	}},
	{name: "force while others are silent", transcript: "manual-refused.txt", shows: `forced in epoch 1: 1 of 3 votes`, edits: []edit{
		{"sentinel/failover_manual.go", "case !silent || age", "case !silent || outcome == quorum.Lost || age"},
		{"sentinel/failover_manual.go", "countManual(m *master) {", "countManual(m *master, outcome quorum.Outcome) {"},
		{"sentinel/elect.go", "c.countManual(m)", "c.countManual(m, outcome)"},
	}},

	{name: "no bind while a vote is written", transcript: "voters-slow-disk.txt", shows: `s\d \S+ -failover-abort-not-elected`, edits: []edit{
		{"quorum/ballot.go", "if b.writing {\n\t\treturn", "if false {\n\t\treturn"},
	}},
	{name: "the worst replica", rule: "B-711", edits: []edit{
		{"replication/rank.go", "Better(c, cs[best])", "Better(cs[best], c)"},
	}},
	{name: "a replica of another data set", rule: "B-711", edits: []edit{
		{"replication/rank.go", "if a.Foreign != b.Foreign {", "if false {"},
	}},
	{name: "a replica that never synchronised", transcript: "never-synchronised.txt", shows: `s1 \S+ \+selected-slave`, edits: []edit{
		{"replication/rank.go", "case c.Unsynced && !l.ByHand:", "case false:"},
	}},
	{name: "a replica that never synchronised, in a random world", rule: "B-711", first: 1, edits: []edit{
		{"replication/rank.go", "case c.Unsynced && !l.ByHand:", "case false:"},
	}},
	{name: "a configuration that is newer than the current epoch", test: "TestConfigurationByHello", edits: []edit{
		{"sentinel/peer_hello.go", "c.adoptEpoch(h.masterConfig, m)", "_ = 0"},
	}},
	{name: "votes that come too late", test: "TestVotesThatComeTooLate", edits: []edit{
		{"sentinel/elect.go", " && (!over || !f.kind.hasTimeLimit()) {", " {"},
	}},
	{name: "an opinion asked for in the moment of a switch", test: "TestAnOpinionIsOfTheAddressAskedAbout", edits: []edit{
		{"sentinel/detect_odown.go", "sent.turn != m.switched.count", "sent.at < m.switched.at"},
	}},
	{name: "nothing is learnt of the data set in an outage", test: "TestTheDataSetIsLearntInTheOutage", edits: []edit{
		{"sentinel/info.go", "if m.sdown || m.failover.state != stateNone {", "if false {"},
	}},
	{name: "a forced failover goes on after a vote for another", transcript: "forced-voted-since.txt", shows: `\+switch-master`, edits: []edit{
		{"sentinel/failover.go", "m.ballot.Epoch != f.epoch || m.ballot.Vote != c.self()", "!f.forced && (m.ballot.Epoch != f.epoch || m.ballot.Vote != c.self())"},
	}},
	{name: "a vote without a name holds nothing back", transcript: "voter-restarts.txt", shows: `< s2: SLAVEOF 10.0.0.1 6379`, edits: []edit{
		{"sentinel/info.go", "if m.ballot.Unfinished(m.configEpoch) || !c.confirmed(m)", `if m.ballot.Unfinished(m.configEpoch) && m.ballot.Vote != "" || !c.confirmed(m)`},
	}},
	{name: "forced for having waited in TILT", transcript: "manual-in-tilt.txt", shows: `BROKEN .* I-5: .*`, edits: []edit{
		{"sentinel/detect_tilt.go", "f.startedAt = c.now.Mono", ""},
	}},
	{name: "votes from before a failed probe stand", rule: "E-45", first: 1013050, edits: []edit{
		{"sentinel/durable_written.go", "\t\tc.withdrawUnwrittenVotes()\n", ""},
	}},
	{name: "the wait ends without asking", rule: "E-18", fresh: true, edits: []edit{
		{"sentinel/peer_discovery.go", "if !p.toldList() {", "if false {"},
	}},
	{name: "a peer that has not answered counts", rule: "E-18", fresh: true, edits: []edit{
		{"sentinel/peer_discovery.go", "if !p.toldList() {", "if !p.connected() {"},
	}},
	{name: "who is named and unknown does not matter", rule: "E-18", fresh: true, edits: []edit{
		{"sentinel/peer_discovery.go", "if !n.down && !ids[n.runID] {", "if false {"},
	}},
	{name: "a lone Sentinel does not wait", rule: "E-18", fresh: true, edits: []edit{
		{"sentinel/peer_discovery.go", "case known == 1:", "case known == 0:"},
	}},
	{name: "a master that has recovered is failed over", transcript: "hang-short.txt", shows: `BROKEN .* E-34: .*`, edits: []edit{
		{"sentinel/failover.go", "if c.recovered(m) {", "if false {"},
	}},
	{name: "nobody waits for who has tried in vain", transcript: "no-replica.txt", shows: `(?m)^([4-9]|\d\d+) elected`, edits: []edit{
		{"sentinel/elect.go", "t0 = max(t0, c.hopeless(m))", ""},
	}},
	{name: "show early", rule: "I-10", edits: []edit{
		{"sentinel/emit.go", "c.emit(c.shown(m))", "c.emitNow(c.shown(m))"},
	}},
	{name: "its own configuration is shown early", rule: "I-10", edits: []edit{
		{"sentinel/failover.go", "\tc.show(m)\n", "\tc.showHeard(m)\n"},
	}},
	{name: "its own switch is told early", rule: "I-10", edits: []edit{
		{"sentinel/failover_repoint.go", "c.saySwitch(m, c.text(m.addr), c.text(to))", "c.saySwitchHeard(m, c.text(to))"},
	}},
	{name: "voters are kept though the disk is sick", rule: "I-14", edits: []edit{
		{"sentinel/detect_odown.go", "if m.failover.wantsVotes() && !c.disk.sick {", "if m.failover.wantsVotes() {"},
		{"sentinel/detect_odown.go", `"*", m.failover.wantsVotes() && !c.disk.sick`, `"*", m.failover.wantsVotes()`},
	}},
	{name: "a sick disk is kept from the peers", rule: "I-14", edits: []edit{
		{"sentinel/durable_sick.go", "Silent: !d.failing", "Silent: false"},
	}},
	{name: "a hello's word is taken for who answers", rule: "I-13", edits: []edit{
		{"sentinel/peer_identity.go", "		return proofGiven\n	}\n	return proofRefuted", "		return proofGiven\n	}\n	return proofGiven"},
	}},
	{name: "a peer that is somebody else is no voter any more", transcript: "hello-forged.txt", shows: `BROKEN .* I-13: .*`, edits: []edit{
		{"sentinel/peer_identity.go", "return p.link.proof != proofRefuted || p.vouched", "return p.link.proof != proofRefuted"},
	}},
	{name: "whoever was moved counts as left behind", transcript: "fix-slave-config.txt", shows: `s1 \+3\d\.\d+s \+fix-slave-config`, edits: []edit{
		{"sentinel/failover_stray.go", "if r.joinedAt != never {\n\t\treturn false", "if r.joinedAt != never {\n\t\treturn true"},
	}},
	{name: "a replica is torn between two masters", transcript: "replica-moved.txt", shows: `s1 \+93\.\d+s \+fix-slave-config`, edits: []edit{
		{"sentinel/failover_stray.go", "k < r.departures", "k < 1"},
	}},
	{name: "a replica is promoted though the master only has another name", transcript: "master-is-replica.txt", shows: `\+selected-slave`, edits: []edit{
		{"sentinel/failover.go", "case !c.adoptItsMaster(m):", "case true:"},
	}},
	{name: "whoever the master follows takes its place", transcript: "master-is-replica.txt", shows: `s1 \+1[45]\S+ \+elected-leader.*\ns1 \S+ \+switch-master`, edits: []edit{
		{"sentinel/failover_misplaced.go", "case info == nil || info.Role != replication.Master || info.RunID == m.runID:", "case info == nil:"},
	}},
	{name: "time asleep is not counted", rule: "I-16", first: 801045, edits: []edit{
		{"sentinel/core.go", "\t\tc.slept(in.For)\n", ""},
		{"sentinel/core.go", "case Slept:", "case Slept: _ = in"},
		{"sentinel/detect_sleep.go", "\t\tc.age(jump)\n", ""},
	}},
	{name: "what was asked before a sleep is as old as its answer", rule: "I-16", first: 600002661, edits: []edit{
		{"sentinel/detect_sleep.go", "if asked[k].is != sendPing {", "if false {"},
	}},
	{name: "a refused SLAVEOF is repeated after a vote", test: "TestNoSlaveOfAloneAfterAVote", edits: []edit{
		{"sentinel/failover_order.go", "i.replica != nil && c.choosable(m, i.replica):", "false:"},
	}},
	{name: "nobody is re-pointed", rule: "I-11", edits: []edit{
		{"sentinel/failover_repoint.go", `c.sendFollow(m, r, "+slave-reconf-sent")`, ""},
		{"sentinel/info.go", "if c.now.Mono < c.fixTime(m, r) ||", "if true ||"},
	}},
}
