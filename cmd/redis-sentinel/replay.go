package main

import (
	"github.com/spf13/cobra"

	"gosentinel/internal/trace"
)

// replayCommand replays a file that --gosentinel-trace has recorded.
func replayCommand() *cobra.Command {
	var o trace.ReportOptions
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Replay a recording and stop where this program decides otherwise",
		Long: "Replays what a Sentinel that ran with --gosentinel-trace FILE was given, lists the\n" +
			"events, and stops at the first step at which this program decides otherwise.\n" +
			"FILE.1 holds what came before FILE.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Path = args[0]
			return trace.Report(cmd.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Until, "until", "", "stop at `+12.3s` from the beginning, a record's number or an event's name")
	f.BoolVar(&o.Dump, "dump", false, "show the whole state there")
	f.BoolVar(&o.Explain, "explain", false, "show there why each decision was taken")
	return c
}
