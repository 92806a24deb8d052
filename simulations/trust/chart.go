package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// labels are the metrics as readers know them.
var labels = []string{"Essaim", "personalised PageRank .85", "EigenTrust, a = .5", "counting endorsers"}

// markdown is the table: share in percent, and places of the best hundred.
func (t table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s.\n\n| %s |", t.title, t.axis)
	for _, l := range labels {
		fmt.Fprintf(&b, " %s |", l)
	}
	b.WriteString(" fakes at level 2 or more |\n|---|" + strings.Repeat("---|", len(labels)+1) + "\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %d |", r.step)
		for _, x := range r.results {
			fmt.Fprintf(&b, " %s / %s |", percent(x.share), places(x.top))
		}
		fmt.Fprintf(&b, " %s |\n", places(r.results[0].backed))
	}
	return b.String()
}

func places(x float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0") }

// Of a chart, in pixels. Shares are on a logarithmic axis from a hundred
// thousandth to one; what is less stands at the bottom.
const (
	wide, high                = 640, 320
	left, right, above, below = 60, 20, 30, 60
	least                     = 1e-5
)

// The colours are told apart by readers who do not see some, and the lines by
// their dashes.
var (
	colours = []string{"#0b6e4f", "#c1440e", "#6a4c93", "#8a8a8a"}
	dashes  = []string{"", "6 3", "2 3", "10 4"}
)

// chart draws the share of score that the fakes have.
func (t table) chart() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="%s">`+"\n", wide, high, t.title)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, high)
	y := func(share float64) float64 {
		return above + (high-above-below)*math.Log10(1/max(share, least))/math.Log10(1/least)
	}
	x := func(i int) float64 {
		return left + float64(wide-left-right)*(float64(i)+.5)/float64(len(t.rows))
	}
	for _, tick := range []struct {
		share float64
		label string
	}{{1, "100 %"}, {.1, "10 %"}, {.01, "1 %"}, {.001, "0.1 %"}, {.0001, "0.01 %"}, {least, "less"}} {
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, wide-right, y(tick.share), y(tick.share), left-6, y(tick.share)+4, tick.label)
	}
	for i, r := range t.rows {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(i), high-below+18, r.step)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+wide-right)/2, high-below+34, t.axis)
	for m, label := range labels {
		var points []string
		for i, r := range t.rows {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(i), y(r.results[m].share)))
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n", strings.Join(points, " "), colours[m], dashes[m])
		at := left + m*145
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="%s" stroke-width="2" stroke-dasharray="%s"/><text x="%d" y="%d" font-size="10">%s</text>`+"\n",
			at, at+18, high-10, high-10, colours[m], dashes[m], at+22, high-6, label)
	}
	fmt.Fprintf(&b, `<text x="%d" y="18" font-weight="bold">share of all score the fakes have</text>`+"\n</svg>\n", left)
	return b.Bytes()
}
