// Package web is the site of a node, rendered here: pages a member of a
// community reads on a phone. Each page is one Go file and one template. No page
// needs a script, none loads anything from outside, and every one says the same
// in French and in English.
package web
