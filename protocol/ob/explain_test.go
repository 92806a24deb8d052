package ob_test

import "strings"

// because explains why the verdict on some files is not what the manifest says:
// in what, and why the verdict stands. `attendu` of the manifest is a guess by
// the name of the file; `preuve` is what other programs found.
type because struct{ in, because string }

const (
	noBadge    = "it is a part of a standard or of a test, not a badge, and is refused as none"
	onHost     = "what is wrong stands in another file: offline the verdict is unknown, and TestIssuersRules has the rest at hand"
	abridged   = "an example that leaves out members its standard wants"
	writtenOut = "its context is written out, which the manifest takes for 1.0; its members are those of 2.0"
)

// explanations by file, or by what names begin and end with.
var explanations = map[string]because{
	"1edtech-spec/extensions/*":                {"well_formed", noBadge},
	"1edtech-spec/ob_v2p0/*":                   {"well_formed", noBadge},
	"1edtech-spec/ob_v2p1/*":                   {"well_formed", noBadge},
	"1edtech-spec/ob_v3p0/context*":            {"standard well_formed", noBadge},
	"1edtech-spec/ob_v3p0/impl/test-vectors/*": {"well_formed", noBadge},

	"1edtech-spec/examples/01-VerifiableCredential_AssertionCredential.json": {"standard", "AssertionCredential is the name of a draft: it is a credential, and no badge of 3.0"},
	"1edtech-spec/examples/25-VerifiableCredential_OpenBadgeCredential.json": {"shape", abridged},
	"1edtech-spec/examples/33-VerifiableCredential_OpenBadgeCredential.json": {"shape", abridged},
	"1edtech-spec/examples/41-VerifiableCredential_OpenBadgeCredential.json": {"shape", abridged},

	"1edtech-spec/examples/02-Profile.json":     {"standard well_formed", "a profile without a context says of no standard that it follows it"},
	"1edtech-spec/examples/08-BadgeClass.json":  {"shape", abridged},
	"1edtech-spec/examples/10-Assertion.json":   {"dates", "it expired in 2017"},
	"1edtech-spec/examples/17-Endorsement.json": {"shape", abridged},
	"1edtech-spec/examples/19-Assertion.json":   {"shape", abridged},
	"1edtech-spec/examples/32-Profile.json":     {"standard", "a profile is a document of VC, and no badge"},
	"1edtech-spec/examples/36-BadgeClass.json":  {"shape", abridged},

	"1edtech-validator-core/openbadges_context.json":                                                {"well_formed", noBadge},
	"1edtech-validator/ob20/assets/openbadges_context.json":                                         {"well_formed", noBadge},
	"1edtech-validator/ob20/assets/badgecriteria.json":                                              {"well_formed", noBadge},
	"1edtech-validator/ob20/assets/bad-issuer.json":                                                 {"invalid", "its address is a urn:, where nothing can be published; the document itself has what 2.0 asks"},
	"1edtech-validator/ob20/assets/badge-with-bad-issuer.json":                                      {"invalid", onHost},
	"1edtech-validator/ob20/assets/badgeclass-with-verification-invalid-*":                          {"standard invalid", writtenOut + "; " + onHost},
	"1edtech-validator/ob20/assets/badgeclass-with-verification-valid-*":                            {"standard", writtenOut},
	"1edtech-validator/ob20/assets/badgeclass-with-verification.json":                               {"standard", writtenOut},
	"1edtech-validator/ob20/assets/badgeclass1.json":                                                {"standard", writtenOut},
	"1edtech-validator/ob20/assets/issuer-with-allowed-origins-invalid-*":                           {"invalid", "the issuer is well-formed: it does not answer for the site of one assertion"},
	"1edtech-validator/ob20/basic-assertion-with-allowed-origins-invalid-multiple-starts-with.json": {"invalid", onHost},
	"1edtech-validator/ob20/rdf-validation/badge-class-invalid-issuer-type.json":                    {"invalid", onHost},
	"1edtech-validator/ob20/rdf-validation/valid-badge-class*":                                      {"standard", writtenOut},
	"1edtech-validator/ob20/rdf-validation/valid-cool-class.json":                                   {"shape", "its type is defined by its own context: no document of Open Badges"},
	"1edtech-validator/ob20/redirected-validation-subject.json":                                     {"well_formed", "it begins with a comment, which JSON has not"},

	"1edtech-validator/ob30/complete.json":          {"signature", "the other program lacked the context extensions.json, of which there is a copy here: the outer signature fits, its endorsements are noted and not verified"},
	"1edtech-validator/ob30/complete_v1.json":       {"dates", "it expired in 2020"},
	"1edtech-validator/ob30/endorsement-valid.json": {"signature", "the other program lacked the context extensions.json, of which there is a copy here: the signature fits"},
	"1edtech-validator/ob30/simple-noproof.json":    {"shape", "it has no achievement"},

	"catalogue-fr/typologie-badges-ledome.json":          {"well_formed", noBadge},
	"concentricsky-bakery/baked_example.svg":             {"shape", "its recipient stands under another name than 1.0 gave it"},
	"concentricsky-bakery/baked_heart.png":               {"shape", "its recipient has no type"},
	"dcc-verifier-core/v2DoubleSigWithBadStatusUrl.json": {"invalid", "its list is at an address where nothing is: that is unknown, both signatures fit"},
	"dcc-verifier-core/v2WithBadDidWeb.json":             {"invalid", "its did:web is bad where it stands: offline that is unknown"},
	"lcw/mockOpenBadgeWithAlignments.json":               {"shape", abridged},
	"mozilla-bakery-service/demo.json":                   {"shape", "a template: its address is {{ self }}"},
	"mozilla-bakery-service/test-0.5.json":               {"dates", "it expired in 2013"},
	"mozilla-bakery/no-json.svg":                         {"invalid", "it holds an address, as Open Badges 1.0 did: unknown until somebody goes there"},

	"w3c-vc-di-eddsa/*JCS.txt":                           {"well_formed", noBadge},
	"w3c-vc-di-eddsa/*DataInt.txt":                       {"well_formed", noBadge},
	"w3c-vc-di-eddsa/keyPair.json":                       {"well_formed", noBadge},
	"w3c-vc-di-eddsa/eddsa-rdfc-2022/signedDataInt.json": {"signature issuer", "its context of examples has no copy here on purpose: it lets any term pass; protocol/proof holds this vector with a stand-in"},
	"w3c-vc-ed/samples-openBadgeAsLer.json":              {"dates", "it has no date of issue"},
	"w3c-vc-di-eddsa/eddsa-jcs-2022/canonDocJCS.txt":     {"", "the document as canonical JSON, which is a credential without proof"},
	"w3c-vc-di-eddsa/eddsa-jcs-2022/proofCanonJCS.txt":   {"", "a proof under the context of credentials: a document of VC"},
}

// explanation returns that of a file: under its own name, or that of many.
func explanation(name string, used map[string]bool) (because, bool) {
	if why, ok := explanations[name]; ok {
		used[name] = true
		return why, true
	}
	for pattern, why := range explanations {
		before, after, many := strings.Cut(pattern, "*")
		if many && strings.HasPrefix(name, before) && strings.HasSuffix(name, after) {
			used[pattern] = true
			return why, true
		}
	}
	return because{}, false
}
