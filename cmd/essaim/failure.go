package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/store"
)

// Exit statuses, stable (spec/cli.md §3).
const (
	exitDone        = 0
	exitError       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitNotAllowed  = 4
	exitNotRunning  = 5
	exitInvalid     = 6 // checked: invalid or revoked
	exitIncomplete  = 7 // checked: something could not be known
	exitConfig      = 78
	exitInterrupted = 130
)

// failure is an error as a person is told it.
type failure struct {
	Code       string   `json:"code"`
	Message    string   `json:"message"`
	Hint       string   `json:"hint,omitempty"`
	Candidates []string `json:"candidates,omitempty"`
	exit       int
	silent     bool // the result said it already
}

// Error implements error.
func (f *failure) Error() string { return f.Message }

// usage is a mistake in what was typed.
func usage(message string) error {
	return &failure{Code: "usage", Message: message, exit: exitUsage}
}

// fail tells the error and returns the exit status.
func (p *program) fail(err error) int {
	var f *failure
	if !errors.As(err, &f) {
		f = p.explain(err)
	}
	if f.silent {
		return f.exit
	}
	if p.json {
		_ = (&program{out: p.err}).document(struct {
			Schema string   `json:"schema"`
			Error  *failure `json:"error"`
		}{"essaim.error/1", f})
		return f.exit
	}
	fmt.Fprintln(p.err, "essaim: "+f.Message)
	for _, c := range f.Candidates {
		fmt.Fprintln(p.err, "  - "+c)
	}
	if f.Hint != "" {
		fmt.Fprintln(p.err, "→ "+f.Hint)
	}
	return f.exit
}

// explain turns an error of this process into a failure.
func (p *program) explain(err error) *failure {
	f := &failure{Code: "error", Message: err.Error(), exit: exitError}
	switch {
	case errors.Is(err, store.ErrLocked):
		f.Code, f.Hint = "folder_in_use", p.tr("arrêtez l’autre programme, ou passez par lui", "stop the other program, or go through it")
	case errors.Is(err, store.ErrNewerFormat):
		f.Code, f.exit = "newer_format", exitConfig
	case errors.Is(err, store.ErrReadOnly):
		f.Code = "read_only"
	case errors.Is(err, store.ErrCorrupt):
		f.Code = "corrupt"
	case errors.Is(err, keyring.ErrWrongPassphrase):
		f.Code, f.exit = "wrong_passphrase", exitNotAllowed
	case strings.HasPrefix(f.Message, "unknown command"), strings.HasPrefix(f.Message, "unknown flag"),
		strings.HasPrefix(f.Message, "unknown shorthand"), strings.Contains(f.Message, "arg(s)"),
		strings.HasPrefix(f.Message, "required flag"), strings.HasPrefix(f.Message, "invalid argument"),
		strings.HasPrefix(f.Message, "flag needs"), strings.HasPrefix(f.Message, "if any flags in the group"):
		f.Code, f.exit = "usage", exitUsage
		f.Hint = p.tr("voir : essaim help", "see: essaim help")
	}
	return f
}

// exits maps the codes of the API to exit statuses; others are exitError.
var exits = map[string]int{
	"not_found": exitNotFound, "unknown_code": exitNotFound, "unknown_place": exitNotFound, "erased": exitNotFound,
	"not_entitled": exitNotAllowed, "locked": exitNotAllowed, "wrong_passphrase": exitNotAllowed, "no_key": exitNotAllowed,
	"no_network": exitNotRunning,
	"bad_value":  exitUsage, "bad_request": exitUsage, "bad_territory": exitUsage, "ambiguous_place": exitUsage, "ambiguous_class": exitUsage,
}

// refusal turns a problem the API answered with into a failure. The sentence is
// in French where the code has one; details stay as the node found them.
func (p *program) refusal(problem api.Problem) *failure {
	f := &failure{Code: problem.Code, Message: problem.Detail, Hint: problem.Hint, Candidates: problem.Candidates, exit: exitError}
	if f.Message == "" {
		f.Message = http.StatusText(problem.Status)
	}
	if status, ok := exits[problem.Code]; ok {
		f.exit = status
	}
	if t, ok := frenchProblems[problem.Code]; ok && p.french {
		f.Message, f.Hint = t.message, t.hint
		if t.detail {
			f.Message += " : " + problem.Detail
		}
	}
	return f
}

// frenchProblems are the API's errors in French. With detail, what was found is
// added as the node says it.
var frenchProblems = map[string]struct {
	message, hint string
	detail        bool
}{
	"not_found":        {"introuvable", "vérifiez le code ; ce nœud ne connaît que les territoires qu’il suit", true},
	"erased":           {"effacé par la personne qui le détient ou l’a écrit ; il ne reviendra pas", "", false},
	"read_only":        {"le disque est presque plein : plus rien n’est écrit", "libérez de la place, le nœud reprendra de lui-même (essaim doctor --fix rend 64 Mo tout de suite)", false},
	"not_set_up":       {"aucune communauté n’est installée dans ce dossier", "lancez : essaim setup", false},
	"wrong_passphrase": {"ce n’est pas la bonne phrase de passe ; rien n’a changé", "réessayez", false},
	"locked":           {"les clés sont verrouillées", "donnez la phrase de passe (--passphrase-file FICHIER)", false},
	"already_set_up":   {"une communauté est déjà installée ici", "", false},
	"unknown_code":     {"aucun badge n’attend ce code", "vérifiez chaque caractère du code", false},
	"expired_code":     {"ce code a expiré", "demandez-en un nouveau là où le badge a été remis", false},
	"already_claimed":  {"ce badge a déjà été accepté", "", false},
	"no_network":       {"ce nœud n’est pas en marche, ou pas en réseau", "lancez : essaim serve", false},
	"unknown_place":    {"lieu inconnu", "donnez une commune, un code postal ou une ville (essaim place search NOM)", true},
	"ambiguous_place":  {"plusieurs lieux portent ce nom", "précisez le département, par exemple « Saint-Denis (974) »", false},
	"ambiguous_class":  {"plusieurs modèles portent ce nom", "donnez le code du modèle", false},
	"bad_territory":    {"ce n’est pas un territoire", "cherchez-le : essaim territory search NOM", true},
	"bad_value":        {"valeur refusée", "", true},
	"not_entitled":     {"vous n’en avez pas le droit", "seul l’émetteur retire, le titulaire renonce, l’auteur d’un soutien le reprend", true},
	"no_key":           {"la clé de cette identité n’est pas sur ce nœud", "", true},
	"timeout":          {"pas de réponse à temps", "réessayez", false},
	"internal":         {"le nœud a échoué ; son journal en dit plus", "", false},
	"future_dated":     {"daté dans le futur", "vérifiez l’horloge de cet ordinateur", true},
	"no_consent":       {"la personne n’a pas encore accepté ce badge", "", false},
	"bad_signature":    {"la signature est fausse", "", true},
}
