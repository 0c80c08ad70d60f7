package conf

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The names that nobody may lose, as they stand in files of all versions: those
// of 7.0 by number, those of later versions by name.
//
// Rule: C-64, C-66, C-85, 4.2, 4.7.
func TestEveryDirectiveIsAccepted(t *testing.T) {
	require.Len(t, slices.Concat(tableAToH, tableIToZ), 178)
	var later []string
	for _, d := range tableLater {
		later = append(later, d.name)
	}
	require.ElementsMatch(t, strings.Fields(`cluster-announce-human-nodename locale-collate cluster-ping-interval
		set-max-listpack-entries set-max-listpack-value hide-user-data-from-log max-new-connections-per-cycle
		max-new-tls-connections-per-cycle gopher-enabled dual-channel-replication-enabled extended-redis-compatibility
		cluster-slot-stats-enabled enable-debug-assert unixsocketgroup cluster-announce-client-ipv4
		cluster-announce-client-ipv6 debug-context availability-zone events-per-io-thread prefetch-batch-max-size
		cluster-blacklist-ttl log-format log-timestamp-format`), later)
	for i := range table {
		d := &table[i]
		for _, name := range append([]string{d.name, strings.ToUpper(d.name)}, d.aliases...) {
			t.Run(name, func(t *testing.T) { requireKept(t, d, name) })
		}
	}
}

// requireKept checks that a line that sets d, under one of its names, to its
// default or to any text loads, and that a rewrite keeps it under d's own name.
func requireKept(t *testing.T, d *directive, name string) {
	words := map[kind]string{kindText: "x", kindDir: "/srv/s1", kindOutputLimits: "normal 0 0 0",
		kindReplicaOf: "10.0.0.1 6379", kindBind: "127.0.0.1", kindSave: "900 1", kindNotify: "KEA"}[d.kind]
	if words == "" {
		words = strings.Join(d.def, " ")
	}
	if words == "" {
		words = `""`
	}
	line := name + " " + words
	cfg, err := load(line + "\n")
	require.NoError(t, err, line)
	got := string(Rewrite([]byte(line+"\n"), cfg.Values, nil, cfg.State))
	if d.kind == kindSave {
		require.NotContains(t, "\n"+got, "\nsave ")
		return
	}
	require.Truef(t, strings.HasPrefix(got, d.name+" ") || strings.HasPrefix(got, line+"\n"), "%s became\n%s", line, got)
}
