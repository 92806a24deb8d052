package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func setupCommand(p *program) *cobra.Command {
	var r api.SetupRequest
	var keyFile string
	var upnp bool
	var anchors []string
	c := &cobra.Command{
		Use: "setup", Args: cobra.NoArgs,
		Short: p.tr("installer une communauté dans ce dossier ; peut se répéter sans risque", "set up a community in this folder; may be repeated safely"),
		Long: p.tr(`Fait les clés de la communauté, publie sa fiche et suit son territoire.
Les clés sont chiffrées par une phrase de passe, demandée ou lue dans
--passphrase-file ; ou, pour un nœud qui démarre seul, par un fichier que
lui seul peut lire (--key-file). Répétée, la commande change ce qui diffère
et ne remplace jamais une clé.`, `Makes the keys of the community, publishes its profile and follows its
territory. The keys are encrypted under a passphrase, asked for or read from
--passphrase-file; or, for a node that starts alone, by a file that it alone
may read (--key-file). Repeated, the command changes what differs and never
replaces a key.`),
		Example: `  essaim setup --name "Fablab de la rade" --place Brest
  essaim setup --name "Fablab de la rade" --place 29200 --key-file /etc/essaim/essaim.key`,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			s.create = true
			return p.with(c.Context(), func(cl *client) error {
				known, err := p.isSetUp(c, cl)
				if err != nil {
					return err
				}
				if !known {
					if r.Protection, err = p.protection(c.Context(), keyFile); err != nil {
						return err
					}
				}
				isNew := false
				_, err = tell(c.Context(), p, cl, post("/setup", r), func(v api.CommunityAnswer) {
					isNew = v.New
					if v.New {
						p.say("✓ %s est installée", "✓ %s is set up", v.Name)
					} else {
						p.say("✓ %s : à jour", "✓ %s: up to date", v.Name)
					}
					p.say("  territoire  %s (%s)", "  territory   %s (%s)", v.TerritoryName, v.Territory)
					p.say("  identité    %s", "  identity    %s", v.DID)
					p.say("  dossier     %s", "  folder      %s", s.dir)
					if v.New {
						p.note("Gardez une copie des clés ailleurs : essaim key backup --out cles.age\nPuis : essaim serve", "Keep a copy of the keys elsewhere: essaim key backup --out keys.age\nThen: essaim serve")
					}
				})
				for _, d := range anchors {
					if err == nil {
						_, err = fetch[api.AnchorList](c.Context(), p, cl, onIdentity("/anchors/", d, false))
					}
				}
				if err != nil || !c.Flags().Changed("upnp") && !isNew {
					return err
				}
				return p.chooseUPnP(c, s, upnp)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&r.Name, "name", "", p.tr("nom de la communauté (nécessaire)", "name of the community (needed)"))
	f.StringVar(&r.Place, "place", "", p.tr("commune, code postal ou ville", "commune, postal code or city"))
	f.StringVar(&r.Kind, "kind", "", p.tr("place (lieu), organisation, group ou person", "place, organisation, group or person"))
	f.StringVar(&r.Point, "point", "", p.tr("emplacement exact d’un lieu : \"48.3904,-4.4861\"", "exact point of a place: \"48.3904,-4.4861\""))
	f.StringVar(&r.Territory, "territory", "", p.tr("territoire (par défaut l’intercommunalité du lieu)", "territory (by default the one of the place)"))
	f.StringVar(&r.Description, "description", "", p.tr("présentation", "description"))
	f.StringVar(&r.URL, "url", "", p.tr("site", "web site"))
	f.StringVar(&r.Email, "email", "", p.tr("adresse de contact, publique", "contact address, public"))
	f.StringVar(&keyFile, "key-file", "", p.tr("ouvrir les clés par ce fichier, fait s’il manque", "open the keys by this file, made when missing"))
	f.StringArrayVar(&anchors, "anchor", nil, p.tr("identité d’un lieu que vous connaissez et croyez d’abord ; plusieurs fois possible (essaim anchor)",
		"DID of a place you know and trust first; may be repeated (essaim anchor)"))
	f.BoolVar(&upnp, "upnp", true, p.tr("demander à la box de laisser entrer d’autres nœuds", "ask the router to let other nodes in"))
	_ = c.MarkFlagRequired("name")
	return c
}

// chooseUPnP has the router asked to open the port, or not: as the flag says, else
// as the person at the terminal does. It touches the settings only when that is not
// what they say.
func (p *program) chooseUPnP(c *cobra.Command, s *settings, flag bool) error {
	choice := s.Network.UPnP
	if c.Flags().Changed("upnp") {
		choice = flag
	} else if p.asks() {
		fmt.Fprintf(p.err, p.tr("Demander à la box d’ouvrir le port %d, pour que d’autres nœuds vous joignent (UPnP) ? [O/n] ",
			"Ask the router to open port %d, so that other nodes reach you (UPnP)? [Y/n] "), s.Network.Port)
		answer, err := patiently(c.Context(), func() ([]byte, error) { return p.lines.ReadBytes('\n') })
		if c.Context().Err() != nil {
			return c.Context().Err()
		}
		if text := strings.ToLower(strings.TrimSpace(string(answer))); err == nil && text != "" {
			choice = strings.HasPrefix(text, "o") || strings.HasPrefix(text, "y")
		}
	}
	if choice == s.Network.UPnP {
		return nil
	}
	if _, err := p.set(s.path, "network.upnp", strconv.FormatBool(choice)); err != nil {
		return err
	}
	p.note("network.upnp = %t ; pour en changer : essaim config set network.upnp %t", "network.upnp = %t; to change it: essaim config set network.upnp %t", choice, !choice)
	return nil
}

// isSetUp reports whether there are keys already.
func (p *program) isSetUp(c *cobra.Command, cl *client) (bool, error) {
	v, err := fetch[api.Status](c.Context(), p, cl, get("/status"))
	return v.Community != nil, err
}

// protection says how new keys are to be kept.
func (p *program) protection(ctx context.Context, keyFile string) (*api.Protection, error) {
	if keyFile != "" {
		path, err := absolute(keyFile)
		return &api.Protection{KeyFile: path}, err
	}
	passphrase, err := p.passphrase(ctx, true)
	return &api.Protection{Passphrase: string(passphrase)}, err
}
