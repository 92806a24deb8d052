package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/jose"
)

var b64 = base64.RawURLEncoding

// Appendix A.3 of RFC 7515 and A.4 of RFC 8037, as printed there.
const (
	es256JWK = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	es256    = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	edJWK    = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	eddsa    = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

func TestPublishedExamples(t *testing.T) {
	for _, tt := range []struct{ jwk, jws string }{{es256JWK, es256}, {edJWK, eddsa}} {
		key, err := jose.ParseJWK([]byte(tt.jwk))
		if err != nil {
			t.Fatal(err)
		}
		s, err := jose.Parse([]byte(tt.jws))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(key); err != nil {
			t.Errorf("%s: %v", tt.jws, err)
		}
	}
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign returns a compact JWS by key, whatever its header says.
func sign(t testing.TB, header, payload string, key crypto.Signer) string {
	t.Helper()
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	digest := sha256.Sum256([]byte(input))
	var signature []byte
	var err error
	switch key := key.(type) {
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, key, digest[:])
		if err == nil {
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(input))
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + b64.EncodeToString(signature)
}

func rsaJWK(key *rsa.PublicKey) string {
	return fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB"}`, b64.EncodeToString(key.N.Bytes()))
}

func pkix(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestEachAlgorithmWantsItsKey(t *testing.T) {
	r := rsaKey(t, 2048)
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, d, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signers := map[string]crypto.Signer{jose.RS256: r, jose.ES256: e, jose.EdDSA: d}
	for algorithm, signer := range signers {
		s, err := jose.Parse([]byte(sign(t, `{"alg":"`+algorithm+`"}`, `{"a":1}`, signer)))
		if err != nil {
			t.Fatal(err)
		}
		if string(s.Payload) != `{"a":1}` {
			t.Errorf("payload %q", s.Payload)
		}
		for other, signer := range signers {
			key, err := jose.ParsePEM(pkix(t, signer.Public()))
			if err != nil {
				t.Fatal(err)
			}
			got := s.Verify(key)
			if algorithm == other && got != nil || algorithm != other && !errors.Is(got, jose.ErrMismatch) {
				t.Errorf("%s by the key of %s: %v", algorithm, other, got)
			}
		}
	}
	if key, err := jose.ParseJWK([]byte(rsaJWK(&r.PublicKey))); err != nil || !r.PublicKey.Equal(key) {
		t.Errorf("RSA as JWK: %v, %v", key, err)
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&r.PublicKey)})
	if key, err := jose.ParsePEM(pkcs1); err != nil || !r.PublicKey.Equal(key) {
		t.Errorf("RSA as PKCS 1: %v, %v", key, err)
	}
	s, err := jose.Parse([]byte(sign(t, `{"alg":"RS256"}`, `{}`, r)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify("a word"); !errors.Is(err, jose.ErrKey) {
		t.Errorf("a word as a key: %v", err)
	}
}

// A public key is no secret: a tag made with it must not pass as a signature.
func TestAlgorithmConfusion(t *testing.T) {
	r := rsaKey(t, 2048)
	input := b64.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + b64.EncodeToString([]byte(`{}`))
	mac := hmac.New(sha256.New, pkix(t, r.Public()))
	mac.Write([]byte(input))
	if _, err := jose.Parse([]byte(input + "." + b64.EncodeToString(mac.Sum(nil)))); !errors.Is(err, jose.ErrAlgorithm) {
		t.Errorf("HS256 with the public key: %v, want ErrAlgorithm", err)
	}
}

func TestParseRefuses(t *testing.T) {
	header := func(h string) string { return b64.EncodeToString([]byte(h)) + ".e30.AAAA" }
	for name, tt := range map[string]struct {
		jws  string
		want error
	}{
		"nothing":                  {"", jose.ErrForm},
		"two parts":                {"e30.e30", jose.ErrForm},
		"four parts":               {"aaa.bbb.ccc.ddd", jose.ErrForm},
		"none":                     {header(`{"alg":"none"}`), jose.ErrAlgorithm},
		"none without signature":   {b64.EncodeToString([]byte(`{"alg":"none"}`)) + ".e30.", jose.ErrAlgorithm},
		"None":                     {header(`{"alg":"None"}`), jose.ErrAlgorithm},
		"no algorithm":             {header(`{}`), jose.ErrAlgorithm},
		"HS256":                    {header(`{"alg":"HS256"}`), jose.ErrAlgorithm},
		"PS256":                    {header(`{"alg":"PS256"}`), jose.ErrAlgorithm},
		"two algorithms":           {header(`{"alg":"none","alg":"EdDSA"}`), jose.ErrForm},
		"a number":                 {header(`{"alg":1}`), jose.ErrForm},
		"an array":                 {header(`[]`), jose.ErrForm},
		"an extension":             {header(`{"alg":"EdDSA","crit":["b64"],"b64":false}`), jose.ErrCritical},
		"no extension in crit":     {header(`{"alg":"EdDSA","crit":[]}`), jose.ErrCritical},
		"padding":                  {strings.Replace(eddsa, "pbmc.", "pbmc=.", 1), jose.ErrForm},
		"the other alphabet":       {strings.Replace(eddsa, "hgyY0il_", "hgyY0il/", 1), jose.ErrForm},
		"bits left over":           {eddsa[:len(eddsa)-1] + "h", jose.ErrForm},
		"a line end":               {strings.Replace(eddsa, ".R", ".\nR", 1), jose.ErrForm},
		"a line end in the middle": {eddsa + "\n", jose.ErrForm},
		"a large one":              {header(`{"alg":"EdDSA"}`) + strings.Repeat("A", jose.MaxBytes), jose.ErrForm},
	} {
		if _, err := jose.Parse([]byte(tt.jws)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	key, err := jose.ParseJWK([]byte(es256JWK))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(es256, ".")
	for name, jws := range map[string]string{
		"another payload": parts[0] + ".e30." + parts[2],
		"another header":  b64.EncodeToString([]byte(`{"alg":"ES256","x":1}`)) + "." + parts[1] + "." + parts[2],
		"no signature":    parts[0] + "." + parts[1] + ".",
		"zeros":           parts[0] + "." + parts[1] + "." + b64.EncodeToString(make([]byte, 64)),
		"one byte more":   es256[:len(es256)-1] + "UA",
	} {
		s, err := jose.Parse([]byte(jws))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := s.Verify(key); !errors.Is(err, jose.ErrSignature) {
			t.Errorf("%s: %v, want ErrSignature", name, err)
		}
	}
}

func TestKeysRefused(t *testing.T) {
	for name, jwk := range map[string]string{
		"nothing":             ``,
		"no kind":             `{}`,
		"a secret":            `{"kty":"oct","k":"AAAA"}`,
		"an Ed25519 secret":   strings.Replace(edJWK, `"x"`, `"d":"AAAA","x"`, 1),
		"for encryption":      strings.Replace(edJWK, `"x"`, `"use":"enc","x"`, 1),
		"X25519":              strings.Replace(edJWK, "Ed25519", "X25519", 1),
		"secp256k1":           strings.Replace(es256JWK, "P-256", "secp256k1", 1),
		"off the curve":       strings.Replace(es256JWK, "f83O", "f83P", 1),
		"a short coordinate":  `{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}`,
		"a short Ed25519":     `{"kty":"OKP","crv":"Ed25519","x":"AAAA"}`,
		"of small order":      `{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
		"RSA of 1024 bits":    rsaJWK(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1)}),
		"RSA of 16384 bits":   rsaJWK(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 16383, 1)}),
		"RSA with an even n":  rsaJWK(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(0), 2047, 1)}),
		"RSA to the power 1":  strings.Replace(rsaJWK(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 2047, 1)}), "AQAB", "AQ", 1),
		"RSA without a power": strings.Replace(rsaJWK(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 2047, 1)}), "AQAB", "", 1),
		"two kinds":           `{"kty":"oct","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
	} {
		if key, err := jose.ParseJWK([]byte(jwk)); !errors.Is(err, jose.ErrKey) {
			t.Errorf("%s: %v, %v, want ErrKey", name, key, err)
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"no PEM":        []byte("hello"),
		"a private key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
		"not DER":       pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
		"P-384":         pkix(t, p384.Public()),
	} {
		if key, err := jose.ParsePEM(text); !errors.Is(err, jose.ErrKey) {
			t.Errorf("%s: %v, %v, want ErrKey", name, key, err)
		}
	}
}

// Whatever is parsed is spelt in one way, and no random bytes verify.
func FuzzParse(f *testing.F) {
	f.Add([]byte(es256))
	f.Add([]byte(eddsa))
	f.Add([]byte("aaa.bbb.ccc.ddd"))
	var keys []crypto.PublicKey
	for _, jwk := range []string{es256JWK, edJWK} {
		key, err := jose.ParseJWK([]byte(jwk))
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, key)
	}
	f.Fuzz(func(t *testing.T, compact []byte) {
		s, err := jose.Parse(compact)
		if err != nil {
			return
		}
		for _, key := range keys {
			if err := s.Verify(key); err == nil && string(compact) != es256 && string(compact) != eddsa {
				t.Errorf("%q verifies", compact)
			}
		}
		_, _ = jose.ParseJWK(s.Header.Key)
	})
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{es256JWK, edJWK, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"} {
		f.Add([]byte(s))
	}
	s, err := jose.Parse([]byte(es256))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if key, err := jose.ParseJWK(raw); err == nil {
			_ = s.Verify(key)
		}
		if key, err := jose.ParsePEM(raw); err == nil {
			_ = s.Verify(key)
		}
	})
}
