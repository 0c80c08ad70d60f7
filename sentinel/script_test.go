package sentinel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
)

// scripted is a rig whose master has a notification script, with n events told.
func scripted(t *testing.T, n int) (*rig, []Effect) {
	t.Helper()
	r := newRig(t, watched("mm", "10.0.0.1", 6379, 2))
	r.c.byName["mm"].notifyScript = "/n"
	for i := range n {
		r.c.say(LevelWarning, "+odown", fmt.Sprint(i), r.c.byName["mm"])
	}
	return r, r.step(Tick{})
}

func runs(es []Effect) (jobs []RunScript) {
	for _, e := range es {
		if a, ok := e.Action.(RunScript); ok {
			jobs = append(jobs, a)
		}
	}
	return jobs
}

// Rule: B-920, B-901.
func TestNotificationScript(t *testing.T) {
	r, es := scripted(t, 0)
	require.Empty(t, runs(es))
	r.c.event(LevelWarning, "+odown", &r.c.byName["mm"].instance, " #quorum 1/1")
	r.c.event(LevelNotice, "+slave", &r.c.byName["mm"].instance, "")
	require.Equal(t, []RunScript{{Job: 1, Argv: []string{"/n", "+odown", "master mm 10.0.0.1 6379 #quorum 1/1"}}}, runs(r.step(Tick{})),
		"at once, for warnings only")
}

// Rule: B-924.
func TestScriptEnds(t *testing.T) {
	for _, tc := range []struct {
		name         string
		code, signal int
		again        bool
		told         string
	}{
		{"well", 0, 0, false, ""},
		{"code 1", 1, 0, true, ""},
		{"code 2", 2, 0, false, "# -script-error /n 0 2"},
		{"code 255", 255, 0, false, "# -script-error /n 0 255"},
		{"killed", 0, 9, true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, es := scripted(t, 1)
			job := runs(es)[0].Job
			require.Equal(t, []string{". +script-child 77"}, told(r.step(ScriptUp{Job: job, PID: 77})))
			want := []string{fmt.Sprintf(". -script-child 77 %d %d", tc.code, tc.signal)}
			if tc.told != "" {
				want = append(want, tc.told)
			}
			require.Equal(t, want, told(r.step(ScriptDone{Job: job, Code: tc.code, Signal: tc.signal})))
			require.Equal(t, tc.again, len(r.c.scripts.queue) == 1)
			require.Zero(t, r.c.scripts.running)
			require.Empty(t, told(r.step(ScriptDone{Job: job, Code: 1})), "it has ended already")
		})
	}
}

// Rule: B-924, a path that cannot be executed is as an exit with 2.
func TestScriptThatCannotStart(t *testing.T) {
	r, es := scripted(t, 1)
	require.Equal(t, []string{"# -script-error /n 0 2"}, told(r.step(ScriptUp{Job: runs(es)[0].Job})))
	require.Empty(t, r.c.scripts.queue)
}

// Rule: B-924.
func TestScriptRetries(t *testing.T) {
	r, es := scripted(t, 1)
	r.c.byName["mm"].notifyScript = "" // what the clock brings is not told
	var delays []time.Duration
	for {
		job := runs(es)[0].Job
		r.step(ScriptUp{Job: job, PID: 5})
		lines := told(r.step(ScriptDone{Job: job, Signal: 15}))
		if len(r.c.scripts.queue) == 0 {
			require.Equal(t, "# -script-error /n 15 0", lines[1])
			break
		}
		from := r.now.Mono
		next := r.c.scripts.queue[0].next
		r.now.Mono = next - 1
		require.Empty(t, runs(r.step(Tick{})))
		r.now.Mono = next
		es = r.step(Tick{})
		delays = append(delays, r.now.Mono-from)
	}
	want := []time.Duration{}
	for d := 30 * time.Second; len(want) < 9; d *= 2 {
		want = append(want, d)
	}
	require.Equal(t, want, delays, "ten attempts in all")
}

