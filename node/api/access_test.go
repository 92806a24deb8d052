package api_test

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol"
)

// whoMay says for every operation who may call it over TCP: a token that reads or
// writes, nobody but the unix socket, or who has a claim code.
var whoMay = map[string]string{
	"status": "read", "doctor": "read", "get-community": "read", "list-records": "read", "get-record": "read",
	"verify-record": "read", "verify-badge": "read", "import-badge": "write", "list-imports": "write", "get-import": "write", "get-original": "write", "forget-import": "write",
	"list-classes": "read", "get-class": "read", "list-badges": "read", "get-badge": "read", "export-badge": "read", "export-portfolio": "read",
	"list-endorsements": "read", "who": "read", "list-territories": "read", "search-territories": "read",
	"get-territory": "read", "search-places": "read", "show-place": "read", "list-peers": "read", "export": "read", "stats": "read",

	"upload-record": "write", "set-status": "write", "new-class": "write", "set-class-image": "write", "remove-class-image": "write", "award-badge": "write", "list-offers": "write",
	"endorse": "write", "follow-territory": "write", "unfollow-territory": "write", "edit-place": "write",
	"add-peer": "write", "remove-peer": "write", "block-peer": "write", "unblock-peer": "write", "ping-peer": "write",

	"setup": "socket", "unlock": "socket", "lock": "socket", "show-keys": "socket", "backup-keys": "socket",
	"list-tokens": "socket", "create-token": "socket", "revoke-token": "socket", "erase": "socket",

	"get-trust": "read", "metrics": "read", "explain-trust": "read", "preview-trust": "read", "list-anchors": "read", "list-candidates": "read", "list-disputes": "read",
	"access": "read", "list-access-rules": "read",
	"add-anchor": "write", "remove-anchor": "write", "subscribe-anchors": "write", "unsubscribe-anchors": "write",
	"ignore-disputer": "write", "heed-disputer": "write", "open-dispute": "write", "set-access-rule": "write", "remove-access-rule": "write",

	"list-invitations": "read", "invite": "write", "end-invitation": "write", "look-invitation": "write", "join-invitation": "write",
	"list-mirrors": "read", "get-mirror": "read", "compare-mirror": "read", "add-mirror": "write", "remove-mirror": "write",
	"write-bundle": "read", "read-bundle": "write",

	"get-offer": "code", "claim-badge": "code",
}

// Who may do what over TCP, for every operation there is.
func TestAccess(t *testing.T) {
	f := tyfab(t)
	stranger, bad, reader, writer := f.remote(), f.remote(), f.with(false), f.with(true)
	bad.token = "essaim_none"
	fill := strings.NewReplacer("{cid}", "bafkreinone", "{id}", "none", "{code}", "2222-2222-2222")
	seen := 0
	for method, op := range operations(f.server.OpenAPI()) {
		path, id := op.Path, op.OperationID
		seen++
		ask := func(c client) answer {
			if method == "GET" {
				return c.get(fill.Replace(path))
			}
			return c.do(method, fill.Replace(path), strings.NewReader(`{"no":"such"}`), "application/json")
		}
		passed := func(a answer) {
			t.Helper()
			if a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusForbidden || a.StatusCode >= 500 {
				t.Errorf("%s: got %d %s, want it let through", id, a.StatusCode, a.raw)
			}
		}
		switch whoMay[id] {
		case "read", "write":
			a := ask(stranger)
			a.refused(http.StatusUnauthorized, "no_token")
			if got := a.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer ") {
				t.Errorf("%s: got WWW-Authenticate %q, want Bearer", id, got)
			}
			ask(bad).refused(http.StatusUnauthorized, "bad_token")
			if whoMay[id] == "write" {
				ask(reader).refused(http.StatusForbidden, "read_token")
			} else {
				passed(ask(reader))
			}
			passed(ask(writer))
		case "socket":
			for _, c := range []client{stranger, bad, reader, writer} {
				ask(c).refused(http.StatusForbidden, "socket_only")
			}
		case "code":
			passed(ask(stranger))
		default:
			t.Errorf("%s %s: who may call %q is not in the table", method, path, id)
		}
	}
	same(t, "operations", seen, len(whoMay))
}

