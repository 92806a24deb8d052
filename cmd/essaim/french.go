package main

import (
	"regexp"
	"strings"
	"time"
)

// translated is a sentence of the node in the reader's language. The node, its
// API and what it is built on speak English: their sentences are looked up in
// frenchSentences as they stand in their code, and one that is not there stays
// as it is. A test holds that those of doctor and verify all are.
func (p *program) translated(text string) string {
	if !p.french || text == "" {
		return text
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return p.day(t) + t.Local().Format(" à 15:04")
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return p.day(t)
	}
	for _, s := range frenchSentences {
		found := sentencePattern(s.english).FindStringSubmatch(text)
		if found == nil {
			continue
		}
		between := strings.Split(s.french, "%s")
		out := between[0]
		for i, text := range between[1:] {
			out += p.translated(found[i+1]) + text
		}
		return out
	}
	return text
}

// sentencePattern matches what a format string makes.
func sentencePattern(format string) *regexp.Regexp {
	verbs := strings.NewReplacer("%s", "(.+?)", "%d", `(\d+)`, "%04o", "([0-7]+)", "%q", `"(.*?)"`, "%v", "(.+?)")
	return regexp.MustCompile("(?s)^" + verbs.Replace(regexp.QuoteMeta(format)) + "$")
}

// sentence is one format string of the node and the same in French, which takes
// the first parts as %s, in their order.
type sentence struct{ english, french string }

