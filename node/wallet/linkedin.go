package wallet

import (
	"net/url"
	"strconv"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// linkedIn returns the address at which somebody adds the badge to their
// profile on LinkedIn, by LinkedIn's own form. It is made when a person asks
// for it, and nothing of this node goes there before they follow it.
func (x *Exporter) linkedIn(award protocol.Record) string {
	doc := award.Document().(*badge.AchievementCredential)
	q := url.Values{
		"startTask": {"CERTIFICATION_NAME"}, "name": {doc.Name}, "organizationName": {x.nameOf(doc.Issuer)},
		"certId": {award.CID().String()},
	}
	if on := awardedOn(doc); !on.IsZero() {
		q.Set("issueYear", strconv.Itoa(on.Year()))
		q.Set("issueMonth", strconv.Itoa(int(on.Month())))
	}
	if until := award.Until(); !until.IsZero() {
		q.Set("expirationYear", strconv.Itoa(until.Year()))
		q.Set("expirationMonth", strconv.Itoa(int(until.Month())))
	}
	if x.public != "" {
		q.Set("certUrl", x.credentialURL(award))
	}
	return "https://www.linkedin.com/profile/add?" + q.Encode()
}
