// Package simulations plays scenarios with swarms of real nodes: real libp2p
// over QUIC, real GossipSub and synchronisation, real Badger in memory. Only the
// wire and the time are simulated: packets travel over lines of given speed and
// distance (github.com/marcopolo/simnet), and time passes in bubbles of
// testing/synctest, where an hour lasts as long as what happens in it.
//
// Scenarios are data (scenarios_test.go). Each says what happens to a swarm that
// talks all the while, and between which bounds what is measured must lie. In
// the end all nodes must hold the same set, whoever was away, and nobody honest
// may be blamed. A play is not bit-deterministic (maps, goroutines and the keys
// of libp2p are not), so bounds are bands, and none is of the time on the wall.
//
//	go test ./simulations          the brief scenarios, 50 nodes each
//	go test ./simulations -all     every scenario
//	make simulate NODES=300        the same, larger, and a page with a chart of each
//
// What is not simulated: discovery (a node knows the four peers it was given and
// those it was given to), relays, TCP, loss of single packets, and a restart from
// disk. A node that leaves loses its plug, not its memory.
package simulations
