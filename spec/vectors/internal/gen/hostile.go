package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/proof"
)

func cidOfBytes(raw []byte) string { return protocol.CID(sha256.Sum256(raw)).String() }

// gate are bytes that are refused before anything is understood.
func gate() []vector {
	g := canonical(good(kindNamed("class")))
	edit := func(old, new string) []byte {
		if !bytes.Contains(g, []byte(old)) {
			panic("no " + old)
		}
		return bytes.Replace(g, []byte(old), []byte(new), 1)
	}
	desc := `"description":"Sait`
	in := func(s string) []byte { return edit(desc, `"description":"`+s+`Sait`) }
	return []vector{
		{name: "gate_empty", comment: "no bytes", expect: "malformed", record: nil},
		{name: "gate_not_json", comment: "not JSON", expect: "malformed", record: []byte("badge")},
		{name: "gate_array", comment: "an array is no record", expect: "malformed", record: []byte(`[1]`)},
		{name: "gate_byte_order_mark", comment: "a byte order mark first", expect: "malformed", record: append([]byte("\ufeff"), g...)},
		{name: "gate_no_members", comment: "no member at all passes, and is no kind", expect: "unknown_kind", record: []byte(`{}`)},
		{name: "gate_truncated", comment: "the last byte is missing", expect: "malformed", record: g[:len(g)-1]},
		{name: "gate_trailing", comment: "a byte after the end", expect: "malformed", record: append(slices.Clone(g), '}')},
		{name: "gate_bad_utf8", comment: "a byte that is not UTF-8", expect: "malformed", record: in("\xff")},
		{name: "gate_overlong_utf8", comment: "an overlong encoding of /", expect: "malformed", record: in("\xc0\xaf")},
		{name: "gate_surrogate_utf8", comment: "a surrogate encoded as UTF-8", expect: "malformed", record: in("\xed\xa0\x80")},
		{name: "gate_raw_newline", comment: "an unescaped newline in a string", expect: "malformed", record: in("\n")},
		{name: "gate_bad_escape", comment: "an escape JSON does not have", expect: "malformed", record: in(`\x`)},
		{name: "gate_too_large", comment: "one byte over 64 KiB", expect: "too_large", record: padded(g, protocol.MaxBytes+1)},
		{name: "gate_too_deep", comment: "seventeen levels", expect: "too_deep", record: []byte(`{"a":` + strings.Repeat("[", 16) + "1" + strings.Repeat("]", 16) + "}")},
		{name: "gate_deepest", comment: "sixteen levels pass, and are no kind", expect: "unknown_kind", record: []byte(`{"a":` + strings.Repeat("[", 15) + "1" + strings.Repeat("]", 15) + "}")},
		{name: "gate_bomb", comment: "thirty thousand levels", expect: "too_deep", record: []byte(`{"a":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + "}")},
		{name: "gate_space", comment: "a space after a colon", expect: "not_canonical", record: edit(`"name":`, `"name": `)},
		{name: "gate_newline_at_end", comment: "a newline at the end", expect: "not_canonical", record: append(slices.Clone(g), '\n')},
		{name: "gate_unsorted", comment: "two members in the wrong order", expect: "not_canonical", record: []byte(`{"b":1,"a":2}`)},
		{name: "gate_utf16_order", comment: "members in the order of code points, not of UTF-16 units", expect: "not_canonical", record: []byte("{\"\ufb33\":1,\"\U0001f600\":2}")},
		{name: "gate_escaped_letter", comment: "a letter written as an escape", expect: "not_canonical", record: in(`\u00e9`)},
		{name: "gate_escaped_pair", comment: "a character beyond the basic plane written as two escapes", expect: "not_canonical", record: in(`\ud83d\udc1d`)},
		{name: "gate_escaped_slash", comment: "an escaped slash", expect: "not_canonical", record: in(`\/`)},
		{name: "gate_minus_zero", comment: "minus zero", expect: "not_canonical", record: []byte(`{"a":-0}`)},
		{name: "gate_duplicate", comment: "one member twice", expect: "duplicate_member", record: []byte(`{"a":1,"a":1}`)},
		{name: "gate_duplicate_inside", comment: "one member twice, inside", expect: "duplicate_member", record: edit(`"creator":{"id"`, `"creator":{"id":"x","id"`)},
		{name: "gate_fraction", comment: "a fraction", expect: "bad_number", record: []byte(`{"a":1.5}`)},
		{name: "gate_exponent", comment: "an exponent", expect: "bad_number", record: []byte(`{"a":1e3}`)},
		{name: "gate_huge", comment: "1e400, over which libraries disagree", expect: "bad_number", record: []byte(`{"a":1e400}`)},
		{name: "gate_beyond_2_53", comment: "2^53", expect: "bad_number", record: []byte(`{"a":9007199254740992}`)},
		{name: "gate_at_2_53", comment: "2^53-1 passes, and is no kind", expect: "unknown_kind", record: []byte(`{"a":9007199254740991}`)},
		{name: "gate_leading_zero", comment: "a leading zero", expect: "malformed", record: []byte(`{"a":01}`)},
		{name: "gate_null", comment: "null", expect: "null_value", record: []byte(`{"a":null}`)},
		{name: "gate_empty_array", comment: "an empty array", expect: "empty_array", record: []byte(`{"a":[]}`)},
		{name: "gate_carriage_return", comment: "a carriage return, escaped", expect: "control_character", record: in(`\r`)},
		{name: "gate_nul", comment: "a NUL, escaped", expect: "control_character", record: in(`\u0000`)},
		{name: "gate_delete", comment: "DEL, over which RDF libraries disagree", expect: "control_character", record: in("\x7f")},
		{name: "gate_c1", comment: "a C1 control character", expect: "control_character", record: in("\u0085")},
		{name: "gate_lone_surrogate", comment: "half a pair", expect: "lone_surrogate", record: in(`\ud83d`)},
		{name: "gate_low_surrogate", comment: "the other half", expect: "lone_surrogate", record: in(`\udc1d`)},
		{name: "gate_blank_node", comment: "a blank node label, which costs RDF libraries minutes", expect: "blank_node", record: edit(`"name":"D`, `"name":"_:D`)},
		{name: "kind_unknown", comment: "a type that is no kind", expect: "unknown_kind", record: edit(`["Achievement"]`, `["Medal"]`)},
		{name: "kind_string", comment: "type as a string", expect: "unknown_kind", record: edit(`["Achievement"]`, `"Achievement"`)},
		{name: "context_extended", comment: "a fifth context at the end", expect: "bad_context", record: edit(`{"essaim":"urn:essaim:ns:"}]`, `{"essaim":"urn:essaim:ns:"},"https://evil.example/v1"]`)},
		{name: "context_redefined", comment: "the prefix means something else", expect: "bad_context", record: edit(`urn:essaim:ns:`, `urn:essaim:nS:`)},
	}
}

// padded returns the record with its description lengthened to size bytes.
func padded(g []byte, size int) []byte {
	mark := []byte(`"description":"`)
	return bytes.Replace(g, mark, append(slices.Clone(mark), bytes.Repeat([]byte("a"), size-len(g))...), 1)
}

// consent are awards and chains whose proofs are not what they must be.
func consent() []vector {
	chain := func(name, comment, expect string, steps []step) vector {
		return vector{name: "award_" + name, comment: comment, expect: expect, record: canonical(seal(award(), steps))}
	}
	change := func(i int, f func(*proof.Proof)) []step {
		s := cosigned()
		s[i].change = f
		return s
	}
	dropped := seal(award(), cosigned())
	dropped["proof"] = slices.Delete(slices.Clone(dropped["proof"].([]any)), 0, 1)
	swapped := seal(award(), cosigned())
	p := slices.Clone(swapped["proof"].([]any))
	p[0], p[1] = p[1], p[0]
	swapped["proof"] = p
	altered := seal(award(), cosigned())
	p = slices.Clone(altered["proof"].([]any))
	first := with(p[0].(object), flip(p[0].(object)["proofValue"].(string)), "proofValue")
	p[0] = first
	altered["proof"] = p
	holder := cosigned()
	holder[2].key = mallory
	twice := append(cosigned(), cosigned()[2])
	single := seal(class(), alone(place)())
	single["proof"] = single["proof"].([]any)[0]
	jcsFirst := cosigned()
	jcsFirst[0].suite = proof.JCS
	different := cosigned()
	different[1].created = "2026-11-22T11:00:01Z"
	backwards := cosigned()
	backwards[2].created = "2026-11-22T10:00:00Z"
	return []vector{
		chain("without_consent", "the holder has not signed", "no_consent", cosigned()[:2]),
		chain("consent_of_another", "somebody else than the holder signed", "wrong_signer", holder),
		chain("consent_as_assertion", "the holder signed as if issuing", "bad_proof", change(2, func(p *proof.Proof) { p.Purpose = proof.Assertion })),
		chain("consent_unchained", "the holder's proof names no previous one", "broken_chain", change(2, func(p *proof.Proof) { p.Previous = "" })),
		chain("consent_skips", "the holder's proof names the first, not the second", "broken_chain", change(2, func(p *proof.Proof) { p.Previous = proofID(uuid(2), 0) })),
		chain("first_chained", "the first proof names a previous one", "broken_chain", change(0, func(p *proof.Proof) { p.Previous = proofID(uuid(2), 1) })),
		chain("other_proof_id", "a proof with an id of its own choosing", "bad_proof", change(2, func(p *proof.Proof) { p.ID = uuid(99) })),
		chain("jcs_first", "two jcs proofs, no rdfc", "bad_proof", jcsFirst),
		chain("four_proofs", "a fourth proof", "bad_proof", twice),
		chain("times_differ", "the issuer's two proofs have different times", "bad_time", different),
		chain("consent_before_award", "the holder accepted before the issuer signed", "bad_time", backwards),
		{name: "award_proof_dropped", comment: "the first proof was taken out", expect: "no_consent", record: canonical(dropped)},
		{name: "award_proofs_swapped", comment: "the first two proofs were swapped", expect: "bad_proof", record: canonical(swapped)},
		{name: "award_rdfc_altered", comment: "the rdfc signature was altered: the chain shows it", expect: "bad_signature", record: canonical(altered)},
		proofMember("class_proof_unknown_member", "a member proofs do not have", "unknown_member", "example.org", "domain"),
		proofMember("class_proof_empty_previous", "an empty previousProof is not none", "bad_value", "", "previousProof"),
		{name: "class_proof_object", comment: "proof as an object, not an array", expect: "bad_value", record: canonical(single)},
		{name: "class_proof_without_context", comment: "a jcs proof without @context", expect: "bad_proof", record: canonical(seal(class(), []step{{
			key: place, suite: proof.JCS, purpose: proof.Assertion, created: signed, change: func(p *proof.Proof) { p.Context = nil },
		}}))},
		{name: "class_proof_named", comment: "a proof with an id where none goes", expect: "bad_proof", record: canonical(seal(class(), []step{{
			key: place, suite: proof.JCS, purpose: proof.Assertion, created: signed, change: func(p *proof.Proof) { p.ID = uuid(9) },
		}}))},
		{name: "succession_one_key", comment: "the new key did not sign", expect: "bad_proof", record: canonical(seal(succession(), kindNamed("succession").steps()[:1]))},
	}
}

// proofMember is a class whose proof has one member more.
func proofMember(name, comment, expect string, value any, member string) vector {
	d := seal(class(), alone(place)())
	d["proof"] = list(with(d["proof"].([]any)[0].(object), value, member))
	return vector{name: name, comment: comment, expect: expect, record: canonical(d)}
}

// levels is a resultDescription with the given levels.
func levels(rubric ...any) []any {
	return list(object{
		"id": uuid(1) + "#levels", "type": list("ResultDescription"), "name": "N", "resultType": "RubricCriterionLevel",
		"rubricCriterionLevel": rubric,
	})
}

func level(fragment, number string) object {
	return object{"id": uuid(1) + fragment, "type": list("RubricCriterionLevel"), "name": "N", "level": number}
}

// address is a class aligned to url.
func address(name, comment, url string) vector {
	return of("class", "address_"+name, comment, "bad_value", set(list(object{"type": list("Alignment"), "targetName": "x", "targetUrl": url}), "alignment"))
}

// addresses are URLs over which libraries disagree, or the same one from one
// version to the next.
func addresses() []vector {
	good := address("good", "a port, a query, a fragment and an escape", "https://a-1.example:8443/x/%C3%A9?a=1&b=(2)#c")
	good.expect = ""
	return []vector{
		good,
		address("not_ascii", "a letter that must be escaped", "https://a.example/é"),
		address("upper_case", "a scheme in upper case", "HTTPS://a.example/"),
		address("user", "a name before the host, which shows one place and leads to another", "https://bank.example@evil.example/"),
		address("no_host", "no host", "https:///x"),
		address("colons", "a host with colons", "http://::1/"),
		address("brackets", "a host in brackets", "http://[::1]/"),
		address("port", "a port of letters", "https://a.example:http/"),
		address("escape", "an escape without digits", "https://a.example/%zz"),
		address("two_fragments", "two fragments", "https://a.example/#a#b"),
		address("space", "a space", "https://a.example/a b"),
		address("urn_alone", "a urn of nothing", "urn:uuid:"),
		address("data", "a data: address", "data:text/html,x"),
	}
}

// values are well-signed documents that say what none may say.
func values() []vector {
	subject := func(value any, path ...string) func(object) object {
		return set(value, append([]string{"credentialSubject"}, path...)...)
	}
	return []vector{
		of("class", "no_name", "name is missing", "bad_value", set(nil, "name")),
		of("class", "blank_name", "name is blank", "bad_value", set("  ", "name")),
		of("class", "long_name", "name of 257 bytes", "bad_value", set(strings.Repeat("a", 257), "name")),
		of("class", "no_description", "description is missing", "bad_value", set(nil, "description")),
		of("class", "no_criteria", "criteria says nothing", "bad_value", set(object{}, "criteria")),
		of("class", "name_number", "name is a number", "bad_value", set(7, "name")),
		of("class", "no_creator", "creator is missing", "bad_value", set(nil, "creator")),
		of("class", "id_upper_case", "id in upper case", "bad_value", set(strings.ToUpper(uuid(0xabc)), "id")),
		of("class", "id_https", "id is an address that can change hands", "bad_value", set("https://example.org/1", "id")),
		of("class", "bad_type", "an achievementType of nobody", "bad_value", set("SavoirFaire", "achievementType")),
		of("class", "relative_alignment", "a relative targetUrl", "bad_value", set(list(object{"type": list("Alignment"), "targetName": "x", "targetUrl": "skill/1"}), "alignment")),
		of("class", "script_alignment", "a javascript: targetUrl", "bad_value", set(list(object{"type": list("Alignment"), "targetName": "x", "targetUrl": "javascript:alert(1)"}), "alignment")),
		of("class", "level_six", "a level 6", "bad_value", set(levels(level("#6", "6")), "resultDescription")),
		of("class", "level_twice", "two levels with one id", "bad_value", set(levels(level("#1", "1"), level("#1", "2")), "resultDescription")),
		of("class", "level_as_ladder", "a level with the id of the ladder", "bad_value", set(levels(level("#levels", "1")), "resultDescription")),
		of("class", "level_falling", "level 2 before level 1", "bad_value", set(levels(level("#2", "2"), level("#1", "1")), "resultDescription")),
		of("class", "level_spaced", "a space in the id of a level", "bad_value", set(levels(level("#a b", "1")), "resultDescription")),
		of("class", "level_elsewhere", "a level of another class", "bad_value", set(list(object{
			"id": uuid(8) + "#levels", "type": list("ResultDescription"), "name": "N", "resultType": "RubricCriterionLevel",
			"rubricCriterionLevel": list(level("#1", "1")),
		}), "resultDescription")),
		of("class", "no_break_space", "a name of no-break spaces", "bad_value", set("\u00a0\u3000", "name")),
		of("class", "member_case", "Name is not name", "unknown_member", set("Soudure", "Name")),
		of("class", "empty_member", "an optional member that is empty", "bad_value", set("", "inLanguage")),
		of("class", "rule_zero", "an optional number that is zero", "bad_value", set(object{"essaim:by": "holders", "essaim:minLevel": 0}, "essaim:rule")),
		of("class", "rule_mentors", "two mentors wanted, one listed", "bad_value", set(object{
			"essaim:by": "quorum", "essaim:mentors": 2, "essaim:listed": list(name(partner)),
		}, "essaim:rule")),
		of("class", "derived_from_dag", "derivedFrom is the CID of something else than bytes", "bad_value",
			set("bafyreigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", "essaim:derivedFrom")),
		of("class", "rule_unknown", "a rule nobody knows", "bad_value", set(object{"essaim:by": "nobody"}, "essaim:rule")),
		of("class", "rule_mixed", "a rule with members of another", "bad_value", set(object{"essaim:by": "creator", "essaim:holders": 3}, "essaim:rule")),
		of("class", "class_member", "essaim:class outside an award", "bad_value", set(cidOfBytes(nil), "essaim:class")),
		of("class", "derived_from_v0", "derivedFrom is a CID of version 0", "bad_value", set("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG", "essaim:derivedFrom")),
		of("class", "derived_from_upper", "derivedFrom in another base", "bad_value", set(strings.ToUpper(cidOfBytes(nil)), "essaim:derivedFrom")),
		of("class", "four_territories", "four territories", "bad_territory", set(list(brest, rennes, "iso:FR-29", "iso:FR-35"), "essaim:territory")),
		of("class", "territory_twice", "one territory twice", "bad_territory", set(list(brest, brest), "essaim:territory")),
		of("class", "territory_unknown", "a territory that is none", "bad_territory", set(list("brest"), "essaim:territory")),
		of("class", "territory_string", "territory as a string", "bad_value", set(brest, "essaim:territory")),
		of("award", "no_holder", "no holder", "bad_value", subject(nil, "id")),
		of("award", "holder_email", "the holder is an e-mail address", "bad_value", subject("mailto:nadia@example.org", "id")),
		of("award", "identifier", "a hashed e-mail, which is guessable, does not go on the network", "unknown_member", subject(list(object{
			"type": "IdentityObject", "hashed": true, "identityHash": "sha256$00", "identityType": "emailAddress",
		}), "identifier")),
		of("award", "no_class", "the class record is not named", "bad_value", subject(nil, "achievement", "essaim:class")),
		of("award", "unknown_level", "a level the class does not have", "bad_value", subject(list(object{
			"type": list("Result"), "resultDescription": uuid(1) + "#levels", "achievedLevel": uuid(1) + "#5",
		}), "result")),
		of("award", "embedded_context", "the embedded class has an @context of its own", "bad_value", subject(context(false), "achievement", "@context")),
		of("award", "no_zone", "validFrom without zone", "bad_value", set("2026-11-21T14:00:00", "validFrom")),
		of("award", "fraction_of_second", "validFrom with milliseconds", "bad_value", set("2026-11-21T14:00:00.000Z", "validFrom")),
		of("award", "leap_second", "validFrom in a leap second", "bad_value", set("2026-06-30T23:59:60Z", "validFrom")),
		of("award", "no_such_day", "validFrom on 29 February 2026", "bad_value", set("2026-02-29T00:00:00Z", "validFrom")),
		of("award", "small_t", "validFrom with a small t", "bad_value", set("2026-11-21t14:00:00Z", "validFrom")),
		of("award", "thirteen_evidences", "more evidence than fits as linked data", "bad_value", set(slices.Repeat(list(object{
			"type": list("Evidence"), "name": "x",
		}), 13), "evidence")),
		of("award", "ends_before", "ends before it begins", "bad_value", set("2026-11-20T00:00:00Z", "validUntil")),
		of("award", "type_reversed", "types in the other order", "unknown_kind", set(list("OpenBadgeCredential", "VerifiableCredential"), "type")),
		of("award", "status_list", "credentialStatus: states are records here", "unknown_member", set(object{
			"id": "https://example.org/#1", "type": "BitstringStatusListEntry",
		}, "credentialStatus")),
		of("endorsement", "of_oneself", "the endorser endorses itself", "bad_value", func(d object) object {
			return with(with(d, name(partner), "credentialSubject", "id"), nil, "credentialSubject", "essaim:cid")
		}),
		of("endorsement", "no_version", "an award is endorsed without its version", "bad_value", subject(nil, "essaim:cid")),
		of("endorsement", "weight_of_award", "a weight where none goes", "bad_value", subject(50, "essaim:weight")),
		of("endorsement", "weight_zero", "a weight of zero is not none", "bad_value", func(d object) object {
			d = with(with(d, name(place), "credentialSubject", "id"), nil, "credentialSubject", "essaim:cid")
			return with(d, 0, "credentialSubject", "essaim:weight")
		}),
		of("endorsement", "weight_odd", "a weight of 60", "bad_value", func(d object) object {
			d = with(with(d, name(place), "credentialSubject", "id"), nil, "credentialSubject", "essaim:cid")
			return with(d, 60, "credentialSubject", "essaim:weight")
		}),
		of("endorsement", "no_name", "name is missing, which the standard demands", "bad_value", set(nil, "name")),
		of("profile", "person_with_point", "a person has no place on a map", "bad_value", set("person", "essaim:kind")),
		of("profile", "email", "an e-mail address with a name in it", "bad_value", set("Fablab <a@fablab.example>", "email")),
		of("profile", "person_with_email", "a person gives no e-mail address to everybody", "bad_value", func(d object) object {
			return with(with(with(d, "person", "essaim:kind"), nil, "essaim:point"), "a@fablab.example", "email")
		}),
		of("profile", "point_minus_zero", "a zero with a sign", "bad_value", set("48.4084,-0.0000", "essaim:point")),
		of("profile", "point_off_map", "latitude 91", "bad_value", set("91.0000,0.0000", "essaim:point")),
		of("profile", "point_spelling", "a point with other decimals", "bad_value", set("48.40840,-4.4996", "essaim:point")),
		of("profile", "unknown_kind", "an essaim:kind nobody knows", "bad_value", set("robot", "essaim:kind")),
		of("status", "unknown_state", "a state nobody knows", "bad_value", set("paused", "essaim:state")),
		of("status", "unknown_reason", "a reason in free text, which would be public", "bad_value", set("Nadia a triché", "essaim:reason")),
		of("status", "did_target", "an identity cannot be suspended", "bad_value", set(name(person), "essaim:target")),
		of("status", "compromised_other", "another key is declared compromised", "bad_value", func(d object) object {
			d = with(with(d, name(person), "essaim:target"), "compromised", "essaim:state")
			return with(d, "2026-11-01T00:00:00Z", "essaim:since")
		}),
		of("status", "since", "since without compromised", "bad_value", set("2026-11-01T00:00:00Z", "essaim:since")),
		of("dispute", "no_comment", "a dispute says why in a sentence", "bad_value", set(nil, "essaim:comment")),
		of("dispute", "of_oneself", "nobody disputes themself", "bad_value", set(name(partner), "essaim:target")),
		of("notice", "no_skill", "neither skill nor tag", "bad_value", func(d object) object {
			return with(with(d, nil, "essaim:tag"), nil, "essaim:skill")
		}),
		of("notice", "blank_tag", "a tag of one space", "bad_value", set(list(" "), "essaim:tag")),
		of("notice", "no_direction", "neither offer nor request", "bad_value", set("gift", "essaim:direction")),
		of("succession", "to_itself", "a key succeeds itself", "bad_value", set(name(place), "essaim:to")),
	}
}

// times are about signed times beyond those of every kind.
func times() []vector {
	g := canonical(good(kindNamed("class")))
	return []vector{
		{name: "class_ten_minutes_ahead", comment: "exactly ten minutes ahead is not the future", kind: "class", now: "2026-11-22T10:50:00Z", record: g},
		of("notice", "two_years", "lasts two years", "bad_time", set("2028-11-22T11:00:00Z", "essaim:until")),
		of("notice", "ended_before", "ended before it was made", "bad_time", set("2026-11-22T10:00:00Z", "essaim:until")),
		{
			name: "class_future_bad_signature", comment: "from the future and wrongly signed: only what is right is held", expect: "bad_signature",
			now: "2026-11-22T10:49:59Z", record: bytes.Replace(g, []byte(`"description":"S`), []byte(`"description":"s`), 1),
		},
		{name: "class_at_genesis", comment: "signed in the first second there can be records", kind: "class", record: canonical(seal(class(), []step{{
			key: place, suite: proof.JCS, purpose: proof.Assertion, created: "2026-01-01T00:00:00Z",
		}}))},
		of("notice", "a_year", "ends 366 days after it was made", "", set("2027-11-23T11:00:00Z", "essaim:until")),
		of("notice", "a_year_and_a_second", "ends a second later", "bad_time", set("2027-11-23T11:00:01Z", "essaim:until")),
		{name: "class_bad_created", comment: "created with an offset", expect: "bad_time", record: canonical(seal(class(), []step{{
			key: place, suite: proof.JCS, purpose: proof.Assertion, created: "2026-11-22T12:00:00+01:00",
		}}))},
	}
}

// keys are about keys and signatures that libraries judge differently.
func keys() []vector {
	// The neutral element as a key: any signature of R = S·B verifies under
	// lax rules. Made by hand, since no private key has it.
	neutral := make(ed25519.PublicKey, 32)
	neutral[0] = 1
	weak := did.FromPublicKey(neutral)
	d := seal(status(), alone(place)())
	d["essaim:author"] = string(weak)
	p := with(d["proof"].([]any)[0].(object), weak.VerificationMethod(), "verificationMethod")
	d["proof"] = list(p)

	// S of a signature raised by the order of the group: another spelling of
	// the same signature, which must not be another record.
	long := seal(status(), alone(place)())
	q := with(long["proof"].([]any)[0].(object), raiseS(long["proof"].([]any)[0].(object)["proofValue"].(string)), "proofValue")
	long["proof"] = list(q)

	// A key that is no point of the curve: the first small y without an x.
	var off did.DID
	for y := byte(2); ; y++ {
		k := make(ed25519.PublicKey, 32)
		k[0] = y
		if proof.WeakKey(k) {
			off = did.FromPublicKey(k)
			break
		}
	}
	nowhere := seal(status(), alone(place)())
	nowhere["essaim:author"] = string(off)
	nowhere["proof"] = list(with(nowhere["proof"].([]any)[0].(object), off.VerificationMethod(), "verificationMethod"))

	spelled := func(change func(string) string) []byte {
		d := seal(status(), alone(place)())
		p := d["proof"].([]any)[0].(object)
		d["proof"] = list(with(p, change(p["proofValue"].(string)), "proofValue"))
		return canonical(d)
	}

	short := seal(status(), alone(place)())
	short["proof"] = list(with(short["proof"].([]any)[0].(object), "z1111", "proofValue"))

	fragment := seal(status(), alone(place)())
	fragment["proof"] = list(with(fragment["proof"].([]any)[0].(object), name(place)+"#key-1", "verificationMethod"))
	return []vector{
		{name: "key_small_order", comment: "a key of small order, under which signatures mean nothing", expect: "weak_key", record: canonical(d)},
		{name: "signature_malleable", comment: "S raised by the group order", expect: "bad_signature", record: canonical(long)},
		{name: "key_off_curve", comment: "a key that is no point of the curve", expect: "weak_key", record: canonical(nowhere)},
		{
			name: "signature_zero_first", comment: "a proofValue with one zero byte more", expect: "bad_proof",
			record: spelled(func(s string) string { return "z1" + s[1:] }),
		},
		{
			name: "signature_multibase", comment: "a proofValue that says it is base64url", expect: "bad_proof",
			record: spelled(func(s string) string { return "u" + s[1:] }),
		},
		{
			name: "signature_alphabet", comment: "a letter base58btc does not have", expect: "bad_proof",
			record: spelled(func(s string) string { return s[:len(s)-1] + "l" }),
		},
		{name: "signature_short", comment: "a proofValue that is not 64 bytes", expect: "bad_proof", record: canonical(short)},
		{name: "key_fragment", comment: "a fragment that does not repeat the key", expect: "bad_proof", record: canonical(fragment)},
		of("status", "author_not_a_key", "an author on the curve of another algorithm", "bad_value", set("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", "essaim:author")),
	}
}

// raiseS adds the order of the group to S.
func raiseS(value string) string {
	p := proof.Proof{Value: value}
	s := must(p.Signature())
	order := []byte{
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
	}
	carry := 0
	for i := range order {
		sum := int(s[32+i]) + int(order[i]) + carry
		s[32+i], carry = byte(sum), sum>>8
	}
	return encode58(s)
}