// Rule: B-925.
func TestScriptTimeout(t *testing.T) {
	r, es := scripted(t, 1)
	require.Equal(t, "+OK", r.line("sentinel", "debug", "script-max-runtime", "100", "tilt-trigger", "100000000"))
	r.now.Mono += time.Hour // the clock begins when it has really started
	require.Empty(t, killed(r.step(Tick{})))
	r.step(ScriptUp{Job: runs(es)[0].Job, PID: 77})
	r.now.Mono += 100 * time.Millisecond
	require.Empty(t, killed(r.step(Tick{})))
	r.now.Mono++
	require.Equal(t, []string{"# -script-timeout /n 77", "kill 1"}, killed(r.step(Tick{})))
	r.now.Mono += time.Second
	require.Empty(t, killed(r.step(Tick{})), "once is enough")
	r.step(ScriptDone{Job: 1, Signal: 9})
	require.False(t, r.c.scripts.queue[0].running, "it is tried again")
}

func killed(es []Effect) (out []string) {
	for _, line := range told(es) {
		if strings.HasPrefix(line, "kill") || strings.Contains(line, "-script-timeout") {
			out = append(out, line)
		}
	}
	return out
}

// Rule: B-923.
func TestScriptQueueIsBounded(t *testing.T) {
	r, es := scripted(t, 0)
	require.Empty(t, runs(es))
	m := r.c.byName["mm"]
	for i := range 20 {
		r.c.say(LevelWarning, "+odown", fmt.Sprint(i), m)
	}
	jobs := runs(r.step(Tick{}))
	require.Len(t, jobs, 16, "so many run at once")
	require.Equal(t, "0", jobs[0].Argv[2])
	for i := 20; i < 300; i++ {
		r.c.say(LevelWarning, "+odown", fmt.Sprint(i), m)
	}
	require.Empty(t, runs(r.step(Tick{})))
	require.Len(t, r.c.scripts.queue, 256)
	require.Contains(t, r.c.infoText(), "sentinel_running_scripts:16\r\nsentinel_scripts_queue_length:256\r\n")
	r.step(ScriptUp{Job: jobs[3].Job, PID: 1})
	next := runs(r.step(ScriptDone{Job: jobs[3].Job}))
	require.Len(t, next, 1)
	require.Equal(t, "60", next[0].Argv[2], "16 to 59 were the oldest that did not run")
}

// Rule: E-40, a script tells of what is on disk.
func TestScriptWaitsForTheWrite(t *testing.T) {
	r, _ := scripted(t, 0)
	es := r.do("sentinel", "set", "mm", "quorum", "3")
	require.Equal(t, Seq(1), es[len(es)-1].After)
	require.IsType(t, RunScript{}, es[len(es)-1].Action)
}

// Rule: K-2.14.
func TestPendingScripts(t *testing.T) {
	r, es := scripted(t, 2)
	r.step(ScriptUp{Job: runs(es)[0].Job, PID: 77})
	r.step(ScriptUp{Job: runs(es)[1].Job, PID: 78})
	r.step(ScriptDone{Job: runs(es)[1].Job, Code: 1})
	r.now.Mono += 1500 * time.Millisecond
	list := r.ask("sentinel", "pending-scripts")
	require.Len(t, list.Elems, 2)
	require.Equal(t, resp.Pairs(
		resp.Str("argv"), resp.List(resp.Str("/n"), resp.Str("+odown"), resp.Str("0")),
		resp.Str("flags"), resp.Str("running"), resp.Str("pid"), resp.Str("77"),
		resp.Str("run-time"), resp.Str("1500"), resp.Str("retry-num"), resp.Str("1")), list.Elems[0])
	require.Equal(t, resp.Pairs(
		resp.Str("argv"), resp.List(resp.Str("/n"), resp.Str("+odown"), resp.Str("1")),
		resp.Str("flags"), resp.Str("scheduled"), resp.Str("pid"), resp.Str("0"),
		resp.Str("run-delay"), resp.Str("28500"), resp.Str("retry-num"), resp.Str("1")), list.Elems[1])
}
