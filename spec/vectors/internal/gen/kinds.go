package main

import (
	"crypto/ed25519"
	"crypto/sha256"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/proof"
)

const (
	now     = "2026-11-22T12:00:00Z" // the reader's clock
	signed  = "2026-11-22T11:00:00Z" // when records are made
	brest   = "fr:epci:242900314"
	rennes  = "fr:epci:243500139"
	skillID = "http://data.europa.eu/esco/skill/45bef06d-dba9-4192-9805-2f7d27523638"
)

// kind is one kind of record: a good document and how it is signed.
type kind struct {
	name  string
	build func() object
	steps func() []step
}

func alone(k ed25519.PrivateKey) func() []step {
	return func() []step {
		return []step{{key: k, suite: proof.JCS, purpose: proof.Assertion, created: signed}}
	}
}

func wallet(k ed25519.PrivateKey) []step {
	return []step{
		{key: k, suite: proof.RDFC, purpose: proof.Assertion, created: signed, named: true},
		{key: k, suite: proof.JCS, purpose: proof.Assertion, created: signed, chained: true, named: true},
	}
}

func cosigned() []step {
	return append(wallet(place),
		step{key: person, suite: proof.JCS, purpose: proof.Authentication, created: "2026-11-22T11:30:00Z", chained: true, named: true})
}

var kinds = []kind{
	{"profile", profile, alone(place)},
	{"class", class, alone(place)},
	{"award", award, cosigned},
	{"endorsement", endorsement, func() []step { return wallet(partner) }},
	{"status", status, alone(place)},
	{"dispute", dispute, alone(partner)},
	{"notice", notice, alone(person)},
	{"succession", succession, func() []step {
		return []step{
			{key: place, suite: proof.JCS, purpose: proof.Assertion, created: signed, named: true},
			{key: partner, suite: proof.JCS, purpose: proof.Assertion, created: signed, chained: true, named: true},
		}
	}},
}

func kindNamed(s string) kind {
	for _, k := range kinds {
		if k.name == s {
			return k
		}
	}
	panic(s)
}

func profile() object {
	return object{
		"@context": context(false), "essaim:territory": list(brest),
		"id": name(place), "type": list("Profile"), "essaim:kind": "place", "name": "Fablab de la rade",
		"description": "Un atelier ouvert à toutes et tous.", "url": "https://fablab.example/", "essaim:point": "48.4084,-4.4996",
	}
}

func class() object {
	return object{
		"@context": context(false), "essaim:territory": list(brest),
		"id": uuid(1), "type": list("Achievement"), "name": "Découpe laser — autonome",
		"description": "Sait préparer un fichier, régler la machine et découper seul·e en sécurité.",
		"criteria":    object{"narrative": "A réalisé trois pièces\net expliqué les risques : \"feu\", fumées, réflexions."},
		"creator":     object{"id": name(place), "type": list("Profile"), "name": "Fablab de la rade"},
		"alignment": list(object{
			"type": list("Alignment"), "targetName": "utiliser un appareil de découpe au laser", "targetUrl": skillID,
			"targetFramework": "ESCO", "targetType": "ext:ESCO",
		}),
		"achievementType": "ext:SavoirFaire", "inLanguage": "fr", "tag": list("laser", "fabrication numérique"),
		"resultDescription": list(object{
			"id": uuid(1) + "#levels", "type": list("ResultDescription"), "name": "Niveau", "resultType": "RubricCriterionLevel",
			"rubricCriterionLevel": list(
				object{"id": uuid(1) + "#1", "type": list("RubricCriterionLevel"), "name": "Découverte", "level": "1"},
				object{"id": uuid(1) + "#2", "type": list("RubricCriterionLevel"), "name": "Autonome", "level": "2"},
			),
		}),
		"essaim:rule":    object{"essaim:by": "holders", "essaim:minLevel": 2},
		"essaim:licence": "CC-BY-SA-4.0",
	}
}

// cidOf is the CID of a finished document.
func cidOf(d object) string { return protocol.CID(sha256.Sum256(canonical(d))).String() }

func classCID() string { return cidOf(seal(class(), alone(place)())) }

func award() object {
	embedded := with(with(class(), nil, "@context"), nil, "essaim:territory")
	embedded["essaim:class"] = classCID()
	return object{
		"@context": context(true), "essaim:territory": list(brest),
		"id": uuid(2), "type": list("VerifiableCredential", "OpenBadgeCredential"), "name": "Découpe laser — autonome",
		"issuer":    object{"id": name(place), "type": list("Profile"), "name": "Fablab de la rade"},
		"validFrom": "2026-11-21T14:00:00Z", "awardedDate": "2026-11-21T14:00:00Z",
		"credentialSubject": object{
			"id": name(person), "type": list("AchievementSubject"), "achievement": embedded,
			"result": list(object{"type": list("Result"), "resultDescription": uuid(1) + "#levels", "achievedLevel": uuid(1) + "#2"}),
		},
		"evidence": list(object{"type": list("Evidence"), "name": "Porte-clés", "narrative": "Découpé le 21 novembre."}),
	}
}

func awardCID() string { return cidOf(seal(award(), cosigned())) }

func endorsement() object {
	return object{
		"@context": context(true), "essaim:territory": list(brest, rennes),
		"id": uuid(3), "type": list("VerifiableCredential", "EndorsementCredential"), "name": "Soutien",
		"issuer":    object{"id": name(partner), "type": list("Profile"), "name": "Atelier ami"},
		"validFrom": signed,
		"credentialSubject": object{
			"id": uuid(2), "type": list("EndorsementSubject"), "essaim:cid": awardCID(), "endorsementComment": "Vue à l’œuvre chez nous.",
		},
	}
}

func status() object {
	return object{
		"@context": context(false), "essaim:territory": list(brest),
		"id": uuid(4), "type": list("essaim:Status"), "essaim:author": name(place),
		"essaim:target": awardCID(), "essaim:state": "suspended", "essaim:reason": "safety",
	}
}

func dispute() object {
	return object{
		"@context": context(false), "essaim:territory": list(brest),
		"id": uuid(5), "type": list("essaim:Dispute"), "essaim:author": name(partner),
		"essaim:target": awardCID(), "essaim:reason": "criteria-not-met", "essaim:comment": "La formation a été interrompue.",
	}
}

func notice() object {
	return object{
		"@context": context(false), "essaim:territory": list(brest),
		"id": uuid(6), "type": list("essaim:Notice"), "essaim:author": name(person), "essaim:direction": "offer",
		"name": "Je montre la découpe laser", "essaim:tag": list("laser"), "essaim:skill": list(skillID),
		"essaim:until": "2027-05-01T00:00:00Z",
	}
}

func succession() object {
	return object{
		"@context": context(false), "essaim:territory": list(brest),
		"id": uuid(7), "type": list("essaim:Succession"), "essaim:from": name(place), "essaim:to": name(partner),
	}
}
