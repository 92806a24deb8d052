// Package api is the HTTP API of a node: everything it can do, under /api/v1,
// as JSON, with the OpenAPI document generated from the code at
// /api/openapi.json.
//
// Server returns one handler for two doors. Over the node's unix socket, or in
// the process itself, whoever can open the door is the admin: Local. Over TCP a
// request needs a token, and a token opens neither keys nor other tokens. The
// words of paths and members are those of spec/api.md.
package api
