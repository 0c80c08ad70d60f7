package trace

import (
	"fmt"
	"strings"

	"gosentinel/internal/resp"
	"gosentinel/sentinel"
)

// textMax is how many bytes of one text are shown.
const textMax = 600

// InputText is one line that tells an input.
func InputText(in sentinel.Input) string {
	switch v := in.(type) {
	case nil:
		return "Start"
	case sentinel.Tick:
		return "Tick"
	case sentinel.Answer:
		return fmt.Sprintf("Answer tag=%s %s", tagText(v.Tag), ValueText(v.Value))
	case sentinel.Hello:
		return fmt.Sprintf("Hello link=%d failed=%t %s", v.Link, v.Failed, quote(string(v.Payload)))
	case sentinel.Request:
		words := make([]string, len(v.Args))
		for i, a := range v.Args {
			words[i] = quote(string(a))
		}
		return fmt.Sprintf("Request id=%d client=%q %s", v.ID, v.Client, strings.Join(words, " "))
	}
	return fmt.Sprintf("%s %+v", strings.TrimPrefix(fmt.Sprintf("%T", in), "sentinel."), in)
}

// EffectText is one line that tells an effect.
func EffectText(e sentinel.Effect) string {
	text := ""
	switch a := e.Action.(type) {
	case sentinel.Emit:
		text = "Emit " + a.Event.Line()
	case *sentinel.Send:
		cmds := make([]string, len(a.Cmds))
		for i, c := range a.Cmds {
			cmds[i] = strings.Join(c, " ")
		}
		text = fmt.Sprintf("Send link=%d tag=%s %s", a.Link, tagText(a.Tag), strings.Join(cmds, "; "))
	case sentinel.Respond:
		text = fmt.Sprintf("Respond id=%d %s", a.ID, ValueText(a.Value))
	default:
		text = fmt.Sprintf("%s %+v", strings.TrimPrefix(fmt.Sprintf("%T", a), "sentinel."), a)
	}
	if e.After != 0 {
		text += fmt.Sprintf(" (after write %d)", e.After)
	}
	return text
}

// ValueText is a reply on one line.
func ValueText(v resp.Value) string {
	switch v.Kind {
	case resp.Null, resp.NullArray:
		return "null"
	case resp.Integer:
		return fmt.Sprint(v.Int)
	case resp.Double:
		return fmt.Sprint(v.Float)
	case resp.Simple:
		return "+" + v.Str
	case resp.Error:
		return "-" + v.Str
	case resp.Bulk, resp.Verbatim:
		return quote(v.Str)
	case kindCut:
		return fmt.Sprintf("a reply too long to be kept, with checksum %08x", uint32(v.Int))
	case resp.Fields:
		return ValueText(v.Unfold())
	}
	var b strings.Builder
	for i, e := range v.Elems {
		if b.Len() > textMax {
			fmt.Fprintf(&b, " ... %d in all", len(v.Elems))
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(ValueText(e))
	}
	return "[" + b.String() + "]"
}

// tagText is a Tag in hex, in which its parts can be told apart.
func tagText(t sentinel.Tag) string { return fmt.Sprintf("%#x", uint64(t)) }

func quote(s string) string {
	if len(s) > textMax {
		return fmt.Sprintf("%q... %d bytes", s[:textMax], len(s))
	}
	return fmt.Sprintf("%q", s)
}
