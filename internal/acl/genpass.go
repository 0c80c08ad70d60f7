package acl

// GenPassMaxBits is the most that ACL GENPASS gives; DefaultGenPassBits is what it gives unasked.
const (
	GenPassMaxBits     = 4096
	DefaultGenPassBits = 256
)

// GenPassRangeText is the error, without its dash, of a number of bits out of
// range.
const GenPassRangeText = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"

// GenPass gives ceil(bits/4) hex digits, made of random, which must hold at
// least (bits+7)/8 bytes of a cryptographic source.
//
// Rule: K-6.4.
func GenPass(bits int, random []byte) string { return "" }
