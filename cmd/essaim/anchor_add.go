package main

import (
	"net/http"
	"net/url"
)

var anchorAdd = anchorCommandOf("add", "/anchors/", false,
	"choisir une référence : ce qu’elle soutient compte d’abord", "choose an anchor: what it endorses counts first")

// onIdentity is the request that does or undoes something about an identity.
func onIdentity(path, did string, undo bool) request {
	method := http.MethodPut
	if undo {
		method = http.MethodDelete
	}
	return request{method, path + url.PathEscape(did), nil}
}
