package node

import (
	"fmt"
	"strings"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// Words are what people read of trust: levels and sentences, no figures.
type Words struct{ French bool }

func (w Words) tr(french, english string) string {
	if w.French {
		return french
	}
	return english
}

// levelWords are the levels of spec/trust.md §6, English then French.
var levelWords = [...][2]string{
	trust.LevelUnknown: {"unknown", "inconnu"}, trust.LevelFragile: {"fragile", "fragile"}, trust.LevelBacked: {"backed", "appuyé"},
	trust.LevelSolid: {"solid", "solide"}, trust.LevelVerySolid: {"very solid", "très solide"},
}

// Level says a standing in a word or two. What is contested is so before it is
// unknown.
func (w Words) Level(s Standing) string {
	switch {
	case s.Contested:
		return w.tr("contesté", "contested")
	case s.Disputed:
		return w.tr("discuté, fragile", "disputed, fragile")
	}
	return w.Of(s.Level)
}

// Of says a level.
func (w Words) Of(l trust.Level) string {
	if w.French {
		return levelWords[l][1]
	}
	return levelWords[l][0]
}

// ParseLevel reads a level as Level says it, in either language, with dashes or
// spaces, or as a number from 0 to 4.
func ParseLevel(s string) (trust.Level, bool) {
	s = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "-", " ")
	for l, words := range levelWords {
		if s == words[0] || s == words[1] || s == fmt.Sprint(l) || s == "tres solide" && l == int(trust.LevelVerySolid) {
			return trust.Level(l), true
		}
	}
	return 0, false
}

// Sentences says why to believe what is explained, best first.
func (w Words) Sentences(e Explanation) []string {
	if e.Why != trust.Counted {
		return []string{w.notCounted(e)}
	}
	var all []string
	for _, c := range e.Chains {
		all = append(all, w.Chain(c, e.Kind, e.Here))
	}
	if e.Confirm > 0 {
		all = append(all, w.many(e.Confirm,
			"Un titulaire, badge reçu ailleurs, confirme.", "%d titulaires, badge reçu ailleurs, confirment.",
			"1 holder from another place confirms.", "%d holders from other places confirm."))
	}
	if s, ok := w.independence(e); ok {
		all = append(all, s)
	}
	for _, v := range e.Disputers {
		all = append(all, w.dispute(v))
	}
	switch {
	case len(e.Among) > 0:
		all = append(all, w.among(e))
	case e.For == 0:
		all = append(all, w.unknown(e))
	}
	if s, ok := w.alone(e); ok {
		all = append(all, s)
	}
	return all
}

// Reason says in one sentence why, or why not: the best chain, who disputes, or
// that nothing is known.
func (w Words) Reason(e Explanation) string {
	switch {
	case e.Why != trust.Counted:
		return w.notCounted(e)
	case e.Contested && len(e.Disputers) > 0:
		return w.dispute(e.Disputers[0])
	case len(e.Chains) > 0:
		return w.Chain(e.Chains[0], e.Kind, e.Here)
	case len(e.Among) > 0:
		return w.among(e)
	}
	return w.unknown(e)
}

// Chain says a chain that ends at what is of a kind.
func (w Words) Chain(c Chain, kind protocol.Kind, here bool) string {
	first := c.Parties[0]
	if len(c.Parties) == 1 && kind == protocol.Profile {
		switch {
		case first.Own:
			return w.tr("C’est votre collectif.", "This is your own community.")
		case here:
			return fmt.Sprintf(w.tr("%s est une de vos références.", "%s is an anchor of yours."), w.begin(first))
		}
		return fmt.Sprintf(w.tr("%s est une référence de cette vue.", "%s is an anchor of that view."), w.begin(first))
	}
	var b strings.Builder
	b.WriteString(w.begin(first))
	switch {
	case first.Own && here:
		b.WriteString(w.tr(" (vous)", " (you)"))
	case here:
		b.WriteString(w.tr(" (une de vos références)", " (an anchor of yours)"))
	default:
		b.WriteString(w.tr(" (une référence de cette vue)", " (an anchor there)"))
	}
	for i, p := range c.Parties[1:] {
		if i > 0 {
			b.WriteString(w.tr(", qui", ", which"))
		}
		if c.Links[i] == Awards {
			b.WriteString(w.tr(" a remis un badge à ", " gave a badge to "))
		} else {
			b.WriteString(w.tr(" soutient ", " endorses "))
		}
		b.WriteString(w.person(p))
	}
	if act := w.act(c.Role, kind); act != "" {
		if len(c.Parties) > 1 {
			b.WriteString(w.tr(", qui", ", which"))
		}
		b.WriteString(" " + act)
	}
	return b.String() + "."
}

// act is what the last of a chain did for what is explained.
func (w Words) act(role trust.Role, kind protocol.Kind) string {
	switch {
	case kind == protocol.Profile:
		return ""
	case role == trust.ClassEndorser:
		return w.tr("soutient ce modèle", "endorsed this class")
	case role == trust.Endorser && kind == protocol.Class:
		return w.tr("soutient ce modèle", "endorsed this class")
	case role == trust.Endorser:
		return w.tr("soutient ce badge", "endorsed this award")
	case kind == protocol.Class:
		return w.tr("a écrit ce modèle", "made this class")
	}
	return w.tr("a remis ce badge", "made this award")
}

