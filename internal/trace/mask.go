package trace

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"gosentinel/conf"
	"gosentinel/internal/resp"
)

// masker replaces secrets. Equal secrets get equal masks and an empty one stays
// empty, since the core compares them; that is all a mask tells. The key
// lives and dies with the process. The nil masker leaves everything as it is:
// a replay has masks only.
type masker struct{ key [32]byte }

func newMasker() *masker {
	k := &masker{}
	_, _ = rand.Read(k.key[:])
	return k
}

// text is the mask of one secret. A line feed in it is kept, since the core
// refuses such a secret.
func (k *masker) text(secret string) string {
	if k == nil || secret == "" {
		return secret
	}
	h := hmac.New(sha256.New, k.key[:])
	h.Write([]byte(secret))
	masked := "***" + hex.EncodeToString(h.Sum(nil)[:8])
	if strings.Contains(secret, "\n") {
		masked += "\n"
	}
	return masked
}

// args are the words of a request without secrets.
func (k *masker) args(args [][]byte) [][]byte {
	if k == nil || len(args) < 4 || !fold(args[0], "sentinel") {
		return args
	}
	switch {
	case fold(args[1], "set"):
		return k.setArgs(args)
	case fold(args[1], "config") && fold(args[2], "set"):
		return k.configArgs(args)
	}
	return args
}

// plainOptions are the options of SENTINEL SET whose values are no secrets,
// with how many they take.
var plainOptions = map[string]int{
	"down-after-milliseconds": 1, "failover-timeout": 1, "parallel-syncs": 1, "quorum": 1,
	"master-reboot-down-after-period": 1, "primary-reboot-down-after-period": 1,
	"notification-script": 1, "client-reconfig-script": 1, "auth-user": 1, "rename-command": 2,
}

// setArgs masks the value of auth-pass, and all that follows an option that
// does not exist: it may be a secret behind a misspelt name.
func (k *masker) setArgs(args [][]byte) [][]byte {
	args = slices.Clone(args)
	for i := 3; i < len(args); {
		name := strings.ToLower(string(args[i]))
		values, plain := plainOptions[name]
		switch {
		case plain:
		case name == "auth-pass":
			values = 1
		default:
			values = len(args)
		}
		for j := i + 1; j <= i+values && j < len(args) && !plain; j++ {
			args[j] = []byte(k.text(string(args[j])))
		}
		i += 1 + values
	}
	return args
}

// plainSettings are the keys of SENTINEL CONFIG SET whose values are no
// secrets.
var plainSettings = []string{
	"resolve-hostnames", "announce-hostnames", "announce-ip", "announce-port", "sentinel-user", "loglevel",
}

// configArgs masks the value of sentinel-pass, and of keys that do not exist.
func (k *masker) configArgs(args [][]byte) [][]byte {
	args = slices.Clone(args)
	for i := 3; i+1 < len(args); i += 2 {
		if !slices.Contains(plainSettings, strings.ToLower(string(args[i]))) {
			args[i+1] = []byte(k.text(string(args[i+1])))
		}
	}
	return args
}

// reply is the reply of SENTINEL CONFIG GET without its secret.
func (k *masker) reply(v resp.Value) resp.Value {
	if k == nil || v.Kind != resp.Map {
		return v
	}
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if v.Elems[i].Str == "sentinel-pass" {
			v.Elems = slices.Clone(v.Elems)
			v.Elems[i+1].Str = k.text(v.Elems[i+1].Str)
		}
	}
	return v
}

// boot takes the secrets out of a State: their masks, in the order in which
// putSecrets gives them back.
func (k *masker) boot(st conf.State) (conf.State, []string) {
	secrets := []string{k.text(st.RequirePass.Reveal()), k.text(st.SentinelPass.Reveal())}
	st.RequirePass, st.SentinelPass = conf.Secret{}, conf.Secret{}
	st.Masters = slices.Clone(st.Masters)
	for i, m := range st.Masters {
		if m.AuthPass != nil {
			secrets = append(secrets, k.text(m.AuthPass.Reveal()))
			bare := *m
			bare.AuthPass = &conf.Secret{}
			st.Masters[i] = &bare
		}
	}
	return st, secrets
}

// putSecrets gives st the masks that boot made; false if they are not as many.
func putSecrets(st *conf.State, secrets []string) bool {
	places := []*conf.Secret{&st.RequirePass, &st.SentinelPass}
	for _, m := range st.Masters {
		if m == nil {
			return false
		}
		if m.AuthPass != nil {
			places = append(places, m.AuthPass)
		}
	}
	if len(places) != len(secrets) {
		return false
	}
	for i, p := range places {
		*p = conf.NewSecret(secrets[i])
	}
	return true
}

func fold(arg []byte, word string) bool { return strings.EqualFold(string(arg), word) }
