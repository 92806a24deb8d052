package api

import (
	"context"
	"time"
)

// Token lets a program use this API over TCP.
type Token struct {
	ID      string    `json:"id" example:"9f86d081"`
	Name    string    `json:"name" doc:"what it is for"`
	Write   bool      `json:"write" doc:"may also change things"`
	Created time.Time `json:"created"`
}

// TokenList is every token, oldest first.
type TokenList struct {
	Schema string  `json:"schema"`
	Tokens []Token `json:"tokens"`
}

// TokenSecret is a token just made.
type TokenSecret struct {
	Schema string `json:"schema"`
	Token
	Secret string `json:"secret" doc:"shown once: send it as Authorization: Bearer"`
}

// TokenRequest makes a token.
type TokenRequest struct {
	Name  string `json:"name" minLength:"1" maxLength:"100" doc:"what it is for"`
	Write bool   `json:"write,omitzero" doc:"may also change things"`
}

type tokenParam struct {
	ID string `path:"id" doc:"id of a token"`
}

func (s *Server) registerTokens() {
	register(s, admin, get("list-tokens", "/tokens", "Every token"), s.listTokens)
	register(s, admin, post("create-token", "/tokens", "Make a token; its secret is shown once"), s.createToken)
	register(s, admin, remove("revoke-token", "/tokens/{id}", "End a token"), s.revokeToken)
}

func (s *Server) listTokens(context.Context, *struct{}) (*Body[TokenList], error) {
	tokens, err := s.config.Node.Tokens()
	if err != nil {
		return nil, err
	}
	out := TokenList{"essaim.tokens/1", []Token{}}
	for _, t := range tokens {
		out.Tokens = append(out.Tokens, Token(t))
	}
	return body(out), nil
}

type tokenInput struct{ Body TokenRequest }

func (s *Server) createToken(_ context.Context, in *tokenInput) (*Body[TokenSecret], error) {
	t, secret, err := s.config.Node.CreateToken(in.Body.Name, in.Body.Write)
	if err != nil {
		return nil, err
	}
	return body(TokenSecret{"essaim.token/1", Token(t), secret}), nil
}

func (s *Server) revokeToken(ctx context.Context, in *tokenParam) (*Body[TokenList], error) {
	if err := s.config.Node.RevokeToken(in.ID); err != nil {
		return nil, err
	}
	return s.listTokens(ctx, nil)
}
