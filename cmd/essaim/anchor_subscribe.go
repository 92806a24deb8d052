package main

var anchorSubscribe = anchorCommandOf("subscribe", "/anchors/lists/", false,
	"prendre pour références ceux qu’une identité soutient pleinement, au fil du temps", "take as anchors all whom an identity endorses at full weight, as that changes")
