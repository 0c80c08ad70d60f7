package clients

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/integration/fixture"
	"gosentinel/internal/testbed"
)

// Debian's exporter shows of a Sentinel what it shows of the original: the same
// metrics, and those of the monitored master as they change when a replica and
// a peer fail, and when the master is replaced.
//
// Rule: K-3, K-2.6.
func TestPrometheusExporter(t *testing.T) {
	t.Parallel()
	exporter := program(t, "prometheus-redis-exporter")
	bed := fixture.Bed(t)
	c := fixture.Cluster(t, bed, testbed.ClusterOptions{})
	export := func(name, addr string) string {
		at := "127.0.0.1:" + strconv.Itoa(bed.Port())
		start(t, bed, name, exporter, "-redis.addr", "redis://"+addr, "-web.listen-address", at)
		return "http://" + at + "/metrics"
	}
	ours := export("exporter", c.Sentinels[0].Addr())
	shows := func(master *testbed.Redis, replicasUp, sentinelsUp int) {
		t.Helper()
		fixture.Until(t, 30*time.Second, func() error { return differ(expected(master.Addr(), replicasUp, sentinelsUp), ours) })
	}
	shows(c.Redis[0], 2, 3)
	t.Run("as of the original", func(t *testing.T) {
		fixture.NeedsOriginal(t)
		s, err := bed.Sentinel("original", testbed.SentinelOptions{Kind: testbed.Original, Lines: []string{
			fmt.Sprintf("sentinel monitor %s %s %d 1", c.Name, c.Redis[0].Host, c.Redis[0].Port),
		}})
		require.NoError(t, err)
		defer s.Kill()
		theirs := export("exporter2", s.Addr())
		var want []string
		fixture.Until(t, 30*time.Second, func() error { want, err = scrape(theirs, "redis_"); return err })
		got, err := scrape(ours, "redis_")
		require.NoError(t, err)
		require.Equal(t, names(want), names(got))
		for _, series := range []string{"redis_up 1", `redis_exporter_last_scrape_error{err=""} 0`} {
			require.Contains(t, got, series)
		}
		s.Kill()
		for _, s := range c.Sentinels { // they have met the original
			_, err := s.Do("SENTINEL", "RESET", c.Name)
			require.NoError(t, err)
		}
		require.NoError(t, c.Settle(30*time.Second))
	})

	c.Redis[2].Kill()
	c.Sentinels[2].Kill()
	shows(c.Redis[0], 1, 2)

	c.Redis[0].Kill()
	shows(c.Redis[1], 0, 2)
}

// expected are the exporter's series of a Sentinel that monitors mm with two
// replicas and three Sentinels.
func expected(addr string, replicasUp, sentinelsUp int) []string {
	master := fmt.Sprintf(`{master_address="%s",master_name="mm"`, addr)
	return []string{
		fmt.Sprintf(`redis_sentinel_master_ckquorum_status{master_name="mm",message="OK %d usable Sentinels. Quorum and failover authorization can be reached"} 1`, sentinelsUp),
		fmt.Sprintf("redis_sentinel_master_ok_sentinels%s} %d", master, sentinelsUp),
		fmt.Sprintf("redis_sentinel_master_ok_slaves%s} %d", master, replicasUp),
		"redis_sentinel_master_sentinels" + master + "} 3",
		"redis_sentinel_master_slaves" + master + "} 2",
		"redis_sentinel_master_status" + master + `,master_status="ok"} 1`,
		"redis_sentinel_masters 1",
		"redis_sentinel_running_scripts 0",
		"redis_sentinel_scripts_queue_length 0",
		"redis_sentinel_simulate_failure_flags 0",
		"redis_sentinel_tilt 0",
	}
}

// differ reports by nil that the series of a Sentinel are those wanted.
func differ(want []string, url string) error {
	got, err := scrape(url, "redis_sentinel_")
	if err == nil && !slices.Equal(want, got) {
		err = errors.New("the exporter shows\n" + strings.Join(got, "\n"))
	}
	return err
}

// scrape returns the sorted series that begin with prefix.
func scrape(url, prefix string) ([]string, error) {
	client := http.Client{Timeout: 30 * time.Second}
	reply, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	var series []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if strings.HasPrefix(line, prefix) {
			series = append(series, line)
		}
	}
	if len(series) == 0 {
		return nil, fmt.Errorf("no series %s* at %s", prefix, url)
	}
	slices.Sort(series)
	return series, nil
}

// names are the series without labels and values.
func names(series []string) []string {
	var all []string
	for _, s := range series {
		all = append(all, s[:strings.IndexAny(s, "{ ")])
	}
	return slices.Compact(all)
}
