package main

var badgeSuspend = statusCommandOf("suspend", "suspended",
	"suspendre un badge remis ici", "suspend a badge awarded here")
