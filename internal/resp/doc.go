// Package resp is the Redis serialization protocol: the value model, a bounded
// decoder for replies, an encoder for RESP2 and RESP3, and the framing of
// requests with the limits and error texts of commands.md section 8. Pure.
package resp
