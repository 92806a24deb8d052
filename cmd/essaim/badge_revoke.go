package main

var badgeRevoke = statusCommandOf("revoke", "revoked",
	"retirer un badge remis ici", "revoke a badge awarded here")
