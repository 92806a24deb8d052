package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/pflag"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
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
	f := &failure{Code: "error", Message: p.translated(err.Error()), exit: exitError}
	var value *pflag.InvalidValueError
	var refusal *protocol.Refusal
	switch {
	case errors.As(err, &value):
		f.Code, f.exit = "usage", exitUsage
		f.Message = fmt.Sprintf(p.tr("--%s : « %s » ne va pas", "--%s: %q will not do"), value.GetFlag().Name, value.GetValue())
		f.Hint = p.tr("voir : ", "see: ") + p.command + " --help"
	case !p.began: // the command line was not understood
		f.Code, f.exit = "usage", exitUsage
		f.Hint = p.tr("voir : ", "see: ") + p.command + " --help"
	case errors.As(err, &refusal):
		return p.refusal(api.Problem{Code: string(refusal.Reason), Detail: refusal.Detail})
	case errors.Is(err, store.ErrLocked):
		f.Code = "folder_in_use"
	case errors.Is(err, store.ErrNewerFormat):
		f.Code, f.exit = "newer_format", exitConfig
	case errors.Is(err, store.ErrReadOnly):
		f.Code = "read_only"
	case errors.Is(err, store.ErrCorrupt):
		f.Code = "corrupt"
	case errors.Is(err, keyring.ErrWrongPassphrase):
		f.Code, f.exit = "wrong_passphrase", exitNotAllowed
		f.Message, f.Hint = p.tr("ce n’est pas la bonne phrase de passe", "wrong passphrase"), p.tr("rien n’a changé ; réessayez", "nothing was changed; try again")
	}
	return f
}

// exits maps the codes of the API to exit statuses; others are exitError.
var exits = map[string]int{
	"not_found": exitNotFound, "unknown_code": exitNotFound, "unknown_place": exitNotFound, "unknown_class": exitNotFound,
	"unknown_person": exitNotFound, "not_followed": exitNotFound, "not_mirrored": exitNotFound, "erased": exitNotFound,
	"not_entitled": exitNotAllowed, "locked": exitNotAllowed, "wrong_passphrase": exitNotAllowed, "no_key": exitNotAllowed,
	"no_network": exitNotRunning, "no_inviter": exitNotFound, "expired_invitation": exitNotFound,
	"bad_badge": exitInvalid, "unverified_badge": exitIncomplete,
	"bad_value": exitUsage, "bad_request": exitUsage, "bad_territory": exitUsage, "bad_passphrase": exitUsage, "bad_key_file": exitUsage, "bad_image": exitUsage,
	"bad_name": exitUsage, "ambiguous_place": exitUsage, "ambiguous_class": exitUsage, "ambiguous_member": exitUsage,
}

// refusal turns a problem the API answered with into a failure, in the reader's
// language.
func (p *program) refusal(problem api.Problem) *failure {
	f := &failure{Code: problem.Code, Message: problem.Detail, Hint: problem.Hint, Candidates: problem.Candidates, exit: exitError}
	if f.Message == "" {
		f.Message = http.StatusText(problem.Status)
	}
	if status, ok := exits[problem.Code]; ok {
		f.exit = status
	}
	if !p.french || p.json { // a document is not translated
		return f
	}
	f.Message, f.Hint = p.translated(f.Message), p.translated(f.Hint)
	if problem.Sentence != nil { // says which question of a badge, in French
		f.Message = firstSet(frenchChecks[problem.Question], problem.Question) + " : " + problem.Sentence.French
	}
	if t, ok := frenchProblems[problem.Code]; ok {
		f.Hint = t.hint
		if t.detail {
			f.Message = t.message + " : " + f.Message
		} else {
			f.Message = t.message
		}
	}
	return f
}

// problemText is an error of the API in French. With detail, what was found
// follows.
type problemText struct {
	message, hint string
	detail        bool
}

