package sentinel

import (
	"time"

	"gosentinel/internal/resp"
	"gosentinel/replication"
)

// Stamp is the time at which an input happened, read by the caller once per
// input.
type Stamp struct {
	Mono time.Duration // monotonic, from an arbitrary zero; never goes back; all timeouts use it
	Wall int64         // Unix milliseconds; may jump; no timeout uses it but to find that the machine slept (R-9, W-21)
	Zone int           // seconds east of UTC, for log text
}

type (
	// LinkID names one connection to one instance; never reused, never 0.
	LinkID uint64
	// Tag names one Send; its answer carries the same Tag. Never 0.
	Tag uint64
	// ReqID names one command received from a client or a peer.
	ReqID uint64
	// JobID names one run of a script.
	JobID uint64
	// Seq counts changes of durable state: a write covers all up to its Seq.
	// 0 means "needs no write".
	Seq uint64
)

// Input is anything that can happen to a Sentinel. The set is sealed.
type Input interface{ isInput() }

type (
	// Tick says that NextDeadline has passed.
	Tick struct{}
	// LinkUp says that a dialled connection is established. Local is the IP of
	// its own end.
	LinkUp struct {
		Link  LinkID
		Local string
	}
	// LinkDown says that a connection is gone or could not be made. It comes
	// at most once per Dial, and no input of that link follows. Refused is
	// set when nobody listens there: the connect was refused. Ours is set when
	// it could not even be tried, for want of descriptors say.
	LinkDown struct {
		Link    LinkID
		Refused bool
		Reason  string
		Ours    bool
	}
	// Answer is the last reply of a Send.
	Answer struct {
		Tag   Tag
		Value resp.Value
	}
	// Hello is a message on the hello channel of a subscribed link. A Payload
	// of nil is the confirmation of the subscription; Failed says that it was
	// refused, with the words in Payload.
	Hello struct {
		Link    LinkID
		Payload []byte
		Failed  bool
	}
	// Request is a SENTINEL, ROLE, PUBLISH or INFO command whose name, arity
	// and permissions the listener has checked; Args[0] is the original name.
	// Client is the name that the connection gave itself. NotExecutable are
	// those of ScriptPaths(Args) that access(2) does not let us execute.
	Request struct {
		ID            ReqID
		Client        string
		Args          [][]byte
		NotExecutable []string
	}
	// Resolved answers Resolve: the IPs, best first, or a Reason why not.
	Resolved struct {
		Host   string
		IPs    []string
		Reason string
	}
	// Persisted answers Persist. A non-empty Reason says that the write failed.
	Persisted struct {
		Seq    Seq
		Took   time.Duration
		Reason string
	}
	// ScriptUp says that a script was started; PID 0 says it could not be.
	ScriptUp struct {
		Job JobID
		PID int
	}
	// ScriptDone says how a script ended: by Signal, if not 0, or with Code.
	ScriptDone struct {
		Job          JobID
		Code, Signal int
	}
	// Slept says that the machine was suspended for that long since the last
	// input: real time that Mono does not count. It comes before all that has
	// come since.
	Slept struct{ For time.Duration }
)

func (Tick) isInput()       {}
func (LinkUp) isInput()     {}
func (LinkDown) isInput()   {}
func (Answer) isInput()     {}
func (Hello) isInput()      {}
func (Request) isInput()    {}
func (Resolved) isInput()   {}
func (Persisted) isInput()  {}
func (ScriptUp) isInput()   {}
func (ScriptDone) isInput() {}
func (Slept) isInput()      {}

// Action is anything that a Sentinel can ask of the world. The set is sealed.
type Action interface{ isAction() }

type (
	// Persist says that the durable state is dirty up to Seq; the shell takes
	// it with Durable when the disk is free.
	Persist struct{ Seq Seq }
	// Dial opens a connection; commands may be sent on it at once, they wait
	// in its queue. The attempt ends with LinkDown after Timeout. PubSub says
	// that the link is for SUBSCRIBE: what arrives on it becomes Hello inputs.
	Dial struct {
		Link    LinkID
		Addr    replication.Addr
		Timeout time.Duration
		PubSub  bool
	}
	// Hangup closes a connection, after delivering what was sent on it
	// already; nothing is heard of that link any more. While the disk is sick
	// it waits for none of that which has to wait for a write (see Outbox).
	Hangup struct{ Link LinkID }
	// Send, handed out as a pointer, queues commands on a link, pipelined as they stand (renames, MULTI,
	// EXEC included). Answer is the last reply. Tag 0 wants no answer; the
	// PINGs of a connection are one Send with one Tag. Secret
	// says that the last word of each is a password, which no log or trace may
	// show.
	Send struct {
		Link   LinkID
		Tag    Tag
		Cmds   [][]string
		Secret bool
	}
	// Respond answers a Request. IfNotSaved, when not the zero Value, is sent
	// instead if the write it waits for failed.
	Respond struct {
		ID                ReqID
		Value, IfNotSaved resp.Value
	}
	// Emit tells an event: a log line and, unless log-only, a Pub/Sub message.
	Emit struct{ Event Event }
	// Show says what the View answers for a master from now on.
	Show struct {
		Master string
		Host   string
		Port   int
		Gone   bool
	}
	// DiskSick says whether a write takes too long. While it is Silent, too,
	// what clients and peers ask waits, PING and the View included.
	DiskSick struct{ On, Silent bool }
	// SetLogLevel carries out SENTINEL CONFIG SET loglevel.
	SetLogLevel struct{ Level string }
	// RunScript starts a script: Argv[0] is its path.
	RunScript struct {
		Job  JobID
		Argv []string
	}
	// KillJob sends SIGKILL to a script.
	KillJob struct{ Job JobID }
	// Resolve looks a host name up in the background.
	Resolve struct{ Host string }
	// Exit ends the process at once (SENTINEL SIMULATE-FAILURE).
	Exit struct{ Code int }
)

func (Persist) isAction()     {}
func (Dial) isAction()        {}
func (Hangup) isAction()      {}
func (*Send) isAction()       {}
func (Respond) isAction()     {}
func (Emit) isAction()        {}
func (Show) isAction()        {}
func (DiskSick) isAction()    {}
func (SetLogLevel) isAction() {}
func (RunScript) isAction()   {}
func (KillJob) isAction()     {}
func (Resolve) isAction()     {}
func (Exit) isAction()        {}

// Effect is an Action that must wait until write After is on disk.
type Effect struct {
	After  Seq
	Action Action
}
