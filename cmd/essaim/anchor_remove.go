package main

var anchorRemove = anchorCommandOf("remove", "/anchors/", true,
	"ne plus compter une identité parmi vos références", "an identity is an anchor no more")
