package daemon

// Version is gosentinel's own version, shown by --version, the start-up lines
// and INFO's gosentinel_version.
//
// Rule: R-2.
const Version = "0.1.0"

// RedisVersion is the version whose surface the program has, and which it
// reports to everyone.
//
// Rule.
const RedisVersion = "7.2.4"
