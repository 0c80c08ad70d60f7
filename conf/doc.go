// Package conf reads and rewrites sentinel.conf: bytes in, bytes out.
//
// ParseArgs turns the command line into configuration text, Load reads all texts
// through a Host and gives a Config, Rewrite turns the file on disk and what is
// in memory into the next file. Nothing here touches the world but through Host.
//
// The line model is lossless: Rewrite replaces only lines whose directives the
// daemon manages, and keeps comments, order and unknown lines as the original
// does.
package conf
