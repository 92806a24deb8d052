package main

var endorseWithdraw = statusCommandOf("withdraw", "withdrawn",
	"reprendre un soutien", "withdraw an endorsement")
