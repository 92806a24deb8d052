package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol/skill"
)

// findClass returns the CID of the class a person named: by its CID, or by its
// whole name when one class that is not retired has it.
func (p *program) findClass(ctx context.Context, c *client, text string) (string, error) {
	if strings.HasPrefix(text, "bafkrei") {
		return text, nil
	}
	found, err := fetch[api.ClassList](ctx, p, c, get("/classes?limit=1000&q=%s", url.QueryEscape(text)))
	if err != nil {
		return "", err
	}
	words := skill.Words(text)
	named := slices.DeleteFunc(found.Classes, func(k api.Class) bool { return !slices.Equal(skill.Words(k.Name), words) })
	switch len(named) {
	case 1:
		return named[0].CID, nil
	case 0:
		return "", &failure{
			Code: "not_found", Message: fmt.Sprintf(p.tr("aucun modèle de badge ne s’appelle « %s »", "no badge class is called %q"), text),
			Hint: p.tr("les voir : essaim class list", "see them: essaim class list"), exit: exitNotFound,
		}
	}
	f := &failure{
		Code: "ambiguous_class", Message: fmt.Sprintf(p.tr("plusieurs modèles s’appellent « %s »", "several classes are called %q"), text),
		Hint: p.tr("donnez le code du modèle voulu", "give the code of the one you mean"), exit: exitUsage,
	}
	for _, k := range named {
		f.Candidates = append(f.Candidates, k.CID+"  "+p.person(k.Creator.Name, k.Creator.DID)+", "+p.day(k.Created))
	}
	return "", f
}

// withClass connects, finds the class and hands both on.
func (p *program) withClass(ctx context.Context, text string, do func(c *client, cid string) error) error {
	return p.with(ctx, func(c *client) error {
		cid, err := p.findClass(ctx, c, text)
		if err != nil {
			return err
		}
		return do(c, cid)
	})
}

func (p *program) classDetails(k api.Class) {
	p.line("%s", k.Name)
	p.line("  %s", k.Description)
	if criteria := firstSet(k.Criteria, k.CriteriaURL); criteria != "" {
		p.say("  critères     %s", "  criteria     %s", criteria)
	}
	if len(k.Levels) > 0 {
		p.say("  niveaux      %s", "  levels       %s", strings.Trim(fmt.Sprint(k.Levels), "[]"))
	}
	for _, s := range k.Skills {
		p.say("  compétence   %s (%s)", "  skill        %s (%s)", s.Name, s.Framework)
	}
	if len(k.Tags) > 0 {
		p.say("  mots-clés    %s", "  tags         %s", strings.Join(k.Tags, ", "))
	}
	p.say("  auteur       %s, le %s", "  creator      %s, %s", p.person(k.Creator.Name, k.Creator.DID), p.day(k.Created))
	p.say("  qui remet    %s", "  awarded by   %s", p.rule(k.Rule))
	p.say("  état         %s", "  state        %s", p.translated(k.State))
	p.say("  badges       %d en vigueur · %d soutiens du modèle", "  awards       %d live · %d endorsements of the class", k.Awards, k.Endorsements)
	p.say("  territoires  %s", "  territories  %s", strings.Join(k.Territories, ", "))
	p.say("  code         %s", "  code         %s", k.CID)
}

func (p *program) rule(r *api.Rule) string {
	if r == nil {
		return p.tr("son auteur seul", "its creator only")
	}
	switch r.By {
	case "listed":
		return p.many(len(r.Listed), "identité nommée", "identités nommées", "named identity", "named identities")
	case "holders":
		if r.MinLevel > 0 {
			return fmt.Sprintf(p.tr("qui le détient, dès le niveau %d", "who holds it, from level %d"), r.MinLevel)
		}
		return p.tr("qui le détient", "who holds it")
	case "anyone":
		return p.tr("tout le monde", "anyone")
	case "quorum":
		return fmt.Sprintf(p.tr("après %d soutiens de titulaires ou %d de mentors", "after %d endorsements by holders or %d by mentors"), r.Holders, r.Mentors)
	}
	return p.tr("son auteur seul", "its creator only")
}
