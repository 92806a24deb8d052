package main

var anchorUnsubscribe = anchorCommandOf("unsubscribe", "/anchors/lists/", true,
	"ne plus suivre une liste", "stop following a list")
