package ob_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// update writes testdata/traps again.
var update = flag.Bool("update", false, "write testdata/traps again")

// trap is a file that tries to cost too much, to be read in two ways, or to be
// taken for somebody's. Those of testdata/traps go through the API and the
// program as well.
type trap struct {
	name, file string
	question   foreign.Question
	want       string // answer and reason
	// refused says that an import keeps nothing of it; the others are kept as
	// what they are, and never attested.
	refused bool
	why     string
}

func traps(t *testing.T) []trap {
	t.Helper()
	brest, brestDID := person(t, 1)
	mallory, malloryDID := person(t, 2)
	own := credential3(string(brestDID), "")
	good := proven(t, own, proof.JCS, brestDID.VerificationMethod(), brest)
	elsewhere := credential3("https://brest.example/issuer", "")
	fragment := "https://brest.example/issuer#" + strings.TrimPrefix(string(malloryDID), "did:key:")
	size := 0
	if *update { // nothing else looks at what is made here
		size = 24 << 20
	}
	zeros := strings.Repeat("\x00", size)
	var squeezed, gzipped bytes.Buffer
	w := zlib.NewWriter(&squeezed)
	_, _ = w.Write([]byte(zeros))
	_ = w.Close()
	g := gzip.NewWriter(&gzipped)
	_, _ = g.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg">` + zeros + `</svg>`))
	_ = g.Close()
	header := func(s string) string { return base64url.EncodeToString([]byte(s)) }
	payload := base64url.EncodeToString([]byte(own))
	confused := header(`{"alg":"HS256","kid":"`+brestDID.VerificationMethod()+`"}`) + "." + payload
	mac := hmac.New(sha256.New, []byte(strings.TrimPrefix(string(brestDID), "did:key:")))
	mac.Write([]byte(confused))
	confused += "." + base64url.EncodeToString(mac.Sum(nil))
	public := base64url.EncodeToString(malloryDID.PublicKey())
	carried := compact(t, `{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"`+public+`"}}`, own, mallory)
	huge := pictureOf("\x7f\xff\xff\xff\x7f\xff\xff\xff\x10\x06\x00\x00\x00", "IDAT"+squeezed.String())
	wide := `{"a":[` + strings.TrimSuffix(strings.Repeat("0,", 40_000), ",") + `]}`
	var graph strings.Builder
	for range 300 {
		graph.WriteString(`{"type":["Evidence"]},`)
	}
	entities := `<!DOCTYPE svg [<!ENTITY a0 "aaaaaaaaaa">`
	for i := 1; i < 10; i++ {
		entities += fmt.Sprintf(`<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	entities += `]><svg xmlns="http://www.w3.org/2000/svg"><text>&a9;</text></svg>`
	costly := strings.Replace(proven(t, own, proof.RDFC, brestDID.VerificationMethod(), brest), `"credentialSubject"`, `"evidence":[`+strings.TrimSuffix(graph.String(), ",")+`],"credentialSubject"`, 1)
	const well = foreign.WellFormed
	return []trap{
		{"bomb-itxt.png", picture("iTXtopenbadgecredential\x00\x01\x00\x00\x00" + squeezed.String()), well, "no too_large", true, "24 MB of zeros in 24 KB"},
		{"bomb-ztxt.png", picture("zTXtopenbadges\x00\x00" + squeezed.String()), well, "no too_large", true, "the same in the older chunk"},
		{"bomb-gzip.svgz", gzipped.String(), well, "no no_badge", true, "a drawing in gzip"},
		{"pixels.png", huge, well, "no no_badge", true, "a picture of 2,147,483,647 pixels square, and no badge"},
		{"entities.svg", entities, well, "no defines_entities", true, "ten to the ten letters"},
		{"external.svg", `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>`, well, "no defines_entities", true, "reads a file"},
		{"length.png", strings.Replace(picture("tEXtopenbadges\x00x"), "\x00\x00\x00\x0ctEXt", "\xff\xff\xff\xf0tEXt", 1), well, "no damaged_image", true, "a chunk of 4 GB"},
		{"checksum.png", strings.Replace(picture("tEXtopenbadges\x00https://brest.example/a"), "brest", "crest", 1), well, "no damaged_image", true, "a checksum of something else"},
		{"two.png", picture("tEXtopenbadges\x00https://a.example/1", "tEXtopenbadges\x00https://a.example/2"), well, "no two_payloads", true, "two badges, each reader its own"},
		{"two.svg", `<svg xmlns="http://www.w3.org/2000/svg" xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0"><openbadges:credential><![CDATA[` + good + `]]></openbadges:credential><openbadges:credential><![CDATA[` + own + `]]></openbadges:credential></svg>`, well, "no two_payloads", true, "the same in a drawing"},
		{"duplicate.json", strings.Replace(good, `"name":"Laser"`, `"name":"Laser","name":"Chirurgie"`, 1), well, "no duplicate_member", true, "a member twice"},
		{"deep.json", strings.Repeat(`{"a":`, 4_000) + "1" + strings.Repeat("}", 4_000), well, "no too_deep", true, "4,000 objects inside one another"},
		{"wide.json", wide, well, "no too_large", true, "40,000 values"},
		{"surrogate.json", strings.Replace(own, "Laser", `\ud800`, 1), well, "no malformed", true, "half a character"},
		{"none.jws", header(`{"alg":"none"}`) + "." + payload + ".", well, "no bad_algorithm", true, "signed by nobody"},
		{"confused.jws", confused, well, "no bad_algorithm", true, "signed with the public key as a shared secret"},
		{"critical.jws", compact(t, `{"alg":"EdDSA","crit":["b64"],"b64":false}`, own, brest), well, "no bad_algorithm", true, "a header that changes what is signed"},
		{"javascript.txt", "javascript:alert(1)", well, "no bad_address", true, "an address that runs"},
		{"file.png", picture("tEXtopenbadges\x00file:///etc/passwd"), well, "no bad_address", true, "an address of a file"},
		{"inside.png", picture("tEXtopenbadges\x00https://127.0.0.1/badge.json"), well, "unknown address_only", true, "an address inside"},
		{"other.json", proven(t, own, proof.JCS, malloryDID.VerificationMethod(), mallory), foreign.Issuer, "no other_signer", true, "signed by somebody else"},
		{"carried.jws", carried, foreign.Issuer, "no other_signer", true, "with a key it brings along"},
		{"fragment.json", proven(t, elsewhere, proof.JCS, fragment, mallory), foreign.Issuer, "unknown not_at_hand", false, "with a key in the fragment of its issuer's address"},
		{"graph.json", costly, foreign.Signature, "unknown too_costly", false, "a graph whose order takes for ever"},
	}
}

