package simulations

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
)

// Of a chart, in pixels: two panels, one below the other.
const (
	wide, high  = 760, 420
	left, right = 64, 20
	topFrom     = 56 // shares, from 100 % down to none
	topTo       = 226
	lowFrom     = 262 // times, from the longest down to none
	lowTo       = 372
)

// The colours are told apart by readers who do not see some, and the lines by
// their dashes.
const (
	inTime, inTheEnd = "#0b6e4f", "#c1440e"
	median, worst    = "#6a4c93", "#8a8a8a"
)

// chart draws what became of each record, by when it was said.
func (o outcome) chart() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img" aria-label="%s: %s">`+"\n", wide, high, o.name, o.story)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, high)

	span := max(o.lasts, time.Second)
	longest := 250 * time.Millisecond
	for _, m := range o.course {
		for longest < m.p99 {
			longest *= 2
		}
	}
	for _, e := range o.events {
		span = max(span, e.at)
	}
	x := func(at time.Duration) float64 {
		return left + float64(wide-left-right)*float64(at)/float64(span)
	}
	share := func(s float64) float64 { return topTo - (topTo-topFrom)*s }
	took := func(d time.Duration) float64 {
		return lowTo - (lowTo-lowFrom)*float64(d)/float64(longest)
	}

	grid := func(y float64, label string) {
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, wide-right, y, y, left-6, y+4, label)
	}
	for _, s := range []float64{0, 0.25, 0.5, 0.75, 1} {
		grid(share(s), fmt.Sprintf("%.0f %%", 100*s))
	}
	for i := range 3 {
		d := longest * time.Duration(i) / 2
		grid(took(d), fmt.Sprintf("%g s", d.Seconds()))
	}
	step := stepOf(span)
	for at := time.Duration(0); at <= span; at += step {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(at), lowTo+18, minutes(at))
	}
	o.mark(&b, x)

	line := func(colour, dash string, at func(moment) (float64, bool)) {
		var points []string
		for _, m := range o.course {
			if y, ok := at(m); ok {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(m.at), y))
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>`+"\n", strings.Join(points, " "), colour, dash)
	}
	line(inTheEnd, "6 3", func(m moment) (float64, bool) { return share(m.after), true })
	line(inTime, "", func(m moment) (float64, bool) { return share(m.prompt), true })
	line(worst, "2 3", func(m moment) (float64, bool) { return took(m.p99), m.p99 > 0 })
	line(median, "", func(m moment) (float64, bool) { return took(m.p50), m.p50 > 0 })
	for i, k := range []struct{ label, colour, dash string }{
		{"had it after 10 s", inTime, ""},
		{"had it in the end", inTheEnd, "6 3"},
		{"half of those reached", median, ""},
		{"99 % of those reached", worst, "2 3"},
	} {
		at := left + i*170
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%d" y2="%d" stroke="%s" stroke-width="2" stroke-dasharray="%s"/><text x="%d" y="%d" font-size="10">%s</text>`+"\n",
			at, at+18, high-12, high-12, k.colour, k.dash, at+22, high-8, k.label)
	}
	fmt.Fprintf(&b, `<text x="%d" y="18" font-weight="bold">share of %d nodes that had a record, by when it was said</text>`+"\n", left, o.nodes)
	fmt.Fprintf(&b, `<text x="%d" y="%d" font-weight="bold">how long it took</text>`+"\n</svg>\n", left, lowFrom-10)
	return b.Bytes()
}

// mark draws when something happened; what happened at once shares a mark, and
// labels stand one below the other where they would overlap.
func (o outcome) mark(b *bytes.Buffer, x func(time.Duration) float64) {
	var free [2]float64 // from where on each row of labels is empty
	for i, e := range o.events {
		if i > 0 && o.events[i-1].at == e.at && o.events[i-1].what == e.what {
			continue
		}
		at := x(e.at)
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#bbb" stroke-dasharray="1 2"/>`+"\n", at, at, topFrom, lowTo)
		row := 0
		if at < free[0] {
			row = 1
		}
		free[row] = at + 7*float64(len(e.what)) + 6
		fmt.Fprintf(b, `<text x="%.1f" y="%d" font-size="10" fill="#555">%s</text>`+"\n", at+2, 36+12*row, e.what)
	}
}

// stepOf returns a round step that divides span into eight or fewer.
func stepOf(span time.Duration) time.Duration {
	for _, step := range []time.Duration{10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute} {
		if span/step <= 8 {
			return step
		}
	}
	return 10 * time.Minute * time.Duration(math.Ceil(span.Minutes()/80))
}

// minutes writes a time since the first word as 2:30.
func minutes(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}
