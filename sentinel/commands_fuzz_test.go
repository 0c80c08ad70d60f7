package sentinel

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Any request, however malformed, gets exactly one answer, by MONITOR's
// deadline at the latest, and breaks nothing.
func FuzzRequest(f *testing.F) {
	for _, s := range subcommands {
		for _, tail := range []string{"", " mm", " mm x", " mm 10.0.0.1 6379 2", " 10.0.0.1 6379 3 abc", " set announce-port 1", " mm quorum 2 auth-pass"} {
			f.Add([]byte("sentinel " + s.name + tail))
		}
	}
	f.Add([]byte(""))
	f.Add([]byte("info everything"))
	f.Add([]byte("role"))
	f.Add([]byte("publish __sentinel__:hello 10.0.0.3,26379," + testID + ",0,mm,10.0.0.1,6379,0"))
	f.Add([]byte("sentinel monitor m3 host.example 1 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		st := around(watched("mm", "10.0.0.1", 6379, 2), 1, 1)
		st.ResolveHostnames, st.DenyScriptsReconfig = true, false
		r := newRig(t, st)
		in := Request{ID: 1}
		if len(text) > 0 {
			in.Args = bytes.Split(text, []byte(" "))
		}
		ScriptPaths(in.Args)
		es := r.step(in)
		es = append(es, r.wait(3*time.Second)...)
		answers := 0
		for _, e := range es {
			if a, ok := e.Action.(Respond); ok && a.ID == 1 {
				answers++
				require.NotEmpty(t, wire(a.Value))
			}
		}
		require.Equal(t, 1, answers)
		saved, _ := r.c.Durable()
		_, err := New(Stamp{}, saved, 1)
		require.NoError(t, err, "what is saved loads")
	})
}
