package main

import (
	"bytes"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node/api"
)

// How far a mirror is, in both languages, and only when it has changed.
func TestProgress(t *testing.T) {
	for _, x := range []struct {
		french bool
		now    api.Mirror
		want   string
	}{
		{true, api.Mirror{Received: 10, Bytes: 100}, "comparaison avec les voisins…\n"},
		{true, api.Mirror{Received: 10, Bytes: 100, Coming: 4000}, "░░░░░░░░░░░░░░░░░░░░   0 % · 0 actes sur 4\u202f000 · 0 octets\n"},
		{true, api.Mirror{Received: 1010, Bytes: 100 + 300<<10, Coming: 3000}, "█████░░░░░░░░░░░░░░░  25 % · 1\u202f000 actes sur 4\u202f000 · 300 ko · 100 actes/s · encore 30 s\n"},
		{false, api.Mirror{Received: 4010, Bytes: 100 + 3<<20}, "████████████████████ 100 % · 4,000 of 4,000 records · 3 MB · 400 records/s\n"},
	} {
		var out bytes.Buffer
		p := speaker(x.french)
		p.err = &out
		b := newProgress(p, api.Mirror{Received: 10, Bytes: 100})
		b.show(x.now, b.began.Add(10*time.Second))
		b.show(x.now, b.began.Add(10*time.Second))
		b.end()
		if out.String() != x.want {
			t.Errorf("got  %q\nwant %q", out.String(), x.want)
		}
	}
}

// What people are told of a mirror is exact in both languages.
func TestMirrorSentences(t *testing.T) {
	at := time.Date(2026, 11, 22, 14, 2, 0, 0, time.Local)
	finistere := api.Mirror{Territory: api.Territory{ID: "iso:FR-29", Name: "Finistère"}, At: at, Records: 3218, Territories: make([]api.Mirrored, 1)}
	neighbours := func(verdict string, of ...api.MirrorNeighbour) api.Mirror {
		m := finistere
		m.Verdict, m.Neighbours = verdict, of
		return m
	}
	a := api.MirrorNeighbour{Peer: "12D3A", At: at, Keeps: 1, Same: true}
	b := api.MirrorNeighbour{Peer: "12D3B", At: at, Keeps: 1, Same: true}
	far := api.MirrorNeighbour{Peer: "12D3C", At: at}
	more := api.MirrorNeighbour{Peer: "12D3D", At: at, Keeps: 1, Missing: 1214, Lacking: 3}
	for _, x := range []struct {
		m               api.Mirror
		french, english string
	}{
		{
			neighbours("complete", a, b, far),
			"✓ Finistère : complet à 14:02 : 3\u202f218 actes, même empreinte que 2 voisins\n",
			"✓ Finistère: complete at 14:02: 3,218 records, same fingerprint as 2 neighbours\n",
		},
		{
			neighbours("differs", a, more, far),
			"✗ Finistère : 3\u202f218 actes, pas la même chose chez tous les voisins à 14:02\n  12D3A : même empreinte\n  12D3D : il a 1\u202f214 actes qui ne sont pas ici, et il lui manquait 3 actes d’ici\n  12D3C : ne garde pas tout ce territoire\n",
			"✗ Finistère: 3,218 records, not the same as all neighbours have at 14:02\n  12D3A: same fingerprint\n  12D3D: it has 1,214 records that are not here, and lacked 3 records of ours\n  12D3C: does not keep all of it\n",
		},
		{
			api.Mirror{Territory: finistere.Territory, Verdict: "differs", At: at, Records: 3218, MaxSize: 500 << 20, Full: true, Missing: 1214, Neighbours: []api.MirrorNeighbour{{Peer: "12D3D", At: at, Keeps: 1, Missing: 1214}}},
			"✗ Finistère : 3\u202f218 actes, pas la même chose chez tous les voisins à 14:02\n  12D3D : il a 1\u202f214 actes qui ne sont pas ici\n  arrêtée à 500 Mo : il manque 1\u202f214 actes sur environ 4\u202f432 ; pour continuer : essaim mirror add iso:FR-29 --max-size\n",
			"✗ Finistère: 3,218 records, not the same as all neighbours have at 14:02\n  12D3D: it has 1,214 records that are not here\n  stopped at 500 MB: 1,214 records of about 4,432 are missing; to go on: essaim mirror add iso:FR-29 --max-size\n",
		},
		{
			neighbours("unconfirmed"),
			"– Finistère : 3\u202f218 actes, que personne ne confirme\n  aucun voisin n’est relié\n",
			"– Finistère: 3,218 records, which nobody confirms\n  no neighbour is connected\n",
		},
		{
			api.Mirror{Territory: finistere.Territory, Scope: []string{"class:bafkrei"}, Verdict: "complete", At: at, Records: 41, Alone: 2, Neighbours: []api.MirrorNeighbour{a, far}},
			"✓ Finistère, en partie : complet à 14:02 : 41 actes, même empreinte que 1 voisin\n  aucun voisin relié ne garde 2 de ces modèles\n",
			"✓ Finistère, in part: complete at 14:02: 41 records, same fingerprint as 1 neighbour\n  no connected neighbour keeps 2 of these classes\n",
		},
		{
			api.Mirror{Territory: finistere.Territory, Scope: []string{"class:bafkrei"}, Verdict: "unconfirmed", At: at, Records: 41, Neighbours: []api.MirrorNeighbour{far}},
			"– Finistère, en partie : 41 actes, que personne ne confirme\n  12D3C : ne garde aucun de ces modèles\n",
			"– Finistère, in part: 41 records, which nobody confirms\n  12D3C: keeps none of these classes\n",
		},
	} {
		for _, french := range []bool{true, false} {
			var out bytes.Buffer
			p := speaker(french)
			p.out = &out
			p.mirror(x.m)
			if want := p.tr(x.french, x.english); out.String() != want {
				t.Errorf("got  %q\nwant %q", out.String(), want)
			}
		}
	}
}
