package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// drawingName is the file beside benchmarks.md.
const drawingName = "benchmarks.svg"

// text is the report for a terminal.
func (r *report) text() (string, error) {
	var b strings.Builder
	for _, line := range r.where {
		fmt.Fprintln(&b, line)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(cells []string) { fmt.Fprintln(w, strings.TrimRight(strings.Join(cells, "\t"), "\t")) }
	for _, s := range r.sections() {
		fmt.Fprintf(w, "\n%s\n", s.subject)
		line(heads)
		for _, row := range s.rows {
			line(row)
		}
		// A heading is no cell: each table has its own widths.
		if err := w.Flush(); err != nil {
			return "", err
		}
	}
	if r.quick {
		return b.String(), nil // its figures say nothing
	}
	fmt.Fprint(w, "\nBudgets\n")
	line(budgetHeads)
	for _, row := range r.budgets() {
		line(row)
	}
	err := w.Flush()
	if text := r.pace(); text != "" {
		fmt.Fprintf(&b, "\n%s\n", text)
	}
	return b.String(), err
}

// page is benchmarks.md and its drawing.
func (r *report) page() (text string, drawing []byte, err error) {
	var b strings.Builder
	fmt.Fprint(&b, "# Benchmarks\n\nOurs and the original `redis-sentinel`, on the same work in one run. `make bench` repeats it and\nwrites this page; `make bench-quick` takes a minute and only shows that all works.\n\n")
	for _, line := range r.where {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	fmt.Fprint(&b, "\n## Budgets\n\nWhat ours must keep. \"Beyond\" is milliseconds beyond down-after-milliseconds.\n\n")
	table(&b, budgetHeads, r.budgets())
	if text := r.pace(); text != "" {
		fmt.Fprintf(&b, "\n%s\n", text)
	}
	fmt.Fprintf(&b, "\n## How cost grows\n\n![processor time and memory by the number of masters, and failover times](%s)\n\n", drawingName)
	table(&b, []string{"masters", "original: discovered, s", "idle, %", "memory, MB", "ours: discovered, s", "idle, %", "memory, MB"}, r.growthRows())
	for _, s := range r.sections() {
		fmt.Fprintf(&b, "\n## %s\n\n", s.subject)
		table(&b, heads, s.rows)
	}
	fmt.Fprint(&b, "\n## How it is measured\n\nColumns: median, 95th percentile and number of samples of each; \"better\" is how many times, by the\nmedians. The kinds take turns, and only one thing is measured at a time.\n\n")
	for _, line := range conditions(r.options) {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	drawing, err = r.draw()
	return b.String(), drawing, err
}

func (r *report) growthRows() (rows [][]string) {
	for _, p := range r.growth() {
		row := []string{fmt.Sprint(p.masters)}
		for _, kind := range bothKinds {
			row = append(row, p.discover[kind].short(seconds))
			for _, c := range []struct {
				unit unit
				side side
			}{{percent, p.cpu[kind]}, {megabytes, p.rss[kind]}} {
				c.side.note = "" // it was told already
				row = append(row, c.side.short(c.unit))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// table writes a table of Markdown. A stroke within a cell would end it.
func table(b *strings.Builder, heads []string, rows [][]string) {
	line := func(cells []string) {
		for _, c := range cells {
			fmt.Fprintf(b, "| %s ", strings.ReplaceAll(c, "|", "\\|"))
		}
		fmt.Fprintln(b, "|")
	}
	line(heads)
	fmt.Fprintln(b, "|"+strings.Repeat("---|", len(heads)))
	for _, row := range rows {
		line(row)
	}
}
