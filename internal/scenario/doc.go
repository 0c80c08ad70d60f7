// Package scenario runs transcripts: text files of commands for a simulated
// world, each block of commands followed by a line of four dashes and the
// output that they had, up to a blank line. A line that starts with # is a
// comment.
//
//	cluster sentinels=3 quorum=2 down-after=5s seed=7
//	master m1 10.0.0.1:6379
//	replica m1 10.0.0.2:6379 priority=100 offset=900
//	run for=30s show=none
//	crash s3 10.0.0.1:6379
//	run until=+switch-master node=s1 max=60s show=+odown,+switch-master
//	----
//	s1 +35.001s +odown master m1 10.0.0.1 6379 #quorum 2/2
//
// The commands, whose words are separated by blanks:
//
//	cluster [sentinels=3] [quorum=2] [down-after=30s] [failover-timeout=180s] [parallel-syncs=1] [seed=1]
//	        [latency=250us] [jitter=0] [fsync=1ms] [originals=s3,...] [known] [strict]
//	sentinel NAME [addr=IP:PORT] [id=HEX40] [auth=PASS] [epoch=N] [announce-ip=IP] [hostnames]
//	master NAME ADDR [quorum= down-after= failover-timeout= parallel-syncs=] [reboot=3s] [notify=PATH]
//	        [reconfig=PATH] [auth=PASS] [rename=OLD:NEW,...] [host=NAME] [priority=] [offset=] [sync=] [cluster]
//	replica MASTER ADDR [priority=100] [offset=N] [sync=2s] [hidden] [auth=PASS] [renamed=OLD:NEW,...] [cluster]
//	stray ADDR                     an instance that nobody is told of
//	run for=30s [show=] [hide=] [only=s1,...] [wire=ADDR,...]
//	run until=EVENT [node=s1|all] [max=60s] [show=] ...
//	crash WHO...                   a Sentinel, an instance, or a whole host by its IP (which falls silent)
//	restart WHO... [empty]
//	pause WHO... / resume WHO...   SIGSTOP and SIGCONT
//	cut WHO WHO [oneway]           lists with commas; * is everybody else
//	heal [WHO WHO]                 everything, or what one cut did
//	break WHO WHO                  resets the connections between the two
//	clock NAME +20s                steps the wall clock
//	disk NAME ok|fail|stall|lie|torn [latency=200ms]
//	cmd NAME WORD...               a command of a client; the answer is shown when it comes
//	instance ADDR key=value...     priority, offset, info-delay, load, password, run-id, busy, unkillable, fail-rewrite,
//	        deny-info, ignore-role, full, deny=COMMAND,...
//	write ADDR N                   N client writes
//	dns NAME IP...
//	script PATH [code=N] [signal=N] [takes=1s] [missing]
//	dump NAME|ADDR|instances|figures
//	settle [max=60s]               undoes all faults and says when all agree
//
// show= lists event names, or is none, all (log lines too) or, by default, all
// events; script in the list shows starts of scripts. wire= shows the commands
// that an instance gets, but PING, INFO, PUBLISH and CLIENT SETNAME; with /all
// behind the address, those too. In output the run id of a Sentinel is its name
// in angle brackets.
package scenario
