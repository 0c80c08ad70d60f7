// Command redis-sentinel watches Redis masters and fails them over. It is
// called as the original is; a first argument that is the name of a sub-command
// and not an existing file is that sub-command.
package main

import (
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"gosentinel/internal/daemon"
)

func main() {
	os.Exit(run(os.Args, daemon.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}

// run does what args say, args[0] being the program's name, and gives the exit
// status.
//
// Rule: R-12.
func run(args []string, std daemon.Streams) int {
	status := 0
	root := rootCommand(func() { status = daemon.Main(args, std) })
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	if len(args) > 1 && isSubCommand(root, args[1]) {
		root.SetArgs(args[1:])
	} else {
		// Nothing for cobra to find a sub-command in: only a first argument
		// can be one.
		root.SetArgs([]string{})
	}
	if err := root.Execute(); err != nil {
		return 1
	}
	return status
}

// rootCommand is the drop-in invocation with the sub-commands under it.
func rootCommand(start func()) *cobra.Command {
	root := &cobra.Command{
		Use:                "redis-sentinel",
		DisableFlagParsing: true,
		CompletionOptions:  cobra.CompletionOptions{DisableDefaultCmd: true},
		SilenceUsage:       true,
		Run:                func(*cobra.Command, []string) { start() },
	}
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	root.AddCommand(versionCommand(), replayCommand())
	return root
}

// isSubCommand reports whether a first argument is a sub-command and no
// configuration file.
func isSubCommand(root *cobra.Command, arg string) bool {
	if _, err := os.Stat(arg); err == nil {
		return false
	}
	for _, c := range root.Commands() {
		if c.Name() == arg {
			return true
		}
	}
	return false
}

// versionCommand tells which program this is.
func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "gosentinel %s, compatible with Redis %s, %s %s/%s\n",
				daemon.Version, daemon.RedisVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
