package command

import "strings"

// Help gives the lines of `<container> HELP`, each a simple string; typed is
// the command word of the request. Nil if the command has no HELP. SENTINEL's
// lines are those of 7.2.4; of the others the usage lines are, and the number of lines.
//
// Rule: K-2.16, appendix A.
func Help(container *Command, typed string) []string {
	var text string
	switch container.Name {
	case "acl":
		text = aclHelp
	case "client":
		text = clientHelp
	case "command":
		text = commandHelp
	case "sentinel":
		text = sentinelHelp
	default:
		return nil
	}
	lines := []string{strings.ToUpper(typed) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	lines = append(lines, strings.Split(text[1:], "\n")...)
	return append(lines, "HELP", "    Print this help.")
}

const sentinelHelp = `
CKQUORUM <master-name>
    Check if the current Sentinel configuration is able to reach the quorum
    needed to failover a master and the majority needed to authorize the
    failover.
CONFIG SET param value [param value ...]
    Set a global Sentinel configuration parameter.
CONFIG GET <param> [param param param ...]
    Get global Sentinel configuration parameter.
DEBUG [<param> <value> ...]
    Show a list of configurable time parameters and their values (milliseconds).
    Or update current configurable parameters values (one or more).
GET-MASTER-ADDR-BY-NAME <master-name>
    Return the ip and port number of the master with that name.
FAILOVER <master-name>
    Manually failover a master node without asking for agreement from other
    Sentinels
FLUSHCONFIG
    Force Sentinel to rewrite its configuration on disk, including the current
    Sentinel state.
INFO-CACHE <master-name>
    Return last cached INFO output from masters and all its replicas.
IS-MASTER-DOWN-BY-ADDR <ip> <port> <current-epoch> <runid>
    Check if the master specified by ip:port is down from current Sentinel's
    point of view.
MASTER <master-name>
    Show the state and info of the specified master.
MASTERS
    Show a list of monitored masters and their state.
MONITOR <name> <ip> <port> <quorum>
    Start monitoring a new master with the specified name, ip, port and quorum.
MYID
    Return the ID of the Sentinel instance.
PENDING-SCRIPTS
    Get pending scripts information.
REMOVE <master-name>
    Remove master from Sentinel's monitor list.
REPLICAS <master-name>
    Show a list of replicas for this master and their state.
RESET <pattern>
    Reset masters for specific master name matching this pattern.
SENTINELS <master-name>
    Show a list of Sentinel instances for this master and their state.
SET <master-name> <option> <value> [<option> <value> ...]
    Set configuration parameters for certain masters.
SIMULATE-FAILURE [CRASH-AFTER-ELECTION] [CRASH-AFTER-PROMOTION] [HELP]
    Simulate a Sentinel crash.`

const aclHelp = `
CAT [<category>]
    List the categories, or the commands that are in <category>. Categories
    are named without the @ of the rules.
DELUSER <username> [<username> ...]
    Delete users and close their connections.
DRYRUN <username> <command> [<arg> ...]
    Tell whether the user could run the command, without running it.
GETUSER <username>
    Show what a user may do.
GENPASS [<bits>]
    Make a random password, of 256 bits or of as many as are asked for, as
    hexadecimal digits.
LIST
    Show all users in the form of an ACL file.
LOAD
    Replace all users by those of the ACL file.
LOG [<count> | RESET]
    Show the latest refusals, or forget them all.
SAVE
    Write all users to the ACL file.
SETUSER <username> <attribute> [<attribute> ...]
    Make a user, or change one, by the given rules.
USERS
    List the names of all users.
WHOAMI
    Name the user of this connection.`

const commandHelp = `
(no subcommand)
    Describe all commands of this server.
COUNT
    Count the commands of this server.
LIST
    List the names of the commands of this server.
INFO [<command-name> ...]
    Describe some commands: arity, flags, categories.
    Without a name, describe all commands
    of this server.
DOCS [<command-name> ...]
    Document some commands: purpose, history, arguments.
    Without a name, document all commands
    of this server.
GETKEYS <full-command>
    Show the keys of a full command.
GETKEYSANDFLAGS <full-command>
    Show the keys of a full command and how it uses them.`

const clientHelp = `
CACHING (YES|NO)
    Track the keys of the next command or not, in OPTIN and OPTOUT mode.
GETREDIR
    Give the id of the client that gets the tracking messages of this one.
GETNAME
    Give the name of this connection.
ID
    Give the id of this connection.
INFO
    Describe this connection.
KILL <ip:port>
    Close the connection that comes from <ip:port>.
KILL <option> <value> [<option> <value> [...]]
    Close the connections that pass all of these filters:
    * ADDR (<ip:port>|<unixsocket>:0)
      Those that come from this address.
    * LADDR (<ip:port>|<unixsocket>:0)
      Those that came in at this address of ours.
    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
      Those of this type.
    * USER <username>
      Those logged in as <username>.
    * SKIPME (YES|NO)
      Whether to spare this connection (default: yes).
LIST [options ...]
    Describe all connections, or those chosen by an option:
    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
      Those of this type.
UNPAUSE
    End a pause.
PAUSE <timeout> [WRITE|ALL]
    Hold back all commands, or only writes, for <timeout> milliseconds.
REPLY (ON|OFF|SKIP)
    Turn the replies to this connection on or off, or skip the next one.
SETNAME <name>
    Name this connection <name>.
SETINFO <option> <value>
    Tell which client library uses this connection. Options are:
    * lib-name: the name of the library.
    * lib-ver: its version.
UNBLOCK <clientid> [TIMEOUT|ERROR]
    Wake a client that waits in a blocking command.
TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]
         [OPTIN] [OPTOUT] [NOLOOP]
    Turn the tracking of keys, for a cache of the client's own, on or off.
TRACKINGINFO
    Describe the tracking of this connection.
NO-EVICT (ON|OFF)
    Protect this connection from eviction.
NO-TOUCH (ON|OFF)
    Accepted by data servers only.`
