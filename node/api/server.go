package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/wallet"
	"codeberg.org/essaim/essaim/protocol"
)

// Config is what the API is made of.
type Config struct {
	Node    *node.Node
	Version string
	Logger  *slog.Logger // nil discards
	// AllowedHosts are names in lower case, beside this machine's own
	// addresses and localhost, that a request may name in Host.
	AllowedHosts []string
	// PublicURL begins claim links: "http://192.168.1.20:8797". Empty leaves
	// them to whoever shows the code. With https, wallets find badges below it.
	PublicURL string
}

// maxBody bounds a request: a record and its JSON quoting.
const maxBody = 2*protocol.MaxBytes + 4<<10

// Server answers requests.
type Server struct {
	config Config
	log    *slog.Logger
	mux    *http.ServeMux
	api    huma.API
	claims *rate.Limiter // tries of claim codes over TCP
	wallet *wallet.Exporter
}

// format is the one JSON of this API: no member twice, none in another case.
var format = huma.Format{
	Marshal: func(w io.Writer, v any) error { return json.MarshalWrite(w, v, json.Deterministic(true)) },
	Unmarshal: func(data []byte, v any) error {
		if err := json.Unmarshal(data, v); err != nil {
			return errors.New("is not the JSON expected here: " + err.Error())
		}
		return nil
	},
}

// humaWays sets what huma has one of for all APIs of a process.
var humaWays = sync.OnceFunc(func() {
	huma.NewError = humaProblem
	huma.DefaultArrayNullable = false // format writes none as []
})

// New returns the API of a node.
func New(config Config) *Server {
	s := &Server{config: config, log: config.Logger, mux: http.NewServeMux(), claims: rate.NewLimiter(1, 20)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.wallet = wallet.New(wallet.Config{Node: config.Node, PublicURL: config.PublicURL, Logger: s.log})
	humaWays()
	c := huma.DefaultConfig("Essaim", config.Version)
	c.Info.Description = "A node of a peer-to-peer network of Open Badges."
	c.DocsPath = "" // its page would load scripts from elsewhere
	c.OpenAPIPath = "/api/openapi"
	c.SchemasPath = ""
	c.CreateHooks = nil // no $schema members
	c.Formats = map[string]huma.Format{"application/json": format, "json": format}
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "essaim token create"},
	}
	s.api = humago.New(s.mux, c)
	s.api.UseMiddleware(s.authorise)
	s.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, newProblem(http.StatusNotFound, "no_operation", r.Method+" "+r.URL.Path+" is no operation of this API", "see /api/openapi.json"))
	})
	s.registerStatus()
	s.registerMetrics()
	s.registerCommunity()
	s.registerRecords()
	s.registerClasses()
	s.registerBadges()
	s.registerExports()
	s.registerOffers()
	s.registerBadgeFiles()
	s.registerEndorsements()
	s.registerWho()
	s.registerTrust()
	s.registerAnchors()
	s.registerDisputes()
	s.registerAccess()
	s.registerTerritories()
	s.registerPlaces()
	s.registerPeers()
	s.registerInvitations()
	s.registerKeys()
	s.registerTokens()
	s.registerData()
	s.registerBundle()
	s.registerMirrors()
	return s
}

// OpenAPI returns the document that describes the API.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

type localKey struct{}

// Local returns the handler of the unix socket and of the process itself: who
// can reach it is the admin.
func (s *Server) Local() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), localKey{}, true)))
	})
}

// Remote returns the handler of TCP: guarded, and tokens decide the rest.
func (s *Server) Remote() http.Handler { return s.Guard(s.mux) }

// Wallets returns the handler of what wallets read, below /ob/, guarded.
func (s *Server) Wallets() http.Handler { return s.Guard(s.wallet) }

// Guard lets through to next what this node may answer over TCP: only hosts of
// ours, against DNS rebinding, and no acts of pages of other origins.
func (s *Server) Guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, newProblem(http.StatusForbidden, "cross_origin", "a page of another origin may not act here", ""))
	}))
	return s.checkHost(origins.Handler(next))
}

func isLocal(ctx context.Context) bool { return ctx.Value(localKey{}) != nil }

