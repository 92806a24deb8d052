package demo

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node"
)

// data/NOTICE.md says where the tables come from and under which licences.
//
//go:embed data/classes-fr.tsv data/skills.tsv data/profil.json data/noms-fr.json
var data embed.FS

// class is a row of classes-fr.tsv.
type class struct {
	id     string // c01
	name   string
	sort   string // savoir-faire, participation …
	level  int    // 1 to 5
	skills []node.Skill
}

// distributions are the figures of profil.json that the demo draws from; those
// about places, regions and sizes of swarms have no use among three nodes.
type distributions struct {
	MembersMedian float64     `json:"membres_mediane"` // lognormal
	MembersSigma  float64     `json:"membres_sigma"`
	ClassesMedian float64     `json:"classes_mediane"` // lognormal
	ClassesSigma  float64     `json:"classes_sigma"`
	ZipfS         float64     `json:"zipf_s"` // weight of the k-th class: (k+q)^-s
	ZipfQ         float64     `json:"zipf_q"`
	BadgesAlpha   float64     `json:"badges_par_personne_alpha"` // Pareto
	Endorsed      float64     `json:"soutiens_part"`             // share of awards with any endorsement
	EndorsedAlpha float64     `json:"soutiens_alpha"`            // Pareto
	EndorsedMax   int         `json:"soutiens_max"`
	Revoked       float64     `json:"revocation"`    // share of awards
	Expires       float64     `json:"expiration"`    // share of awards
	Growth        float64     `json:"croissance_an"` // of awards, a year
	FirstDay      int         `json:"jour_debut"`    // days since 1970-01-01
	Days          int         `json:"jours"`         // from the first
	Season        [12]float64 `json:"saison"`        // weight of each month
}

type names struct {
	Women    []string `json:"prenoms_f"`
	Men      []string `json:"prenoms_m"`
	Either   []string `json:"prenoms_mixtes"`
	Surnames []string `json:"noms"`
}

type tables struct {
	classes []class
	distributions
	first, last []string // names
}

func readTables() (tables, error) {
	var t tables
	if err := readJSON("profil.json", &t.distributions); err != nil {
		return t, err
	}
	var n names
	if err := readJSON("noms-fr.json", &n); err != nil {
		return t, err
	}
	t.first = append(append(append(t.first, n.Women...), n.Men...), n.Either...)
	t.last = n.Surnames
	rows, err := readTSV("skills.tsv", 5)
	if err != nil {
		return t, err
	}
	skills := map[string]node.Skill{}
	for _, r := range rows {
		skills[r[0]] = node.Skill{Framework: r[1], Code: r[2], Name: r[3], URL: r[4]}
	}
	if rows, err = readTSV("classes-fr.tsv", 6); err != nil {
		return t, err
	}
	for _, r := range rows {
		c := class{id: r[0], name: r[1], sort: r[2]}
		if c.level, err = strconv.Atoi(r[3]); err != nil {
			return t, fmt.Errorf("classes-fr.tsv: class %s: level %q", c.id, r[3])
		}
		for key := range strings.SplitSeq(r[4], "|") {
			if key == "" || strings.HasPrefix(key, "crcn:") {
				continue // data/NOTICE.md says why
			}
			skill, ok := skills[key]
			if !ok {
				return t, fmt.Errorf("classes-fr.tsv: class %s: skills.tsv has no %s", c.id, key)
			}
			c.skills = append(c.skills, skill)
		}
		t.classes = append(t.classes, c)
	}
	return t, nil
}

func readJSON(name string, v any) error {
	raw, err := data.ReadFile("data/" + name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readTSV returns the rows below the head, each of so many columns.
func readTSV(name string, columns int) ([][]string, error) {
	raw, err := data.ReadFile("data/" + name)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n") {
		row := strings.Split(line, "\t")
		if len(row) != columns {
			return nil, fmt.Errorf("%s: line %d has %d columns, want %d", name, i+1, len(row), columns)
		}
		if i > 0 {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// draft says of a class what its row leaves to common sense, in French.
func (c class) draft() node.ClassDraft {
	words := sorts[c.sort]
	return node.ClassDraft{
		Name: c.name, Type: words.kind, Tags: []string{c.sort}, Skills: c.skills, Levels: []int{c.level},
		Description: words.description + " : " + c.name + ".",
		Criteria:    words.criteria,
	}
}

// sorts are the sorts of class in classes-fr.tsv.
var sorts = map[string]struct{ kind, description, criteria string }{
	"savoir-faire":  {"ext:SavoirFaire", "Sait faire, en sécurité et comme le lieu le demande", "A montré le geste devant une personne qui le maîtrise, sur une pièce ou un cas réels."},
	"savoir-être":   {"ext:SavoirEtre", "Sait être, avec les autres et dans la durée", "Plusieurs personnes du lieu l'ont constaté, dans des situations différentes."},
	"participation": {"ext:Participation", "A pris part", "Était là, du début à la fin, et a participé."},
	"projet":        {"ext:Projet", "A mené un projet", "A mené un projet à son terme et l'a montré au lieu."},
	"engagement":    {"ext:Engagement", "S'est engagé·e", "A donné de son temps au lieu, de façon régulière."},
	"transmission":  {"ext:Transmission", "A transmis", "A préparé et animé au moins une séance, et recueilli les retours."},
	"communauté":    {"ext:Communaute", "Fait vivre la communauté", "Tient ce rôle dans le lieu depuis au moins trois mois."},
}
