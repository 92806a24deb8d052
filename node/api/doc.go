// Package api is the HTTP API of a node: everything it can do, under /api/v1,
// as JSON, with the OpenAPI document (3.1) generated from the code at
// /api/openapi.json. Errors are RFC 9457 problems.
//
// Server has one handler for two doors. Over the node's unix socket, or in the
// process itself, whoever can open the door is the admin: Local. Over TCP a
// request needs a token, and a token opens neither keys nor other tokens:
// Remote.
//
// Every body is an exported type here, so that a client in Go decodes what it
// gets with github.com/go-json-experiment/json. What the document cannot say
// stands in spec/api.md.
package api
