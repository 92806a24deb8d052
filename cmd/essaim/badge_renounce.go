package main

var badgeRenounce = statusCommandOf("renounce", "renounced",
	"renoncer à un badge que l’on détient", "give up a badge one holds")