// checkHost refuses a Host that is neither an address of this machine nor a
// name it was given, with 421.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.allowed(r.Host) {
			writeProblem(w, newProblem(http.StatusMisdirectedRequest, "wrong_host", "this node does not answer to that name", "see http.allowed_hosts in essaim.toml"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) allowed(hostport string) bool {
	host := hostport
	if h, port, err := net.SplitHostPort(hostport); err == nil {
		if strings.Trim(port, "0123456789") != "" {
			return false
		}
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || host == s.wallet.Host() && host != "" || slices.Contains(s.config.AllowedHosts, host) {
		return true
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return false
	}
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return false
}

// Who may call an operation over TCP, told by its Metadata.
type access int

const (
	read   access = iota // a token that reads
	write                // a token that writes
	admin                // nobody: the unix socket only
	public               // anybody: the request carries its own secret
)

const accessKey = "essaim-access"

// authorise lets a request through to an operation or answers 401 or 403.
func (s *Server) authorise(ctx huma.Context, next func(huma.Context)) {
	ctx.SetHeader("Cache-Control", "no-store")
	ctx.SetHeader("X-Content-Type-Options", "nosniff")
	need, _ := ctx.Operation().Metadata[accessKey].(access)
	if err := s.permit(ctx.Context(), need, ctx.Header("Authorization")); err != nil {
		err = s.told(ctx.Operation().OperationID, err)
		var p *Problem
		if errors.As(err, &p) {
			s.refuse(ctx, p)
		}
		return
	}
	next(ctx)
}

// permit reports, as a *Problem, why a request with this Authorization may not
// do what needs such access.
func (s *Server) permit(ctx context.Context, need access, authorization string) error {
	if isLocal(ctx) || need == public {
		return nil
	}
	if need == admin {
		return newProblem(http.StatusForbidden, "socket_only", "this is done on the machine of the node only", "use the essaim command there")
	}
	secret, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		p := newProblem(http.StatusUnauthorized, "no_token", "this needs a token", "make one: essaim token create --name NAME")
		return p.with("WWW-Authenticate", `Bearer realm="essaim"`)
	}
	token, err := s.config.Node.CheckToken(secret)
	switch {
	case errors.Is(err, node.ErrUnknownToken):
		p := newProblem(http.StatusUnauthorized, "bad_token", "the token is unknown or was revoked", "make one: essaim token create --name NAME")
		return p.with("WWW-Authenticate", `Bearer realm="essaim", error="invalid_token"`)
	case err != nil:
		return err
	case need == write && !token.Write:
		return newProblem(http.StatusForbidden, "read_token", "this token only reads", "make one: essaim token create --write --name NAME")
	}
	return nil
}

func (s *Server) refuse(ctx huma.Context, p *Problem) {
	for name, values := range p.headers {
		ctx.SetHeader(name, values[0])
	}
	_ = huma.WriteErr(s.api, ctx, p.Status, p.Detail, p)
}

// register adds one operation. Errors of handle become problems; those that are
// the node's own fault are logged with their cause.
func register[I, O any](s *Server, a access, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = maxBody
	}
	op.Metadata = map[string]any{accessKey: a}
	op.Errors = append(op.Errors, statuses(a, &op)...)
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	if a == read || a == write {
		op.Security = []map[string][]string{{"token": {}}}
	}
	if a == admin {
		op.Description = strings.TrimSpace(op.Description + " Over the unix socket only.")
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.told(op.OperationID, err)
		}
		return out, nil
	})
}

// told turns an error into what whoever asked is told, and logs what is the
// node's own fault.
func (s *Server) told(operation string, err error) error {
	p, known := problem(err)
	if !known {
		s.log.Error("request failed", "operation", operation, "err", err)
	}
	return p
}

// statuses are the errors operations of such access and method may answer with,
// for the document; an operation that may answer with others says so itself.
func statuses(a access, op *huma.Operation) []int {
	out := []int{http.StatusUnprocessableEntity, http.StatusMisdirectedRequest, http.StatusInternalServerError}
	switch a {
	case read:
		out = append(out, http.StatusUnauthorized)
	case write:
		out = append(out, http.StatusUnauthorized, http.StatusForbidden)
	case admin:
		out = append(out, http.StatusForbidden)
	case public:
		out = append(out, http.StatusTooManyRequests)
	}
	if strings.Contains(op.Path, "{") {
		out = append(out, http.StatusNotFound, http.StatusGone)
	}
	if op.Method != http.MethodGet {
		out = append(out, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusGone,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusLocked, http.StatusInsufficientStorage)
	}
	return out
}

// get takes the errors the operation may answer with beside those of statuses.
func get(id, path, summary string, errors ...int) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/api/v1" + path, Summary: summary, Errors: errors}
}

func post(id, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/api/v1" + path, Summary: summary}
}

func put(id, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodPut, Path: "/api/v1" + path, Summary: summary}
}

func remove(id, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodDelete, Path: "/api/v1" + path, Summary: summary}
}

// Body is an answer with a JSON body.
type Body[T any] struct{ Body T }

func body[T any](v T) *Body[T] { return &Body[T]{v} }
