package reconcile_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// Brest was away for two hours. It asks Rennes, and after a few messages Rennes
// knows what to send, and Brest what to expect.
func Example() {
	day := time.Date(2027, time.May, 1, 9, 0, 0, 0, time.UTC)
	record := func(n int) reconcile.Key {
		return reconcile.NewKey(day.Add(time.Duration(n)*time.Hour), sha256.Sum256(fmt.Append(nil, "record ", n)))
	}
	brest, rennes := reconcile.NewSet(), reconcile.NewSet()
	for n := range 30 {
		rennes.Insert(record(n))
		if n < 28 {
			brest.Insert(record(n))
		}
	}

	const name = "fr:epci:242900314/badges"
	asks, _ := reconcile.New(reconcile.Config{Name: name, View: brest.View(), Nonce: reconcile.Nonce{1}})
	answers, _ := reconcile.New(reconcile.Config{Name: name, View: rennes.View(), Nonce: reconcile.Nonce{2}})

	// A node writes messages to a stream; here they go from hand to hand.
	message, to, other := asks.Start(), answers, asks
	for len(message) > 0 {
		stream := bytes.NewReader(message)
		message = nil
		for stream.Len() > 0 {
			frame, err := reconcile.ReadFrame(stream, nil)
			if err != nil {
				panic(err)
			}
			if message, _, err = to.Receive(frame); err != nil {
				panic(err)
			}
		}
		to, other = other, to
	}

	for keys := answers.Push(100); len(keys) > 0; keys = answers.Push(100) {
		for _, k := range keys {
			fmt.Println("Rennes sends the record of", k.Created().Format("2 January, 15:04"), "- wanted:", asks.Wants(k))
			brest.Insert(k)
		}
	}
	fmt.Println(brest.Len(), "and", rennes.Len(), "records, equal:", brest.View().Sum(0, 30) == rennes.View().Sum(0, 30))
	// Output:
	// Rennes sends the record of 2 May, 13:00 - wanted: true
	// Rennes sends the record of 2 May, 14:00 - wanted: true
	// 30 and 30 records, equal: true
}