func (w Words) independence(e Explanation) (string, bool) {
	switch {
	case e.For == 0 || len(e.Chains) > 0 && len(e.Chains[0].Parties) == 1: // an anchor says it all
		return "", false
	case e.Independent >= trust.MaxIndependent:
		return w.tr("Au moins trois chemins indépendants y mènent.", "At least three independent chains lead there."), true
	case e.Independent == 2:
		return w.tr("Deux chemins indépendants y mènent.", "Two independent chains lead there."), true
	case e.Independent == 1:
		return w.tr("Tout tient à un seul chemin.", "It all hangs on one chain."), true
	}
	return w.tr("Seuls des badges y mènent, aucun chemin de soutiens.", "Only badges lead there, no chain of endorsements."), true
}

// disputeReasons says the reasons of a dispute in French, and in English where
// their code does not.
var disputeReasons = map[string][2]string{
	"never-happened": {"it never happened", "n’a pas eu lieu"}, "wrong-person": {"wrong person", "erreur de personne"},
	"criteria-not-met": {"criteria not met", "critères non remplis"}, "unsafe": {"unsafe", "dangereux"},
	"copied": {"copied", "copié"}, "impersonation": {"impersonation", "usurpation"}, "other": {"other", "autre"},
}

func (w Words) dispute(v Voice) string {
	reason := disputeReasons[v.Reason]
	weight := ""
	if v.Points == 0 {
		weight = w.tr(", sans poids vu d’ici", ", without weight seen from here")
	}
	if v.Comment == "" {
		return fmt.Sprintf(w.tr("%s conteste%s.", "%s disputes it%s."), w.begin(v.Party), weight)
	}
	return fmt.Sprintf(w.tr("%s conteste (%s)%s : « %s »", "%s disputes it (%s)%s: “%s”"),
		w.begin(v.Party), w.tr(reason[1], reason[0]), weight, v.Comment)
}

// among names a circle.
func (w Words) among(e Explanation) string {
	const most = 3
	names := []string{w.person(e.Author)}
	for _, p := range e.Among[:min(len(e.Among), most)] {
		names = append(names, w.person(p))
	}
	rest := ""
	if more := len(e.Among) - most; more > 0 {
		rest = w.many(more, " et 1 autre", " et %d autres", " and 1 other", " and %d others")
	}
	from := w.tr("de ces références", "from these anchors")
	if e.Here {
		from = w.tr("de vos références", "from your anchors")
	}
	return fmt.Sprintf(w.tr("Se valident mutuellement : %s%s. Rien ne leur vient %s.",
		"Cross-validated among themselves: %s%s. Nothing %s reaches them."), strings.Join(names, ", "), rest, from)
}

func (w Words) unknown(e Explanation) string {
	switch {
	case e.Seen == 0:
		return w.tr("Aucune référence n’est choisie : rien ne peut être situé.", "No anchor is chosen: nothing can be placed.")
	case e.Here:
		return w.tr("Aucun chemin n’y mène depuis vos références. Cela ne dit rien contre.",
			"No chain from your anchors leads there. That says nothing against it.")
	}
	return w.tr("Aucun chemin n’y mène depuis ces références. Cela ne dit rien contre.",
		"No chain from these anchors leads there. That says nothing against it.")
}

// alone is the honest label of a view with one's own key as the only anchor.
func (w Words) alone(e Explanation) (string, bool) {
	if !e.Here || e.Seen != 1 || len(e.Anchors) != 1 || !e.Anchors[0].Own {
		return "", false
	}
	return w.tr("Votre collectif est votre seule référence : cela dit seulement jusqu’où va ce que vous soutenez vous-mêmes.",
		"Your own community is your only anchor: this only says how far what you endorse yourselves reaches."), true
}

// whyNot says the reasons why a record does not count.
var whyNot = map[trust.Reason][2]string{
	trust.NotBegun: {"it begins later", "il commence plus tard"}, trust.Expired: {"it has expired", "il a expiré"},
	trust.Lapsed:      {"it is two years old and was not renewed", "il a deux ans et n’a pas été renouvelé"},
	trust.Ended:       {"it was revoked, suspended or renounced", "il a été retiré, suspendu, ou la personne y a renoncé"},
	trust.Compromised: {"it was signed with a key that had been compromised", "il a été signé d’une clé qui n’était plus sûre"},
	trust.Own:         {"it is about its own author", "il parle de son propre auteur"},
	trust.Superseded:  {"a newer one took its place", "un plus récent l’a remplacé"},
	trust.Conflicting: {"two successions contradict each other", "deux changements de clé se contredisent"},
	trust.Unknown:     {"its class is not here, or it shows another one", "son modèle n’est pas ici, ou il en montre un autre"},
}

func (w Words) notCounted(e Explanation) string {
	why := whyNot[e.Why]
	return fmt.Sprintf(w.tr("Il ne compte pas : %s.", "It does not count: %s."), w.tr(why[1], why[0]))
}

func (w Words) person(p Party) string {
	if p.Name != "" {
		return p.Name
	}
	return fmt.Sprintf(w.tr("une identité (…%s)", "somebody (…%s)"), tailOf(p.DID))
}

// begin is person at the beginning of a sentence. A name stays as it is written.
func (w Words) begin(p Party) string {
	if p.Name != "" {
		return p.Name
	}
	return fmt.Sprintf(w.tr("Une identité (…%s)", "Somebody (…%s)"), tailOf(p.DID))
}

func tailOf(d did.DID) string { return string(d[max(0, len(d)-8):]) }

func (w Words) many(n int, un, plusieurs, one, several string) string {
	switch {
	case n == 1:
		return w.tr(un, one)
	case w.French:
		return fmt.Sprintf(plusieurs, n)
	}
	return fmt.Sprintf(several, n)
}
