package sentinel

import "gosentinel/replication"

// snapshotReplIDs remembers, at our SDOWN of m, which replicas are known to have
// followed it until then, and what is known of its data set.
//
// Rule: E-54 (b), ADR 0004.
func (c *Core) snapshotReplIDs(m *master) {
	m.lastReplID, m.dataSet = m.info.ReplID, nil
	for _, r := range m.replicas {
		r.lastReplID = ""
		m.noteHistory(&r.instance)
		// Taken now, since later INFO may be of the time after somebody's promotion.
		r.wasOurs = r.infoAt != never && r.role == replication.Replica && r.followsAddr(m.addr)
		r.wasSeen = r.infoAt != never
	}
}

// noteHistory takes the replication id that i reports for one of m's data set,
// in place of the one it reported before, if i is m itself, as a master, or a
// replica that has been linked to it.
//
// Rule: ADR 0004.
func (m *master) noteHistory(i *instance) {
	in := &i.info
	switch r := i.replica; {
	case in.ReplID == "" || in.ReplID == i.lastReplID:
	case r == nil && i.role != replication.Master:
	// One that was never linked tells an id of its own making.
	case r != nil && (in.LinkDown < 0 || r.role != replication.Replica || !r.followsAddr(m.addr)):
	default:
		i.lastReplID, m.dataSet = in.ReplID, nil
	}
}

// inDataSet reports whether id belongs to m's data set, as far as is known.
func (m *master) inDataSet(id string) bool {
	if m.dataSet == nil {
		m.dataSet = map[string]bool{m.lastReplID: true}
		for _, r := range m.replicas {
			m.dataSet[r.lastReplID] = true
		}
		// Who has told no id yet must not make kin of all who tell none.
		delete(m.dataSet, "")
	}
	return m.dataSet[id]
}

// hasForeignReplID reports whether r holds another data set than m: its replication id
// is none that belongs to m's. What is not known is not foreign.
func (m *master) hasForeignReplID(r *replica) bool {
	return r.info.ReplID != "" && !m.inDataSet(r.info.ReplID) && !m.inDataSet(r.info.ReplID2) && len(m.dataSet) > 0
}

// unsynced reports whether r has never had anything of m's data, as far as is
// known: no link to a master since its start or since it was told to follow
// another, none of the replication ids of m's data set or that it grew from, no
// keys. One that has keys may have them from a file whose ids are lost; one that
// was re-pointed has the id that m had before its promotion; and while no id of
// m's is known, who has an offset has followed somebody.
//
// Rule: ADR 0004.
func (m *master) unsynced(r *replica) bool {
	in := &r.info
	linked := in.Role == replication.Replica && in.LinkDown >= 0
	if linked || !in.Empty || in.ReplID == "" || m.inDataSet(in.ReplID) || m.inDataSet(in.ReplID2) || m.grewFrom(in.ReplID) {
		return false
	}
	return len(m.dataSet) > 0 || r.masterOffset() <= 1 // a replica counts from 1
}

// grewFrom reports whether m, or a replica of it, had the replication id before
// its own.
func (m *master) grewFrom(id string) bool {
	if m.info.ReplID2 == id {
		return true
	}
	for _, r := range m.replicas {
		if r.lastReplID != "" && r.info.ReplID2 == id {
			return true
		}
	}
	return false
}

// mayHaveBeenPromoted reports whether somebody may have promoted a replica of
// m in this outage without announcing it: another was voted for, or we tried.
//
// Rule: E-54 (d).
func (c *Core) mayHaveBeenPromoted(m *master) bool {
	if m.election.votedForOther {
		return true
	}
	for _, r := range m.replicas {
		if r.unconfirmedPromotion {
			return true
		}
	}
	return false
}

// promotedByDeadLeader is the replica that a dead leader of this outage has promoted, nil
// if there is none: it may serve writes already, and any other choice would
// make a second history. Of several it is the one with the highest offset.
//
// Rule: E-51, E-54, W-8, W-19.
func (c *Core) promotedByDeadLeader(m *master) *replica {
	if !m.sdown || m.failover.state < stateSelectSlave || !c.mayHaveBeenPromoted(m) {
		return nil
	}
	var best *replica
	for _, r := range m.replicas {
		if c.promotedByAnother(m, r) && (best == nil || r.masterOffset() > best.masterOffset()) {
			best = r
		}
	}
	return best
}

func (c *Core) promotedByAnother(m *master, r *replica) bool {
	// The second half is for a Sentinel that knew nothing of r before the SDOWN: a promoted replica
	// goes on under a new id, and keeps that of its old master as the second.
	pedigree := r.wasOurs || !r.wasSeen && m.inDataSet(r.info.ReplID2)
	return r.role == replication.Master && !r.isNode() && r.infoAt > m.failover.electedAt && // (a)
		pedigree && // (b)
		r.roleSince > m.sdownSince && // (c)
		(m.election.votedForOther || r.unconfirmedPromotion) && // (d)
		r.info.Priority != 0 && !r.sdown && r.connected() && !r.tried // (e)
}

// masterOffset is the offset of an instance that reports to be a master, or may
// have been one.
func (i *instance) masterOffset() int64 { return max(i.info.MasterOffset, i.info.Offset) }
