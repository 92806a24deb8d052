package main

var disputeIgnore = anchorCommandOf("ignore", "/disputes/ignored/", false,
	"ne plus entendre les contestations d’une identité", "hear the disputes of an identity no more")
