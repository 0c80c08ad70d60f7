package command

import "strings"

// Categories is a set of ACL categories.
type Categories uint32

// The categories, in the order of ACL CAT. Sentinel's commands are in a few of
// them only; rules may name all.
//
// Rule: K-6.4.
const (
	CatKeyspace Categories = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

// CategoryNames lists all categories without `@`, in the order of ACL CAT.
func CategoryNames() []string {
	return strings.Fields("keyspace read write set sortedset list hash string bitmap hyperloglog geo stream " +
		"pubsub admin fast slow blocking dangerous connection transaction scripting")
}

// ParseCategory gives the category of a name without `@`, in any case.
func ParseCategory(name string) (Categories, bool) {
	name = strings.ToLower(name)
	for i, known := range CategoryNames() {
		if known == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Names lists the categories without `@` in the order of COMMAND, which is
// that of ACL CAT.
//
// Rule: K-1.5.
func (c Categories) Names() []string { return pick(uint32(c), CategoryNames()...) }
