package simulations

import "time"

// scenario is a story about a swarm, as data. First the boxes come and find one
// another; then they talk, in turn, while things happen; then it is waited until
// all hold the same, and some last words are said.
type scenario struct {
	name  string        // of its chart
	story string        // for the report: one sentence
	slow  float64       // share of boxes with such a line
	every time.Duration // between what is said
	lasts time.Duration // from the first word on
	// events happen in this order, at times since the first word.
	events []event
	want   bands
	brief  bool // among those played when not all are
}

// event is something that happens to boxes, counted in the order they came, from
// one share of them to another.
type event struct {
	at       time.Duration
	what     deed
	from, to float64
	by       time.Duration // of clocks: ahead; of strangers: for how long
}

type deed string

const (
	leave    deed = "leave"    // the plug is pulled: not a packet more
	back     deed = "back"     // it is put in again
	cut      deed = "cut"      // they reach only one another
	heal     deed = "heal"     // and everybody again
	arrive   deed = "arrive"   // so many more than there were
	clocks   deed = "clocks"   // theirs are so much ahead
	midnight deed = "midnight" // a day passes for everybody's clock at once
	write    deed = "write"    // each says something, whoever hears it
	fill     deed = "fill"     // their disks are full
	free     deed = "free"     // and no more
	junk     deed = "junk"     // a stranger says invalid things to them, ten a second
	chatter  deed = "chatter"  // a stranger says valid things to them, three a second
	offers   deed = "offers"   // a stranger brings them invalid records by synchronisation
	lies     deed = "lies"     // a stranger tells them falsehoods about what it has
)

// bands is between what, at least or at most, must lie what is measured. That all
// end with the same set is asked of every scenario.
type bands struct {
	// reach is the share of those a packet could reach when a record was said
	// who have it ten seconds later, at least.
	reach float64
	// p50 and p99 are how long it took to them.
	p50, p99 [2]time.Duration
	// bytes are what a node sent for each record said, all told, in datagrams,
	// and messages those of gossip.
	bytes, messages [2]float64
	// lost is how many messages gossip dropped, of those it sent, at most.
	lost float64
	// held says that records had to wait for their time.
	held bool
	// shut says that the stranger is cut off by all it called on.
	shut bool
	// rejected says that gossip had something to refuse.
	rejected bool
}

const ms = time.Millisecond

// usual are the bands of a swarm in which nothing happens. Those of others are
// about a third wider than what plays of 50 to 300 nodes measured.
var usual = bands{
	reach: 1, p50: [2]time.Duration{60 * ms, 300 * ms}, p99: [2]time.Duration{120 * ms, 600 * ms},
	bytes: [2]float64{1000, 12_000}, messages: [2]float64{1, 6},
}

// but returns b with what is different.
func (b bands) but(change func(*bands)) bands {
	change(&b)
	return b
}