// Each trap is told by its question and reason, for less than 64 MB allocated in
// all, and none is good.
func TestTraps(t *testing.T) {
	folder := filepath.Join("testdata", "traps")
	table := "file\tquestion\tanswer\timport\twhat\n"
	all := traps(t)
	for _, x := range all {
		kept := "kept"
		if x.refused {
			kept = "refused"
		}
		table += fmt.Sprintf("%s\t%s\t%s\t%s\t%s\n", x.name, x.question, x.want, kept, x.why)
	}
	if *update {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, x := range all {
			if err := os.WriteFile(filepath.Join(folder, x.name), []byte(x.file), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(folder, "TRAPS.tsv"), []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, filepath.Join(folder, "TRAPS.tsv")); got != table {
		t.Errorf("testdata/traps is not of these: go test ./protocol/ob -run TestTraps -update\n got %s\nwant %s", got, table)
	}
	for _, x := range all {
		file := []byte(read(t, filepath.Join(folder, x.name)))
		var b ob.Badge
		spent, _ := costs(func() { b = ob.Verify(file, foreign.Inquiry{Now: now}) })
		f := b.Findings[x.question]
		if got := f.Answer.String() + " " + string(f.Reason); got != x.want {
			t.Errorf("%s, %s: %s is %s, want %s\n%s", x.name, x.why, x.question, got, x.want, show(b))
		}
		if b.Overall() == foreign.Yes {
			t.Errorf("%s, %s: it is good", x.name, x.why)
		}
		if spent > 64<<20 {
			t.Errorf("%s, %s: %d bytes were allocated", x.name, x.why, spent)
		}
		sane(t, x.name, b)
	}
}
