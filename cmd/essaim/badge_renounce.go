package main

var badgeRenounce = statusCommandOf("renounce", "renounced",
	"abandonner un badge que l’on détient", "give up a badge one holds")
