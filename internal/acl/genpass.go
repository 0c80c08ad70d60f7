package acl

import "encoding/hex"

// Bits of ACL GENPASS.
const (
	DefaultGenPassBits = 256
	MaxGenPassBits     = 4096
)

// GenPassRangeText is the error, without its dash, of a number of bits that is
// not from 1 to MaxGenPassBits.
//
// Rule: K-6.4.
const GenPassRangeText = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"

// GenPassBytes is how many random bytes GenPass needs.
func GenPassBytes(bits int) int { return (bits + 7) / 8 }

// GenPass gives ceil(bits/4) hex digits, made of random: at least GenPassBytes
// of a cryptographic source. bits is from 1 to MaxGenPassBits.
//
// Rule: K-6.4.
func GenPass(bits int, random []byte) string {
	return hex.EncodeToString(random)[:(bits+3)/4]
}
