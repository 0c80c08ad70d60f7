package trace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// A text takes its length the first time and three bytes later, until another
// takes its place.
func TestTextsThatRepeat(t *testing.T) {
	e, d := newEncoder(newWritten()), newDecoder(&seen{})
	write := func(s string) int {
		e.b = e.b[:0]
		e.text(s)
		d.open(e.b)
		require.Equal(t, s, d.text())
		require.NoError(t, d.err)
		require.False(t, d.more())
		return len(e.b)
	}
	hello := "10.0.0.1,26379," + strings.Repeat("a", 40) + ",0,m,10.0.0.2,6379,0"
	require.Greater(t, write(hello), len(hello))
	require.LessOrEqual(t, write(hello), 3)
	other := "other" + hello
	buffer := []byte(other)
	e.b = e.b[:0]
	e.bytes(buffer)
	d.open(e.b)
	require.Equal(t, other, d.text())
	clear(buffer)
	require.LessOrEqual(t, write(other), 3, "what is remembered is no buffer of others")
	for k := range 4 * textSlots {
		write(fmt.Sprint("text ", k))
	}
	require.Greater(t, write(hello), len(hello))
	e.written.forget()
	require.Greater(t, write(hello), len(hello))
	for _, s := range []string{"", "+OK", strings.Repeat("x", maxText+1)} {
		require.Greater(t, write(s), len(s))
		require.Greater(t, write(s), len(s), "too short or too long to be remembered")
	}
}

// info is a report of that many lines in which some numbers change.
func info(r *rand.Rand, lines int) string {
	var b strings.Builder
	for k := range lines {
		n := k * 1000
		if k%6 == 0 {
			n = r.IntN(1e6)
		}
		fmt.Fprintf(&b, "used_memory_of_%d:%d\r\n", k, n)
	}
	return b.String()
}

// A report comes back whatever the one before was, and takes little if that was
// nearly the same.
func TestReportsThatRepeat(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	e, d := newEncoder(newWritten()), newDecoder(&seen{})
	write := func(tag sentinel.Tag, text string) int {
		e.b = e.b[:0]
		in := sentinel.Answer{Tag: tag, Value: resp.Str(text)}
		e.input(in, nil)
		d.open(e.b)
		require.Equal(t, in, d.input(kindAnswer))
		require.NoError(t, d.err)
		require.False(t, d.more())
		return len(e.b)
	}
	const link, other = 5 << 20, (5 + reportSlots) << 20
	size := len(info(r, 150))
	require.Greater(t, write(link, info(r, 150)), size)
	require.Less(t, write(link+1, info(r, 150)), size/8)
	require.Greater(t, write(6<<20, info(r, 150)), size, "of another link")
	write(other, info(r, 140))
	require.Less(t, write(link, info(r, 150)), size/4, "another link has taken its place")
	for range 2000 { // anything at all
		text := info(r, 20+r.IntN(20))
		at := r.IntN(len(text))
		switch r.IntN(4) {
		case 0:
			text = text[at:] + text
		case 1:
			text = text[:at] + text[at+r.IntN(len(text)-at):]
		case 2:
			text = strings.ReplaceAll(text, "\n", "")
		}
		write(link, text)
	}
}

// A text that was never written cannot be read, nor a report made of what the
// one before does not have.
func TestTextsAreChecked(t *testing.T) {
	for name, write := range map[string]func(e *encoder){
		"no such place":    func(e *encoder) { e.uint(2*textSlots + 1) },
		"more than is old": func(e *encoder) { e.uint(3); e.uint(3) },
		"more than it is": func(e *encoder) {
			e.uint(3)
			e.uint(0)
			e.uint(0)
			e.b = appendString(e.b, "four")
		},
	} {
		e, d := newEncoder(nil), newDecoder(&seen{})
		write(e)
		d.open(e.b)
		if strings.HasPrefix(name, "no") {
			d.text()
		} else {
			d.report("ab")
		}
		require.Equal(t, errText, d.err, name)
	}
}

// Of a long reply a checksum is kept, which tells one from another.
func TestLongReplies(t *testing.T) {
	write := func(words *written, v resp.Value) []byte {
		e := newEncoder(words)
		e.effects([]sentinel.Effect{{Action: sentinel.Respond{ID: 1, Value: v}}}, nil)
		return e.b
	}
	long := func(last string) resp.Value {
		return resp.List(resp.Str(strings.Repeat("x", keptReply)), resp.Str(last))
	}
	require.Less(t, len(write(nil, long("aaaa"))), 20)
	require.NotEqual(t, write(nil, long("aaaa")), write(nil, long("aaab")))
	require.Equal(t, write(nil, long("aaaa")), write(newWritten(), long("aaaa")))
	d := newDecoder(&seen{})
	d.open(write(nil, long("aaaa")))
	got := d.effects(1)
	require.NoError(t, d.err)
	e := newEncoder(nil)
	e.effects(got, nil)
	require.Equal(t, write(nil, long("aaaa")), e.b)
	require.Contains(t, EffectText(got[0]), "a reply too long to be kept")
}