// frenchProblems are the codes of the API, and the reasons for which bytes are
// no record.
var frenchProblems = map[string]problemText{
	"not_found":        {"introuvable", "vérifiez le code ; ce nœud ne connaît que les territoires qu’il suit", true},
	"erased":           {"effacé par la personne qui le détient ou l’a écrit ; il ne reviendra pas", "", false},
	"read_only":        {"le disque est presque plein : plus rien n’est écrit", "faites de la place, le nœud reprendra de lui-même (essaim doctor --fix rend 64 Mo tout de suite)", false},
	"not_set_up":       {"aucune communauté n’est installée dans ce dossier", "lancez : essaim setup", false},
	"wrong_passphrase": {"ce n’est pas la bonne phrase de passe", "rien n’a changé ; réessayez", false},
	"locked":           {"les clés sont verrouillées", "donnez la phrase de passe : --passphrase-file FICHIER", false},
	"already_set_up":   {"une communauté est déjà installée ici", "", false},
	"bad_passphrase":   {"phrase de passe refusée", "prenez quatre ou cinq mots", true},
	"bad_image":        {"image refusée", "donnez un fichier PNG, JPEG ou WebP, de 2 Mo et 3 millions de pixels au plus", false},
	"bad_key_file":     {"fichier de clé refusé", "", true},
	"bad_name":         {"nom refusé", "", true},
	"unknown_code":     {"aucun badge n’attend ce code", "vérifiez chaque caractère du code", false},
	"expired_code":     {"ce code a expiré", "demandez-en un nouveau là où le badge a été remis", false},
	"already_claimed":  {"ce badge a déjà été accepté", "", false},
	"too_many_tries":   {"trop de codes ont été essayés", "attendez une minute", false},
	"no_network":       {"ce nœud n’est pas en marche, ou pas en réseau", "lancez : essaim serve", false},
	"unreachable":      {"ce nœud ne répond pas", "voyez s’il est en marche, et son adresse : essaim peer list", false},
	"blocked_peer":     {"ce nœud est bloqué ici", "levez d’abord le blocage : essaim peer unblock ID", false},
	"not_followed":     {"ce territoire n’est pas suivi", "voir : essaim territory list", false},
	"mirrored":         {"ce territoire fait partie d’une copie complète", "retirez-la d’abord : essaim mirror remove", false},
	"not_mirrored":     {"ce territoire n’a pas de copie complète ici", "voir : essaim mirror list", false},
	"no_bundle":        {"ce fichier n’est pas un paquet d’actes", "essaim bundle write en fait un", false},
	"damaged_bundle":   {"ce fichier est abîmé", "copiez-le de nouveau ; ce qui précède est gardé", false},
	"cut_bundle":       {"ce fichier s’arrête trop tôt", "copiez-le de nouveau ; ce qui précède est gardé", false},
	"unknown_place":    {"lieu inconnu", "donnez une commune, un code postal ou une ville (essaim place search NOM)", true},
	"ambiguous_place":  {"plusieurs lieux portent ce nom", "précisez le département, par exemple « Saint-Denis (974) »", false},
	"unknown_class":    {"aucun modèle de badge ne s’appelle ainsi", "les voir : essaim class list", false},
	"ambiguous_class":  {"plusieurs modèles portent ce nom", "donnez le code du modèle", false},
	"unknown_person":   {"personne ne s’appelle ainsi parmi les membres", "les voir : essaim key show", false},
	"ambiguous_member": {"plusieurs membres portent ce nom", "donnez l’identité (did:key:…) de la personne", false},
	"bad_territory":    {"ce n’est pas un territoire", "cherchez-le : essaim territory search NOM", true},
	"bad_value":        {"valeur refusée", "", true},
	"bad_request":      {"demande refusée", "", true},
	"bad_badge":        {"ce badge est refusé, et rien n’en est gardé", "", true},
	"unverified_badge": {"il n’y a pas de quoi attester ce badge", "interrogez ses sites (--online) et dites à qui il est (--email ou --holder)", true},
	"not_entitled":     {"vous n’en avez pas le droit", "seul l’émetteur retire un badge, son titulaire y renonce, l’auteur d’un soutien le reprend, l’auteur d’un modèle l’arrête", false},
	"not_public":       {"ce nœud n’a pas d’adresse publique où retrouver le badge", "donnez-lui son adresse https : essaim config set http.public_url https://…", false},
	"no_contact":       {"la communauté n’a pas d’adresse de contact, que les Open Badges 2.0 demandent", "essaim place edit --email ADRESSE", false},
	"no_key":           {"la clé de cette identité n’est pas sur ce nœud", "cela se fait sur le nœud qui garde cette clé", false},
	"timeout":          {"pas de réponse à temps", "réessayez", false},
	"cancelled":        {"la demande a été interrompue", "réessayez", false},
	"internal":         {"le nœud a échoué ; son journal en dit plus", "", false},

	"no_inviter":          {"aucun nœud joignable d’ici ne connaît cette invitation", "un code court ne marche que sur le réseau local et entre nœuds reliés : demandez le lien, ou un code fait avec --at", false},
	"expired_invitation":  {"cette invitation a expiré, ou l’on y a mis fin", "demandez-en une autre là d’où elle vient", false},
	"used_invitation":     {"cette invitation a déjà servi", "demandez-en une autre là d’où elle vient", false},
	"inviter_unreachable": {"personne ne répond là où l’invitation dit que se trouve le nœud", "voyez s’il est en marche, et si sa box laisse entrer les connexions", false},

	"too_large":         {"ce n’est pas un acte : trop long", "", false},
	"too_deep":          {"ce n’est pas un acte : trop d’éléments emboîtés", "", false},
	"malformed":         {"ce n’est pas un acte : ce n’est pas du JSON", "", false},
	"not_canonical":     {"les octets ne sont pas ceux qui ont été signés : le fichier a été réécrit", "demandez le fichier d’origine", false},
	"duplicate_member":  {"ce n’est pas un acte : un élément y figure deux fois", "", false},
	"bad_number":        {"ce n’est pas un acte : un nombre y est mal écrit", "", false},
	"null_value":        {"ce n’est pas un acte : une valeur y est nulle", "", false},
	"empty_array":       {"ce n’est pas un acte : une liste y est vide", "", false},
	"control_character": {"ce n’est pas un acte : il contient un caractère de commande", "", false},
	"lone_surrogate":    {"ce n’est pas un acte : un caractère y est coupé", "", false},
	"blank_node":        {"ce n’est pas un acte : un élément n’a pas de nom propre", "", false},
	"unknown_kind":      {"ce n’est pas un acte de ce réseau", "", false},
	"bad_context":       {"ce n’est pas un acte de ce réseau : son contexte est autre", "", false},
	"unknown_member":    {"un élément y est de trop", "", true},
	"no_consent":        {"la personne n’a pas encore accepté ce badge", "elle l’accepte avec : essaim badge claim --file FICHIER", false},
	"bad_proof":         {"une signature y est mal faite", "", false},
	"broken_chain":      {"les signatures ne se suivent pas", "", false},
	"wrong_signer":      {"il est signé par une autre identité que celle qu’il annonce", "", false},
	"bad_time":          {"une date y est mal écrite ou impossible", "", false},
	"weak_key":          {"il est signé par une clé qui ne protège rien", "", false},
	"bad_signature":     {"la signature est fausse : le contenu a changé, ou quelqu’un d’autre l’a signé", "", false},
	"future_dated":      {"il est daté du futur", "vérifiez l’horloge de cet ordinateur ; si elle est juste, réessayez à cette date", false},
	"wrong_topic":       {"il n’est pas de ce territoire", "", false},
}