var scenarios = []scenario{
	{
		name: "steady", brief: true, story: "Everybody is there and says something now and then.",
		every: time.Second, lasts: time.Minute,
		want: usual,
	},
	{
		name: "slow", story: "Three in ten have 128 kbit/s up, and half a second to anywhere and back.",
		slow: 0.3, every: 2 * time.Second, lasts: 2 * time.Minute,
		want: usual.but(func(b *bands) {
			b.p50, b.p99 = [2]time.Duration{100 * ms, 600 * ms}, [2]time.Duration{300 * ms, 3 * time.Second}
			b.lost = 0.1
		}),
	},
	{
		name: "churn", story: "Three in ten leave, one after another, and come back.",
		every: 3 * time.Second, lasts: 6 * time.Minute,
		events: []event{
			{30 * time.Second, leave, 0, 0.1, 0},
			{60 * time.Second, leave, 0.1, 0.2, 0},
			{90 * time.Second, leave, 0.2, 0.3, 0},
			{150 * time.Second, back, 0, 0.1, 0},
			{210 * time.Second, back, 0.1, 0.2, 0},
			{270 * time.Second, back, 0.2, 0.3, 0},
		},
		want: disturbed(0.9),
	},
	{
		name: "night", story: "Four in ten are switched off for ten minutes.",
		every: 10 * time.Second, lasts: 12 * time.Minute,
		events: []event{{20 * time.Second, leave, 0, 0.4, 0}, {620 * time.Second, back, 0, 0.4, 0}},
		want:   disturbed(0.7),
	},
	{
		name: "offline", story: "One in ten write things down while they are switched off, and come back after five minutes.",
		every: 10 * time.Second, lasts: 7 * time.Minute,
		events: []event{
			{20 * time.Second, leave, 0, 0.1, 0},
			{120 * time.Second, write, 0, 0.1, 0},
			{180 * time.Second, write, 0, 0.1, 0},
			{320 * time.Second, back, 0, 0.1, 0},
		},
		want: disturbed(0.8),
	},
	{
		name: "partition", brief: true, story: "One half cannot reach the other for three minutes.",
		every: 7 * time.Second, lasts: 7 * time.Minute,
		events: []event{{30 * time.Second, cut, 0, 0.5, 0}, {210 * time.Second, heal, 0, 0.5, 0}},
		want:   disturbed(0.6),
	},
	{
		name: "turmoil", story: "One half cannot reach the other, while three in ten leave, on both sides, and come back later.",
		every: 3 * time.Second, lasts: 6 * time.Minute,
		events: []event{
			{20 * time.Second, leave, 0.35, 0.5, 0},
			{40 * time.Second, cut, 0, 0.5, 0},
			{60 * time.Second, leave, 0.5, 0.65, 0},
			{180 * time.Second, back, 0.35, 0.5, 0},
			{220 * time.Second, heal, 0, 0.5, 0},
			{260 * time.Second, back, 0.5, 0.65, 0},
		},
		want: disturbed(0.5),
	},
	{
		name: "late", story: "One fifth more come when much has been said.",
		every: 2 * time.Second, lasts: 90 * time.Second,
		events: []event{{40 * time.Second, arrive, 0, 0.1, 0}, {70 * time.Second, arrive, 0, 0.1, 0}},
		want:   disturbed(0.98),
	},
	{
		name: "skew", story: "Clocks of one fifth are five minutes off, of one tenth a day; they are set right, and a day passes.",
		every: 4 * time.Second, lasts: 6 * time.Minute,
		events: []event{
			{0, clocks, 0, 0.1, 5 * time.Minute},
			{0, clocks, 0.1, 0.2, -5 * time.Minute},
			{0, clocks, 0.2, 0.25, 24 * time.Hour},
			{0, clocks, 0.25, 0.3, -24 * time.Hour},
			{3 * time.Minute, clocks, 0, 0.3, 0},
			{5 * time.Minute, midnight, 0, 1, 0},
		},
		want: disturbed(0.85).but(func(b *bands) { b.held = true }),
	},
	{
		name: "spam", brief: true, story: "A stranger calls on one fifth, says ten invalid things a second, and calls again when thrown out.",
		every: 2 * time.Second, lasts: time.Minute,
		events: []event{{10 * time.Second, junk, 0, 0.2, 40 * time.Second}},
		want:   usual.but(func(b *bands) { b.shut, b.rejected = true, true }),
	},
	{
		name: "chatter", story: "A stranger calls on one fifth and says three valid things a second.",
		every: 2 * time.Second, lasts: 2 * time.Minute,
		events: []event{{20 * time.Second, chatter, 0, 0.2, 30 * time.Second}},
		want: usual.but(func(b *bands) {
			b.bytes, b.messages = [2]float64{4_000, 40_000}, [2]float64{1, 20}
		}),
	},
	{
		name: "offers", brief: true, story: "A stranger compares with one fifth, announces thousands of records, and sends invalid ones without end.",
		every: 2 * time.Second, lasts: time.Minute,
		events: []event{{10 * time.Second, offers, 0, 0.2, 40 * time.Second}},
		want:   usual.but(func(b *bands) { b.shut = true }),
	},
	{
		name: "lies", story: "A stranger compares with one fifth, just after half of them were away: it says that all is equal, or that nothing ever is, or announces thousands of records and brings none.",
		every: 4 * time.Second, lasts: 4 * time.Minute,
		events: []event{
			{10 * time.Second, leave, 0, 0.1, 0},
			{80 * time.Second, lies, 0, 0.2, 160 * time.Second},
			{90 * time.Second, back, 0, 0.1, 0},
		},
		want: disturbed(0.9).but(func(b *bands) { b.shut = true }),
	},
	{
		name: "full", brief: true, story: "The disks of three in ten are full for a minute.",
		every: 2 * time.Second, lasts: 2 * time.Minute,
		events: []event{{20 * time.Second, fill, 0, 0.3, 0}, {80 * time.Second, free, 0, 0.3, 0}},
		want:   disturbed(0.9),
	},
}

// disturbed is usual where some are away for a time: gossip reaches so many of
// those a packet would, and what is asked for again takes its time.
func disturbed(reach float64) bands {
	return usual.but(func(b *bands) {
		b.reach, b.p99 = reach, [2]time.Duration{120 * ms, prompt}
	})
}
