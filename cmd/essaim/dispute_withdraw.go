package main

var disputeWithdraw = statusCommandOf("withdraw", "withdrawn",
	"reprendre une contestation", "withdraw a dispute")