func TestTokens(t *testing.T) {
	f := tyfab(t)
	reader := f.with(false)
	made := answered[api.TokenSecret](f.admin.post("/tokens", api.TokenRequest{Name: "carte", Write: true}))
	if !made.Write || made.Name != "carte" || !strings.HasPrefix(made.Secret, "essaim_") {
		t.Errorf("token: got %+v, want one that writes", made)
	}
	list := f.admin.get("/tokens")
	same(t, "tokens", len(answered[api.TokenList](list).Tokens), 2)
	same(t, "secrets listed", strings.Contains(string(list.raw), made.Secret), false)
	f.admin.post("/tokens", api.TokenRequest{Name: " "}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.remove("/tokens/none").refused(http.StatusNotFound, "not_found")

	writer := f.remote()
	writer.token = made.Secret
	status := writer.get("/status")
	answered[api.Status](status)
	same(t, "cached", status.Header.Get("Cache-Control"), "no-store")
	same(t, "tokens left", len(answered[api.TokenList](f.admin.remove("/tokens/"+made.ID)).Tokens), 1)
	writer.get("/status").refused(http.StatusUnauthorized, "bad_token")
	answered[api.Status](reader.get("/status"))
	if strings.Contains(f.log.String(), made.Secret) {
		t.Error("the log tells the secret of a token")
	}
}

// Against DNS rebinding a request must name this machine.
func TestHosts(t *testing.T) {
	f := open(t, func(_ *node.Config, c *api.Config) { c.AllowedHosts = []string{"essaim.tyfab.example"} })
	for host, allowed := range map[string]bool{
		"localhost": true, "localhost:8797": true, "LOCALHOST:8797": true, "localhost.": true, "localhost.:8797": true,
		"127.0.0.1": true, "127.0.0.1:8797": true, "127.8.8.8": true, "[::1]": true, "[::1]:8797": true,
		"essaim.tyfab.example": true, "Essaim.TyFab.example:443": true, "essaim.tyfab.example.": true,
		"evil.example": false, "evil.example:8797": false, "localhost.evil.example": false, "xlocalhost": false,
		"": false, "203.0.113.7": false, "[2001:db8::7]:8797": false, "127.0.0.1.evil.example": false,
		"localhost:8797@evil.example": false, "tyfab.example": false, "0x7f000001": false,
	} {
		c := f.remote()
		c.host = host
		a := c.get("/api/openapi.json")
		if allowed {
			if a.StatusCode != http.StatusOK {
				t.Errorf("host %q: got %d, want 200", host, a.StatusCode)
			}
			continue
		}
		a.refused(http.StatusMisdirectedRequest, "wrong_host")
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		n, ok := addr.(*net.IPNet)
		if !ok || n.IP.IsLinkLocalUnicast() {
			continue
		}
		c := f.remote()
		c.host = net.JoinHostPort(n.IP.String(), "8797")
		same(t, c.host, c.get("/api/openapi.json").StatusCode, http.StatusOK)
	}
}

// A page of another origin may not act, even with a code it guessed.
func TestOrigins(t *testing.T) {
	f := tyfab(t)
	for name, headers := range map[string]map[string]string{
		"fetch metadata": {"Sec-Fetch-Site": "cross-site"},
		"same site":      {"Sec-Fetch-Site": "same-site"},
		"origin":         {"Origin": "https://evil.example"},
		"other port":     {"Origin": "http://localhost:9999"},
		"null origin":    {"Origin": "null"},
	} {
		c := f.remote()
		c.header = headers
		c.post("/badges/claim", api.ClaimRequest{Code: "2222-2222-2222"}).refused(http.StatusForbidden, "cross_origin")
		if got := c.get("/offers/2222-2222-2222").StatusCode; got != http.StatusNotFound {
			t.Errorf("%s: reading: got %d, want 404", name, got)
		}
	}
	own := f.remote()
	own.header = map[string]string{"Origin": "http://localhost:8797", "Sec-Fetch-Site": "same-origin"}
	own.post("/badges/claim", api.ClaimRequest{Code: "2222-2222-2222"}).refused(http.StatusNotFound, "unknown_code")
	plain := f.with(true)
	plain.do("POST", "/peers", strings.NewReader(`{"address":"x"}`), "text/plain").refused(http.StatusUnsupportedMediaType, "bad_request")
}

// Strangers try few codes; the machine itself as many as it likes.
func TestClaimRate(t *testing.T) {
	f := tyfab(t)
	stranger := f.remote()
	limited := 0
	for range 40 {
		a := stranger.get("/offers/2222-2222-2222")
		if a.StatusCode == http.StatusTooManyRequests {
			a.refused(http.StatusTooManyRequests, "too_many_tries")
			same(t, "retry after", a.Header.Get("Retry-After"), "60")
			limited++
		} else {
			a.refused(http.StatusNotFound, "unknown_code")
		}
	}
	if limited < 10 { // 20 at once, then one a second
		t.Errorf("limited: got %d of 40, want the second half", limited)
	}
	stranger.post("/badges/claim", api.ClaimRequest{Code: "2222-2222-2222"}).refused(http.StatusTooManyRequests, "too_many_tries")
	f.admin.get("/offers/2222-2222-2222").refused(http.StatusNotFound, "unknown_code")
}

// What is no record, no JSON or too much says why, by a code.
func TestBadInput(t *testing.T) {
	f := tyfab(t)
	class := f.admin.get("/records/" + f.laser().CID).is(http.StatusOK)
	same(t, "media type", class.Header.Get("Content-Type"), "application/ld+json")
	same(t, "sniffing", class.Header.Get("X-Content-Type-Options"), "nosniff")
	good := string(class.raw)
	for reason, raw := range map[protocol.Reason]string{
		protocol.Malformed:       "{",
		protocol.NotCanonical:    " " + good,
		protocol.DuplicateMember: `{"a":"1","a":"2"}`,
		protocol.BadSignature:    strings.Replace(good, "Trois", "Quatre", 1),
		protocol.TooLarge:        `{"a":"` + strings.Repeat("x", protocol.MaxBytes) + `"}`,
	} {
		f.admin.upload("/records", raw).refused(http.StatusUnprocessableEntity, string(reason))
		same(t, string(reason), answered[api.Verdict](f.admin.upload("/verify", raw)).Verdict, "invalid")
	}
	f.admin.upload("/records", strings.Repeat("x", 200<<10)).refused(http.StatusRequestEntityTooLarge, "too_large")
	f.admin.post("/classes", api.ClassRequest{Name: "Laser", Description: strings.Repeat("x", 200<<10)}).refused(http.StatusRequestEntityTooLarge, "too_large")
	f.admin.post("/classes", api.ClassRequest{Name: "Laser", Description: strings.Repeat("x", 20<<10), Criteria: "Oui."}).refused(http.StatusUnprocessableEntity, "bad_value")

	for raw, want := range map[string]int{
		`{"name":"a","name":"b"}`:              http.StatusBadRequest,
		`{"Name":"a"}`:                         http.StatusUnprocessableEntity,
		`{"name":"a","surprise":true}`:         http.StatusUnprocessableEntity,
		`{"name":"a","write":"yes"}`:           http.StatusUnprocessableEntity,
		`{"name":"a"} {}`:                      http.StatusBadRequest,
		`name=a`:                               http.StatusBadRequest,
		``:                                     http.StatusBadRequest,
		"{\"name\":\"\xff\"}":                  http.StatusBadRequest,
		`[` + strings.Repeat(`[`, 20000) + `]`: http.StatusBadRequest,
	} {
		a := f.admin.do("POST", "/tokens", bytes.NewReader([]byte(raw)), "application/json")
		if a.StatusCode != want {
			t.Errorf("%.40s: got %d %s, want %d", raw, a.StatusCode, a.raw, want)
		}
	}
	f.admin.get("/records?limit=0").refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.get("/records?kind=badge").refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.get("/records?author=bob").refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.get("/records?target=bob").refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.get("/records?territory=bob").refused(http.StatusUnprocessableEntity, "bad_territory")
	f.admin.get("/records/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku").refused(http.StatusNotFound, "not_found")
	f.admin.get("/nothing").refused(http.StatusNotFound, "no_operation")
	f.admin.post("/status", nil).refused(http.StatusNotFound, "no_operation")
	same(t, "records", len(answered[api.RecordList](f.admin.get("/records?kind=class&territory="+brest)).Records), 1)
}

// What is the node's own fault is told to its log, and not to whoever asked.
func TestOwnFault(t *testing.T) {
	f := tyfab(t)
	f.closed = true
	if err := f.node.Close(); err != nil {
		t.Fatal(err)
	}
	p := f.admin.post("/tokens", api.TokenRequest{Name: "test"}).refused(http.StatusInternalServerError, "internal")
	same(t, "detail", p.Detail, "the node failed; its log says more")
	if log := f.log.String(); !strings.Contains(log, "request failed") || !strings.Contains(log, "create-token") {
		t.Errorf("log: got %s, want the operation and the cause", log)
	}
}

// On a disk that is nearly full reading goes on, and writing says so.
func TestReadOnlyDisk(t *testing.T) {
	full := open(t, func(n *node.Config, _ *api.Config) { n.InMemory = false; n.MinFree = 1 << 62 })
	full.admin.post("/tokens", api.TokenRequest{Name: "test"}).refused(http.StatusInsufficientStorage, "read_only")
	full.admin.post("/setup", api.SetupRequest{Name: "TyFab", Place: "Brest", Protection: &api.Protection{KeyFile: t.TempDir() + "/key"}}).
		refused(http.StatusInsufficientStorage, "read_only")
	raw := string(tyfab(t).admin.get("/export").raw)
	_, record, _ := strings.Cut(strings.Split(raw, "\n")[0], `"record":`)
	full.admin.upload("/records", strings.TrimSuffix(record, "}")).refused(http.StatusInsufficientStorage, "read_only")
	if status := answered[api.Status](full.admin.get("/status")); !status.ReadOnly {
		t.Errorf("status: got %+v, want read-only", status)
	}
	doctor := answered[api.Doctor](full.admin.get("/doctor"))
	if doctor.Result != "fail" || doctor.Checks[0].Name != "folder" || doctor.Checks[0].Result != "fail" || doctor.Checks[0].Hint == "" {
		t.Errorf("doctor: got %+v, want the folder to fail", doctor)
	}
}