var frenchSentences = []sentence{
	// node/doctor.go
	{"%d records wait for their time: they are dated in the future", "%s actes attendent leur date, qui est dans le futur"},
	{"check the clock of this computer; if it is right, a neighbour's is not", "vérifiez l’horloge de cet ordinateur ; si elle est juste, c’est celle d’un voisin qui ne l’est pas"},
	{"no record waits for its time", "aucun acte daté du futur"},
	{"%d records are named here and have not come", "%s actes sont cités ici et ne sont pas encore arrivés"},
	{"connect to the community that published them, or wait: the node asks everyone it meets", "reliez-vous à la communauté qui les a publiés, ou attendez : le nœud les demande à tous ceux qu’il rencontre"},
	{"every record that is named is here", "tous les actes cités ici sont là"},
	{"the last stop was clean", "le dernier arrêt s’est bien passé"},
	{"the last stop was not clean, as after a power cut; the store checked itself and is sound", "le dernier arrêt a été brutal, comme lors d’une coupure de courant ; les données ont été contrôlées et sont saines"},
	{"nothing to do; if it comes back often, look at the power supply", "rien à faire ; si cela revient souvent, regardez l’alimentation électrique"},
	{"free some disk space; the node goes on by itself", "faites de la place sur le disque ; le nœud reprendra de lui-même"},
	{"check the disk and who owns the folder", "vérifiez le disque, et à qui appartient le dossier"},
	{"the disk takes what is written; the records take %d MB", "l’écriture fonctionne ; les actes occupent %s Mo"},
	{"set the date of this computer before signing anything", "mettez cet ordinateur à l’heure avant de signer quoi que ce soit"},
	{"it says %s, before any record was ever made", "elle dit %s, avant que le tout premier acte ait existé"},
	{"it says %s, but this community signed something on %s", "elle dit %s, alors que cette communauté a signé un acte le %s"},
	{"it says %s", "elle dit %s"},
	{"no community is set up in this folder", "aucune communauté n’est installée dans ce dossier"},
	{"run: essaim setup", "lancez : essaim setup"},
	{"restore the data folder from a backup", "reprenez le dossier des données depuis une sauvegarde"},
	{"the keys are locked: nothing can be signed", "les clés sont verrouillées : rien ne peut être signé"},
	{"give the passphrase to the next command that signs", "donnez la phrase de passe : une commande qui signe la demande"},
	{"put the folder of the keys back from a backup", "reprenez le dossier des clés depuis une sauvegarde"},
	{"open; %d members have their key here", "ouvertes ; membres dont la clé est gardée ici : %s"},
	{"this node is not on the network", "ce nœud n’est pas en réseau"},
	{"start it: essaim serve", "lancez-le : essaim serve"},
	{"start the node: essaim serve", "lancez le nœud : essaim serve"},
	{"it listens on %d addresses", "il écoute sur %s adresses"},
	{"it listens on no address", "il n’écoute sur aucune adresse"},
	{"check network.port in essaim.toml, and whether another program has the port", "vérifiez network.port dans essaim.toml, et qu’aucun autre programme n’occupe ce port"},
	{"%d peers are connected", "nœuds reliés : %s"},
	{"no peer is connected", "aucun nœud n’est relié"},
	{"link one: essaim peer invite here, and over there essaim peer join CODE", "reliez-en un : essaim peer invite ici, et là-bas essaim peer join CODE"},
	{"nodes elsewhere reach it, at %d addresses", "d’autres nœuds le joignent ; adresses éprouvées : %s"},
	{"nodes elsewhere reach it, as its settings say", "d’autres nœuds le joignent, d’après ses réglages"},
	{"nodes elsewhere reach it through %d relays", "d’autres nœuds le joignent ; relais : %s"},
	{"nodes elsewhere do not reach it: they hear from it only when it calls them", "d’autres nœuds ne peuvent pas le joindre : c’est à lui de les appeler"},
	{"let TCP and UDP port %d in to this computer, in the settings of the router and of the firewall, or allow UPnP there; or add a node that is reachable, which will relay", "ouvrez le port %s, en TCP et en UDP, vers cet ordinateur dans les réglages de la box et du pare-feu, ou autorisez-y l’UPnP ; ou ajoutez un nœud joignable, qui servira de relais"},
	{"it is not known yet whether nodes elsewhere reach it: connected nodes find out", "on ne sait pas encore si d’autres nœuds le joignent : ceux qui sont reliés le vérifient"},
	{"%d messages were dropped since the start", "%s messages ont été perdus depuis le démarrage"},
	{"nothing to do unless it grows: this computer or its link is slow", "rien à faire, sauf si leur nombre monte : cet ordinateur ou sa liaison est lent"},
	{"no message was dropped since the start", "aucun message perdu depuis le démarrage"},

	// node/examine.go
	{"it is dated in the future: check the clock of this computer", "il est daté du futur : vérifiez l’horloge de cet ordinateur"},
	{"accepted on %s", "accepté le %s"},
	{"not valid at this date", "il ne vaut pas à la date d’aujourd’hui"},
	{"this node has no profile of the issuer", "la fiche de l’émetteur n’est pas sur ce nœud"},
	{"an offer", "un badge proposé"},
	{"the holder has not accepted it yet: it is an offer", "la personne ne l’a pas encore accepté : c’est un badge proposé"},
	{"this node does not have the class", "le modèle n’est pas sur ce nœud"},
	{"the badge shows another class than the one it names", "le badge montre un autre modèle que celui qu’il cite"},
	{"awarded by somebody the class does not let", "le modèle ne laisse pas cet émetteur le remettre"},
	{"this node has not received it: a revocation would not be known", "ce nœud ne l’a pas reçu : un retrait ne serait pas connu ici"},
	{"as known here", "d’après ce qui est connu ici"},
	{"live", "en vigueur"},
	{"suspended", "suspendu"},
	{"revoked", "retiré"},
	{"withdrawn", "repris"},
	{"retired", "arrêté"},
	{"renounced", "la personne y a renoncé"},
	{"erased", "effacé"},

	// The eight kinds of record.
	{"profile", "fiche"},
	{"class", "modèle de badge"},
	{"award", "badge"},
	{"endorsement", "soutien"},
	{"status", "changement d’état"},
	{"dispute", "contestation"},
	{"notice", "annonce"},
	{"succession", "changement de clé"},

	// store
	{
		"the store is read-only: %s free on the disk of %s, and writing stops below %s: free some space (\"essaim doctor --fix\" gives back %s at once), it goes on by itself",
		"il reste %s sur le disque de %s, et rien n’est plus écrit en dessous de %s : faites de la place (essaim doctor --fix rend %s tout de suite), le nœud reprendra de lui-même",
	},
	{
		"the store is read-only: %s free on the disk of %s, and opening needs %s: free some space, or run \"essaim doctor --fix\", which gives back %s kept for this",
		"il reste %s sur le disque de %s, et il en faut %s pour ouvrir le dossier : faites de la place, ou lancez essaim doctor --fix, qui rend %s gardés pour ce cas",
	},
	{
		"folder %s is in use by %s: stop it first, or give commands while it runs, which talk to it: the folder is in use",
		"le dossier %s est occupé par %s : arrêtez-le d’abord, ou donnez vos commandes pendant qu’il tourne, elles passeront par lui",
	},
	{"another process", "un autre programme"},
	{"%s (process %s)", "%s (processus %s)"},
	{"record %s: not in the store", "l’acte %s n’est pas ici"},
	{"record %s: erased", "l’acte %s a été effacé"},

	// node/keyring
	{"unfit passphrase: it needs at least %d characters; four or five words are easy to keep in mind", "cette phrase de passe est trop courte : il faut au moins %s caractères ; quatre ou cinq mots se retiennent bien"},
	{"unfit passphrase: it is not UTF-8 text", "cette phrase de passe n’est pas du texte UTF-8"},
	{"unfit passphrase: it is longer than %d bytes", "cette phrase de passe dépasse %s octets"},
	{"unfit passphrase: it is one character over and over", "cette phrase de passe répète un seul caractère"},
	{"unfit passphrase: it is empty", "la phrase de passe est vide"},
	{"unfit key file: give a passphrase or a key file, not both", "donnez une phrase de passe ou un fichier de clé, pas les deux"},
	{"unfit key file: %s stands among the keys it opens: choose a place outside %s", "le fichier de clé %s est au milieu des clés qu’il ouvre : choisissez un endroit hors de %s"},
	{"unfit key file: others may read or write %s (mode %04o): run chmod 600 %s", "d’autres peuvent lire ou changer le fichier de clé %s (droits %s) : lancez chmod 600 %s"},
	{"unfit key file: %s does not hold exactly one age X25519 identity", "le fichier de clé %s n’en est pas un"},
	{"unfit key file: %s is not a file", "%s n’est pas un fichier"},
	{"unfit key file: %s", "fichier de clé : %s"},
	{"unfit name: it is empty", "ce nom est vide"},
	{"unfit name: it is longer than %d bytes", "ce nom dépasse %s octets"},
	{"unfit name: it is not one line of UTF-8 text", "ce nom n’est pas une ligne de texte UTF-8"},
	{"unfit name: it has spaces around it", "ce nom a des espaces autour"},
	{"open %s: no such file or directory", "%s n’existe pas"},
	{"open %s: permission denied", "%s ne peut pas être lu : droits insuffisants"},
	{"read %s: is a directory", "%s est un dossier"},

	// node, node/api
	{"listen on %s: %s: perhaps another node runs here; stop it, or choose another port", "impossible d’écouter sur %s : un autre nœud tourne peut-être ici ; arrêtez-le, ou prenez un autre port (--port)"},
	{"%q: no badge class has this name", "aucun modèle de badge ne s’appelle « %s »"},
	{"%q: nobody of this community has this name", "personne ne s’appelle « %s » parmi les membres"},
	{"unknown place %q: give a commune, a postal code, or a point such as \"48.3904,-4.4861\"", "« %s » : donnez une commune, un code postal ou un point comme 48.3904,-4.4861"},
	{"unknown place %q: did you mean %s?", "« %s »"},
	{"territory id of %d bytes: bad syntax: at most %d bytes", "%s octets, pour %s au plus"},
	{"territory id %q: bad syntax: %s", "« %s »"},
	{"territory %s is not followed", "%s n’est pas suivi"},
	{"territory %s is one too many: %d are followed at most, unfollow one first", "%s est de trop : %s au plus sont suivis ; cessez d’abord d’en suivre un"},
	{"territory %s has too many children: %d territories would be followed, at most %d are; mirror some of its children", "%s contient trop de territoires : %s seraient suivis, %s au plus le sont ; prenez-en une partie"},
	{"territory %s has too much in scope: %d classes would be kept, counted in each territory, at most %d are; mirror it whole", "%s : cela ferait %s modèles, comptés dans chaque territoire, pour %s au plus ; gardez le territoire entier"},
	{"%q is no scope: it is class: and the CID of a class, or skill: and a word", "« %s » : --scope attend class:CODE, avec le code d’un modèle de badge, ou skill:MOT"},
	{"%q is not the name of a skill", "« %s » ne nomme pas une compétence"},
	{"peer %s is not a peer this node was told of", "le nœud %s n’a pas été ajouté ici"},
	{"peer %s is blocked here: unblock it first", "le nœud %s est bloqué ici"},
	{"peer %q is not the id of a node, 12D3Koo…", "« %s » n’est pas l’identifiant d’un nœud, 12D3Koo…"},
	{"peer is this node itself", "c’est ce nœud lui-même"},
	{"peer address %q is this node's own", "l’adresse %s est celle de ce nœud"},
	{"peer address %q is none: %v (it looks like /ip4/192.168.1.20/tcp/4797/p2p/12D3Koo…)", "« %s » n’est pas l’adresse d’un nœud, qui ressemble à /ip4/192.168.1.20/tcp/4797/p2p/12D3Koo…"},
	{"peer address %q does not say where the peer is (it looks like /ip4/192.168.1.20/tcp/4797/p2p/12D3Koo…)", "l’adresse %s ne dit pas où est le nœud ; elle ressemble à /ip4/192.168.1.20/tcp/4797/p2p/12D3Koo…"},
	{"invitation has a mistake in it: compare each letter and digit", "il y a une erreur dans ce code : comparez chaque lettre et chaque chiffre"},
	{"invitation has %d letters and digits: a code has 16 or 24", "ce code a %s lettres et chiffres : il en faut 16 ou 24"},
	{"invitation has %q, which no code has", "aucun code ne contient « %s »"},
	{"invitation is too long: a code has 16 or 24 letters and digits", "ce code est trop long : il a 16 ou 24 lettres et chiffres"},
	{"invitation is too long", "cette invitation est trop longue"},
	{"invitation is no link of an invitation, or not the whole of one", "ce n’est pas le lien d’une invitation, ou il en manque un bout"},
	{"invitation is of a newer version: update essaim", "cette invitation vient d’une version plus récente : mettez essaim à jour"},
	{"invitation is broken: %s", "cette invitation est abîmée"},
	{"invitation is this node's own: it is for another one", "cette invitation est de ce nœud : elle est pour un autre"},
	{"invitation is one too many: %d are open at most, end one first", "%s invitations ouvertes au plus : mettez d’abord fin à l’une d’elles"},
	{"life is not from a minute to 30 days", "une invitation dure d’une minute à 30 jours"},
	{"uses is not from 1 to %d", "une invitation sert de 1 à %s fois"},
	{"at is not an IPv4 address and port such as 203.0.113.7:4797", "--at : donnez une adresse IPv4 et un port, comme 203.0.113.7:4797"},
	{"%q is no invitation of this node", "« %s » n’est pas une invitation ouverte ici"},
	{"peer address has %d bytes: %d are allowed", "cette adresse a %s octets, pour %s au plus"},
	{"%s %s cannot be set to %s by a key of this node", "%s %s : aucune clé de ce nœud ne peut le mettre à l’état « %s »"},
	{"%s is %s already, and that is final", "%s est déjà « %s », et cela ne change plus"},
	{"%s is a %s: only awards, classes and profiles are endorsed", "%s est de la sorte « %s » ; on soutient un badge, un modèle ou une fiche"},
	{"%s is a %s, not a badge class", "%s est de la sorte « %s », pas un modèle de badge"},
	{"%s is a %s, not a %s", "%s est de la sorte « %s », et non « %s »"},
	{"%s is retired: no new badge of it is awarded", "le modèle %s est arrêté : il n’est plus remis"},
	{"the class has no picture of its own", "ce modèle n’a pas d’image à lui"},
	{"as %s is for badges: a %s has no such form", "%s est une forme de badge ; la sorte « %s » ne l’a pas"},
	{"level does not go with this class: it has no levels", "ce modèle n’a pas de niveaux"},
	{"level is missing or unknown: this class has %s", "donnez un niveau de ce modèle (--level) : %s"},
	{"to is missing: give a name or a did:key", "dites à qui : --to, un nom ou une identité"},
	{"place is missing: name the commune or city, or a territory", "dites où : --place, une commune ou une ville, ou --territory"},
	{"near is missing, and the community has no place: run essaim place edit --place NAME", "dites près d’où : --near LIEU, ou une fois pour toutes essaim place edit --place LIEU"},
	{"skill is missing: say what you need, as in \"découpe laser\"", "dites ce que vous cherchez, par exemple « découpe laser »"},
	{"radius is not from 1 to %d km", "le rayon va de 1 à %s km"},
	{"member is the community itself, which is not erased", "c’est la communauté elle-même, qui ne s’efface pas"},
	{"name is missing or longer than 100 bytes: say what the token is for", "dites à quoi sert le jeton, en 100 octets au plus"},
	{"name is one too many: %d tokens exist at most; revoke one first", "%s jetons au plus : mettez d’abord fin à l’un d’eux"},
	{"the secret key is not on this node", "sa clé n’est pas sur ce nœud"},
	{"%s: the secret key is not on this node", "la clé de %s n’est pas sur ce nœud"},

	{"recipient is neither an e-mail address nor an identity (did:…)", "ce n’est ni une adresse électronique, ni une identité (did:…)"},
	{"url is no address of a web site (https://…)", "ce n’est pas l’adresse d’un site (https://…)"},
	{"to is another person than the badge is kept for here", "ce badge est gardé ici comme étant à une autre personne"},
	{"file is one too many: %d badges made elsewhere are kept at most, of %d MB together; forget one first", "%s badges d’ailleurs au plus sont gardés, pour %s Mo en tout : oubliez-en d’abord un (essaim badge import --forget CODE)"},
	{"%s: no badge made elsewhere with this code is kept here", "aucun badge d’ailleurs n’est gardé ici sous le code %s"},
	{"it stays in the original, which is kept here and not published", "cela reste dans l’original, qui est gardé ici et n’est pas publié"},
	{"a hashed address can be guessed, and is never published", "une adresse hachée se devine, et n’est jamais publiée"},
	{"the address of the badge shows whom it is for, and is not published", "l’adresse du badge montre à qui il est, et n’est pas publiée"},
	{"it is told in the criteria", "c’est dit dans les critères"},
	{"a record does not take it in this form", "un acte ne le prend pas sous cette forme"},
	{"the other standard has no place for it", "l’autre standard n’a pas de place pour cela"},
	{"it is not a member of the standard, and may be an extension", "cela n’est pas du standard, peut-être une extension"},
	{"fractions of a second are left out", "les fractions de seconde sont laissées de côté"},
	{"the other standard proves it in another way", "l’autre standard le prouve d’une autre façon"},
	{"the other standard takes one, the first was kept", "l’autre standard n’en prend qu’un, le premier a été gardé"},
	{"it is not in a form that can be carried over", "ce n’est pas sous une forme qui se reprend"},
	{"it names no e-mail address", "il ne nomme personne par une adresse électronique"},
	{"it is about another person", "il est à une autre personne"},

	// protocol/badge
	{"%s is neither a day (2027-01-31) nor a time (2027-01-31T18:00:00Z)", "%s : écrivez un jour (2027-01-31) ou un instant (2027-01-31T18:00:00Z)"},
	{"%s is not the CID of a record (bafkrei… and 59 characters)", "%s n’est pas le code d’un acte (bafkrei…, 59 caractères)"},
	{"%s is not a CIDv1 of a record (bafkrei…)", "%s n’est pas le code d’un acte (bafkrei…)"},
	{"%s is not a did:key of an Ed25519 key", "%s n’est pas une identité (did:key:…)"},
	{"%s is not an absolute http, https or urn address in ASCII", "%s n’est pas une adresse complète (https://…)"},
	{"%s is not an e-mail address", "%s n’est pas une adresse électronique"},
	{"%s is longer than %d bytes", "%s dépasse %s octets"},
	{"%s has more than %d entries", "%s a plus de %s éléments"},
	{"%s is blank", "%s est vide"},
	{"%s is not from 1 to %d", "%s va de 1 à %s"},
	{"%s is not from 1 to 5 in rising order", "%s : donnez les niveaux de 1 à 5, en montant"},
	{"%s is neither of the standard nor ext:…", "%s n’est ni du standard, ni de la forme ext:…"},
	{"%s is not a language tag such as fr or fr-FR", "%s n’est pas une langue comme fr ou fr-FR"},
	{"%s is not one of %s", "%s n’est pas l’un de : %s"},
	{"%s is not for a person", "%s ne se publie pas pour une personne"},
	{"%s is not creator, listed, holders, anyone or quorum", "%s n’est pas l’un de : creator, listed, holders, anyone, quorum"},
	{"%s has members that do not go with %s", "%s a des précisions qui ne vont pas avec %s"},
	{"%s has neither id nor narrative", "%s : dites ce qu’il faut avoir fait (--criteria ou --criteria-url)"},
	{"%s is the endorser: nobody endorses themself", "personne ne se soutient soi-même"},
	{"%s is not \"latitude,longitude\" with four decimals", "un emplacement s’écrit latitude,longitude avec quatre décimales : 48.3904,-4.4861"},
	{"%s is not 25, 50, 75 or 100", "%s n’est pas 25, 50, 75 ou 100"},
	{"%s is only for a profile", "%s ne vaut que pour une identité"},
	{"%s is not after validFrom", "la fin n’est pas après le début"},
	{"%s is missing", "%s manque"},

	// Reading a command line: github.com/spf13/cobra and its flags.
	{"unknown flag: %s", "option inconnue : %s"},
	{"unknown shorthand flag: %s in %s", "option inconnue : %s dans %s"},
	{"flag needs an argument: %s", "il manque la valeur de l’option %s"},
	{"required flag(s) %s not set", "il manque l’option nécessaire %s"},
	{"accepts %d arg(s), received %d", "il faut %s argument(s), et il y en a %s"},
	{"accepts at most %d arg(s), received %d", "il faut %s argument(s) au plus, et il y en a %s"},
	{"requires at least %d arg(s), only received %d", "il faut au moins %s argument(s), et il y en a %s"},
	{"unknown command %q for %q", "il n’y a pas d’argument, et « %s » en est un"},

	// A value the API does not take: github.com/danielgtaylor/huma.
	{"validation failed: %s", "%s"},
	{"query.%s", "%s"},
	{"body.%s", "%s"},
	{"%s expected number >= %d", "%s est au moins %s"},
	{"%s expected number <= %d", "%s est au plus %s"},
	{"%s expected length <= %d", "%s a %s caractères au plus"},
	{"%s expected length >= %d", "%s a au moins %s caractère"},
	{"%s expected array length <= %d", "%s a %s éléments au plus"},
	{"%s expected value to be one of \"%s\"", "%s est l’un de : %s"},

	// data export
	{"the export was cut short", "l’export a été coupé avant la fin"},
	{"the export failed midway: %s", "l’export a échoué en route : %s"},

	// Settings.
	{"%s: no setting is called %s", "%s : aucun réglage ne s’appelle %s"},
	{"%s: network.port is %d, not from 0 to 65535", "%s : network.port est %s, et va de 0 à 65535"},
	{"%s: log.level is %q, not debug, info, warn or error", "%s : log.level est « %s », et non debug, info, warn ou error"},
	{"%s: network.reachable is %q, not auto, yes or no", "%s : network.reachable est « %s », et non auto, yes ou no"},
	{"%s: network.relay is %q, not territory, friends or off", "%s : network.relay est « %s », et non territory, friends ou off"},
	{"%s: log.format is %q, not text or json", "%s : log.format est « %s », et non text ou json"},
	{"%q is not true or false", "« %s » n’est ni true ni false"},
	{"%q is not a whole number", "« %s » n’est pas un nombre entier"},
	{"%s: %q is not true or false", "%s : « %s » n’est ni true ni false"},
	{"%s: %q is not a whole number", "%s : « %s » n’est pas un nombre entier"},
}
