//go:build vcapi

// Command vcapi lets test suites of others ask our code to sign and to verify:
// the two operations of the "Verifiable Credential API v0.3" (W3C CCG) that the
// suites of the W3C call, for eddsa-rdfc-2022 and eddsa-jcs-2022. It is built
// with -tags vcapi alone, is part of no release, and signs what anybody gives
// it with a key that dies with it.
//
// Usage: vcapi [PROGRAM ARGUMENT…]. It listens on 127.0.0.1 and runs the
// program with its address in VCAPI_URL and its identity in VCAPI_DID; without a
// program it serves until it is interrupted. The operations are
// POST {url}/rdfc/credentials/issue and so on, and /jcs/…. What suites say of it
// stands in spec/export.md §5.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mr-tron/base58"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
	"codeberg.org/essaim/essaim/protocol/proof"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "vcapi:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &signer{key, did.FromPublicKey(key.Public().(ed25519.PublicKey))}
	mux := http.NewServeMux()
	for name, suite := range map[string]string{"rdfc": proof.RDFC, "jcs": proof.JCS} {
		mux.HandleFunc("POST /"+name+"/credentials/issue", answer(http.StatusCreated, func(body []byte) (any, error) { return s.issue(suite, body) }))
		mux.HandleFunc("POST /"+name+"/credentials/verify", answer(http.StatusOK, func(body []byte) (any, error) { return verify(suite, body) }))
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	defer server.Close()
	go server.Serve(listener) //nolint:errcheck // ends with Close
	url := "http://" + listener.Addr().String()
	if len(os.Args) < 2 {
		fmt.Println(url, s.id)
		<-ctx.Done()
		return nil
	}
	program := exec.CommandContext(ctx, os.Args[1], os.Args[2:]...)
	program.Env = append(os.Environ(), "VCAPI_URL="+url, "VCAPI_DID="+string(s.id))
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	return program.Run()
}

// answer turns an operation into a handler: 400 when it fails.
func answer(status int, operation func([]byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, foreign.MaxBytes))
		var out any
		if err == nil {
			out, err = operation(body)
		}
		if err != nil {
			status, out := http.StatusBadRequest, map[string]any{"verified": false, "errors": []string{err.Error()}}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.MarshalWrite(w, out) // whoever asked has gone
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.MarshalWrite(w, out) // whoever asked has gone
	}
}

type signer struct {
	key ed25519.PrivateKey
	id  did.DID
}

// issue signs a credential in our own name, whoever it names as issuer.
func (s *signer) issue(suite string, body []byte) (any, error) {
	var request struct {
		Credential jsontext.Value `json:"credential"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	credential, err := foreign.Parse(request.Credential)
	if err != nil {
		return nil, err
	}
	if err := wellFormed(credential); err != nil {
		return nil, err
	}
	if issuer, ok := credential.Object["issuer"].(map[string]any); ok {
		issuer["id"] = string(s.id)
	} else {
		credential.Object["issuer"] = string(s.id)
	}
	delete(credential.Object, "proof")
	// Credentials 1.1 have no words for a proof of this kind: they get them
	// (Data Integrity 1.0, Context Injection).
	if !credential.Names(proof.ContextCredentials) && !credential.Names(proof.ContextDataIntegrity) {
		credential.Object["@context"] = append(credential.List("@context"), proof.ContextDataIntegrity)
	}
	config := map[string]any{
		"type": proof.Type, "cryptosuite": suite, "created": badge.FormatTime(time.Now()),
		"verificationMethod": s.id.VerificationMethod(), "proofPurpose": proof.Assertion,
	}
	if suite == proof.JCS {
		config["@context"] = credential.Object["@context"]
	}
	unsecured, err := foreign.Canonical(credential.Object)
	if err != nil {
		return nil, err
	}
	raw, err := foreign.Canonical(config)
	if err != nil {
		return nil, err
	}
	h := proof.HashJCS(raw, unsecured)
	if suite == proof.RDFC {
		if h, err = proof.HashForeign(raw, unsecured); err != nil {
			return nil, err
		}
	}
	config["proofValue"] = "z" + base58.FastBase58Encoding(ed25519.Sign(s.key, h[:]))
	credential.Object["proof"] = config
	return credential.Object, nil
}

// wellFormed asks the little of a credential that no signature can make good.
func wellFormed(credential foreign.Document) error {
	contexts := credential.Texts("@context")
	switch {
	case len(contexts) == 0 || contexts[0] != proof.ContextCredentials && contexts[0] != "https://www.w3.org/2018/credentials/v1":
		return errors.New("@context does not begin with that of credentials")
	case !credential.Is("VerifiableCredential"):
		return errors.New("type is not VerifiableCredential")
	case credential.ID("issuer") == "":
		return errors.New("issuer is missing")
	case len(credential.Objects("credentialSubject")) == 0:
		return errors.New("credentialSubject is missing")
	}
	return nil
}

// verify takes a credential for good when the questions of signature, issuer
// and dates are answered yes by the code every import goes through.
func verify(suite string, body []byte) (any, error) {
	var request struct {
		Credential jsontext.Value `json:"verifiableCredential"`
		Options    struct {
			Purpose   string `json:"expectedProofPurpose"`
			Domain    string `json:"domain"`
			Challenge string `json:"challenge"`
		} `json:"options"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	credential, err := foreign.Parse(request.Credential)
	if err != nil {
		return nil, err
	}
	if err := wellFormed(credential); err != nil {
		return nil, err
	}
	for _, p := range credential.Objects("proof") {
		switch {
		case p.Text("type") != proof.Type || p.Text("cryptosuite") != suite:
			return nil, fmt.Errorf("the proof is %s %s, not %s", p.Text("type"), p.Text("cryptosuite"), suite)
		case request.Options.Purpose != "" && p.Text("proofPurpose") != request.Options.Purpose:
			return nil, fmt.Errorf("the proof is for %s", p.Text("proofPurpose"))
		case request.Options.Domain != "" && p.Text("domain") != request.Options.Domain,
			request.Options.Challenge != "" && p.Text("challenge") != request.Options.Challenge:
			return nil, errors.New("the proof is for another domain or challenge")
		}
	}
	b := ob.Verify(request.Credential, foreign.Inquiry{Now: time.Now()})
	for _, q := range []foreign.Question{foreign.WellFormed, foreign.Signature, foreign.Issuer, foreign.Dates} {
		if f := b.Findings[q]; f.Answer != foreign.Yes {
			return nil, fmt.Errorf("%v: %v, %v %s", q, f.Answer, f.Reason, f.Detail)
		}
	}
	return map[string]any{"verified": true}, nil
}
