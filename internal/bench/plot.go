package main

import (
	"bytes"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"gosentinel/internal/testbed"
)

// bothKinds is the order of tables and legends.
var bothKinds = []testbed.Kind{testbed.Original, testbed.Ours}

var colours = [2]color.Color{
	testbed.Ours:     color.RGBA{R: 0x1b, G: 0x7f, B: 0x5c, A: 0xff},
	testbed.Original: color.RGBA{R: 0xc0, G: 0x4a, B: 0x2f, A: 0xff},
}

// Size of the drawing.
const (
	drawingWidth  = 9 * vg.Inch
	drawingHeight = 3 * vg.Inch
)

// draw draws processor time and memory by the number of masters, and every
// failover after kill -9, side by side.
func (r *report) draw() ([]byte, error) {
	cpu, err := r.growthPlot("idle, % of a core", func(p point) [2]side { return p.cpu })
	if err != nil {
		return nil, err
	}
	rss, err := r.growthPlot("memory, MB", func(p point) [2]side { return p.rss })
	if err != nil {
		return nil, err
	}
	failover, err := r.failoverPlot()
	if err != nil {
		return nil, err
	}
	canvas := vgsvg.New(drawingWidth, drawingHeight)
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	tiles := draw.Tiles{Rows: 1, Cols: 3, PadX: vg.Millimeter * 4, PadTop: 4, PadBottom: 4, PadLeft: 4, PadRight: 8}
	for i, c := range plot.Align([][]*plot.Plot{{cpu, rss, failover}}, tiles, dc)[0] {
		[]*plot.Plot{cpu, rss, failover}[i].Draw(c)
	}
	var out bytes.Buffer
	_, err = canvas.WriteTo(&out)
	return out.Bytes(), err
}

// growthPlot draws one value by the number of masters; a kind ends where it
// has no more values.
func (r *report) growthPlot(title string, value func(point) [2]side) (*plot.Plot, error) {
	p := newPlot(title, "masters")
	p.Legend.Top, p.Legend.Left = true, true
	for _, kind := range bothKinds {
		var points plotter.XYs
		for _, g := range r.growth() {
			if s := value(g)[kind]; s.measured() {
				points = append(points, plotter.XY{X: float64(g.masters), Y: s.median()})
			}
		}
		if err := addLine(p, points, kind); err != nil {
			return nil, err
		}
	}
	p.X.Min, p.Y.Min = 0, 0
	return p, nil
}

// failoverPlot draws which part of the failovers after kill -9 was over after
// how long.
func (r *report) failoverPlot() (*plot.Plot, error) {
	p := newPlot("kill -9: named by all, % of runs", "ms beyond down-after")
	// Ours is at the left edge, the original at the right.
	p.Legend.Left, p.Legend.XOffs, p.Legend.YOffs = true, vg.Inch/2, vg.Inch
	for _, kind := range bothKinds {
		s := r.byID[faults[0].measureID(3, "named")].sides[kind]
		var points plotter.XYs
		for percent := 1; percent <= 100 && s.measured(); percent++ {
			points = append(points, plotter.XY{X: quantile(s.samples, percent), Y: float64(percent)})
		}
		if len(points) == 0 {
			continue
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = colours[kind], vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(kind.String(), line)
	}
	p.X.Min, p.Y.Min, p.Y.Max = 0, 0, 100
	return p, nil
}

func newPlot(title, x string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = title, x
	p.Title.TextStyle.Font.Size, p.X.Label.TextStyle.Font.Size, p.Legend.TextStyle.Font.Size = 11, 10, 10
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Legend.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font.Variant = "Sans"
	}
	p.Add(plotter.NewGrid())
	// An axis without a point has no range.
	p.X.Max, p.Y.Max = 1, 1
	return p
}

func addLine(p *plot.Plot, points plotter.XYs, kind testbed.Kind) error {
	if len(points) == 0 {
		return nil
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, dots.Color, dots.Shape = colours[kind], colours[kind], draw.CircleGlyph{}
	line.Width, dots.Radius = vg.Points(1.5), vg.Points(2.5)
	p.Add(line, dots)
	p.Legend.Add(kind.String(), line, dots)
	return nil
}
