package main

var disputeHeed = anchorCommandOf("heed", "/disputes/ignored/", true,
	"les entendre de nouveau", "hear them again")
