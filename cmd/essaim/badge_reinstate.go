package main

var badgeReinstate = statusCommandOf("reinstate", "reinstated",
	"rétablir un badge suspendu", "reinstate a suspended badge")
