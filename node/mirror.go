package node

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Mirror is a durable choice: to keep all records of a territory, or those of some
// classes, and to say how that stands. The territories of a whole one are followed
// as long as it stands. What brings records is synchronisation, however often it is
// cut.
type Mirror struct {
	ID territory.ID
	MirrorChoice
	Since time.Time // it was first asked for
	// Territories are those kept: ID, then its children in the order of the
	// tables, then those of earlier tables.
	Territories []territory.ID
	// Found are the classes known in Territories that speak of Skills, in the order
	// they were met, and LeftOut is how many more there are than may be kept.
	Found   []cid.Cid
	LeftOut int
}

// MirrorChoice is what of a territory is mirrored.
type MirrorChoice struct {
	Children bool // with all that the tables have within it
	// Classes are those kept, with their awards, of a partial mirror; none for all
	// records.
	Classes []cid.Cid
	// Skills are words: classes that speak of one are kept too, as they come.
	Skills []string
	// MaxSize is how many bytes of records synchronisation may bring it to, control
	// aside; zero for no bound. It never deletes.
	MaxSize int64
}

// whole reports whether all records are kept.
func (c MirrorChoice) whole() bool { return len(c.Classes)+len(c.Skills) == 0 }

// kept are the classes of a partial mirror, asked for and found.
func (m Mirror) kept() []cid.Cid {
	out := slices.Clone(m.Classes)
	for _, c := range m.Found {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// sets are those that a partial mirror keeps beside control.
func (m Mirror) sets() (out []setName) {
	for _, t := range m.Territories {
		if len(m.Skills) > 0 {
			out = append(out, setName{territory: t, classes: true})
		}
		for _, c := range m.kept() {
			out = append(out, setName{territory: t, class: c})
		}
	}
	return out
}

// bucketMirrors: territory id → mirrorRow in JSON.
const bucketMirrors = "mirrors"

type mirrorRow struct {
	Children    bool           `json:"children,omitempty"`
	Classes     []string       `json:"classes,omitempty"`
	Skills      []string       `json:"skills,omitempty"`
	Found       []string       `json:"found,omitempty"` // classes that speak of them
	LeftOut     int            `json:"leftOut,omitempty"`
	MaxSize     int64          `json:"maxSize,omitempty"`
	Since       time.Time      `json:"since"`
	Territories []territory.ID `json:"territories"`
}

// Errors of mirrors.
var (
	ErrMirrored   = errors.New("is kept by the mirror of") // no unfollowing it
	ErrNotMirror  = errors.New("is not mirrored")
	errMirrorRead = errors.New("does not read back")
)

// Mirrors returns the mirrors, in order of their ids.
func (n *Node) Mirrors() ([]Mirror, error) {
	var out []Mirror
	for key, value := range n.mirrors.Each() {
		var row mirrorRow
		if err := json.Unmarshal(value, &row); err != nil {
			return nil, fmt.Errorf("mirror %s %w: %w", key, errMirrorRead, err)
		}
		m := Mirror{ID: territory.ID(key), Since: row.Since, Territories: row.Territories}
		m.Children, m.MaxSize, m.Skills, m.LeftOut = row.Children, row.MaxSize, row.Skills, row.LeftOut
		var err error
		if m.Classes, err = parseCIDs(row.Classes); err == nil {
			m.Found, err = parseCIDs(row.Found)
		}
		if err != nil {
			return nil, fmt.Errorf("mirror %s %w: %w", key, errMirrorRead, err)
		}
		out = append(out, m)
	}
	return out, nil
}

func parseCIDs(names []string) (out []cid.Cid, err error) {
	for _, name := range names {
		c, err := cid.Decode(name)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func cidNames(all []cid.Cid) (out []string) {
	for _, c := range all {
		out = append(out, c.String())
	}
	return out
}

// Mirror returns one mirror, or ErrNotMirror.
func (n *Node) Mirror(id territory.ID) (Mirror, error) {
	all, err := n.Mirrors()
	if err != nil {
		return Mirror{}, err
	}
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
	}
	return Mirror{}, fmt.Errorf("territory %s %w", id, ErrNotMirror)
}

// AddMirror mirrors a territory from now on. To add one again is to choose anew. It
// follows all that a whole mirror needs.
func (n *Node) AddMirror(id territory.ID, choice MirrorChoice) (Mirror, error) {
	if _, err := territory.Parse(string(id)); err != nil {
		return Mirror{}, err
	}
	if choice.MaxSize < 0 {
		return Mirror{}, &badge.Invalid{Member: "territory " + string(id), Why: "would have less than no bytes"}
	}
	classes := map[cid.Cid]bool{}
	for _, c := range choice.Classes {
		if _, err := badge.ParseCID(c.String()); err != nil {
			return Mirror{}, err
		}
		classes[c] = true
	}
	for _, word := range choice.Skills {
		if len(skill.Words(word)) == 0 || len(word) > 100 {
			return Mirror{}, &badge.Invalid{Member: strconv.Quote(word), Why: "is not the name of a skill"}
		}
	}
	choice.Skills = slices.Compact(slices.Sorted(slices.Values(choice.Skills)))
	choice.Classes = slices.SortedFunc(maps.Keys(classes), func(a, b cid.Cid) int { return strings.Compare(a.String(), b.String()) })
	n.acting.Lock()
	defer n.acting.Unlock()
	m := Mirror{ID: id, MirrorChoice: choice, Since: n.now().UTC().Truncate(time.Second)}
	all, err := n.Mirrors()
	if err != nil {
		return m, err
	}
	if m.Territories, err = n.mirrored(m); err != nil {
		return m, err
	}
	sets := len(m.sets())
	for _, other := range all {
		if other.ID == id {
			m.Since = other.Since
		} else {
			sets += len(other.sets())
		}
	}
	if sets > synchro.Classes {
		return m, &badge.Invalid{
			Member: "territory " + string(id),
			Why:    fmt.Sprintf("has too much in scope: %d classes would be kept, counted in each territory, at most %d are; mirror it whole", sets, synchro.Classes),
		}
	}
	if m.whole() {
		if err := n.mayFollow(m); err != nil {
			return m, err
		}
	} else if err := n.findClasses(&m, synchro.Classes-sets); err != nil {
		return m, err
	}
	if err := n.writeMirror(m); err != nil {
		return m, err
	}
	if all, err = n.Mirrors(); err != nil {
		return m, err
	}
	n.bounds.set(all) // before anything comes
	if m.whole() {
		if err := n.follow(forMirror, m.Territories...); err != nil {
			return m, err
		}
	}
	if err := n.unfollowSpare(); err != nil {
		return m, err
	}
	if err := n.keepPartial(); err != nil {
		return m, err
	}
	n.sync.miss("") // somebody may have it
	return m, nil
}

// mayFollow refuses a mirror for which too much would be followed.
func (n *Node) mayFollow(m Mirror) error {
	all := n.Followed()
	for _, t := range m.Territories {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	if len(all) > maxFollowed {
		return &badge.Invalid{
			Member: "territory " + string(m.ID),
			Why:    fmt.Sprintf("has too many children: %d territories would be followed, at most %d are; mirror some of its children", len(all), maxFollowed),
		}
	}
	return nil
}

// RemoveMirror mirrors a territory no more, and stops following what nothing else
// needs. What was received stays.
func (n *Node) RemoveMirror(id territory.ID) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	if _, err := n.Mirror(id); err != nil {
		return err
	}
	if err := n.mirrors.Delete([]byte(id)); err != nil {
		return fmt.Errorf("mirror %s: %w", id, err)
	}
	if err := n.unfollowSpare(); err != nil {
		return err
	}
	return n.keepPartial()
}

// findClasses finds the classes that speak of the skills of a mirror: those found
// before, then others, as long as there is room for so many sets more.
func (n *Node) findClasses(m *Mirror, room int) error {
	before := m.Found
	m.Found, m.LeftOut = nil, 0
	if len(m.Skills) == 0 {
		return nil
	}
	found := slices.Clone(before)
	for _, t := range m.Territories {
		for e, err := range n.store.Find(classesOf(t)) {
			if err != nil {
				return err
			}
			r, err := e.Record()
			if err != nil {
				return err
			}
			text := ClassText(r)
			speaks := func(word string) bool { return text.Compare(skill.Words(word)) != skill.None }
			if slices.ContainsFunc(m.Skills, speaks) && !slices.Contains(found, r.CID()) {
				found = append(found, r.CID())
			}
		}
	}
	for _, c := range found {
		switch {
		case slices.Contains(m.Classes, c):
		case room < len(m.Territories):
			m.LeftOut++
		default:
			m.Found = append(m.Found, c)
			room -= len(m.Territories)
		}
	}
	return nil
}

// resolveScopes brings mirrors up to the classes that have come, and reports whether
// one keeps more than before.
func (n *Node) resolveScopes() (grew bool, err error) {
	n.acting.Lock()
	defer n.acting.Unlock()
	all, err := n.Mirrors()
	if err != nil {
		return false, err
	}
	room := synchro.Classes
	for _, m := range all {
		room -= len(m.sets())
	}
	for _, m := range all {
		before := m
		room += len(m.Found) * len(m.Territories)
		if err := n.findClasses(&m, room); err != nil {
			return grew, err
		}
		room -= len(m.Found) * len(m.Territories)
		if len(m.Found) == len(before.Found) && m.LeftOut == before.LeftOut {
			continue
		}
		if err := n.writeMirror(m); err != nil {
			return grew, err
		}
		grew = grew || len(m.Found) > len(before.Found)
	}
	if !grew {
		return false, nil
	}
	return true, n.keepPartial()
}

// keepPartial brings the sets that are kept up to what partial mirrors need: those
// of their classes, and control of territories that are not followed; and bounds up
// to those of all mirrors. Until the sets are read at a start, only names are noted.
func (n *Node) keepPartial() error {
	all, err := n.Mirrors()
	if err != nil {
		return err
	}
	var names []string
	var territories []territory.ID
	for _, m := range all {
		if m.whole() {
			continue
		}
		territories = append(territories, m.Territories...)
		for _, of := range m.sets() {
			names = append(names, of.String())
		}
	}
	n.sets.keepClasses(names[:min(len(names), synchro.Classes)]) // tables may have grown
	n.bounds.set(all)
	if !n.sets.started() {
		return nil
	}
	n.sets.dropPartial(territories)
	if err := n.readControl(territories...); err != nil {
		return err
	}
	return n.measureBounds()
}

// mirrored is what a mirror keeps by the tables of today.
func (n *Node) mirrored(m Mirror) ([]territory.ID, error) {
	out := []territory.ID{m.ID}
	if !m.Children {
		return out, nil
	}
	g, err := n.places()
	if err != nil {
		return nil, err
	}
	return append(out, g.Children(m.ID)...), nil
}

func (n *Node) writeMirror(m Mirror) error {
	row := mirrorRow{
		Children: m.Children, MaxSize: m.MaxSize, Since: m.Since, Territories: m.Territories,
		Classes: cidNames(m.Classes), Skills: m.Skills, Found: cidNames(m.Found), LeftOut: m.LeftOut,
	}
	raw, err := json.Marshal(row)
	if err == nil {
		err = n.mirrors.Put([]byte(m.ID), raw)
	}
	if err != nil {
		return fmt.Errorf("mirror %s: %w", m.ID, err)
	}
	return nil
}

// keepMirrors brings what is followed up to what mirrors need, at a start: a change
// was cut short, or the tables are newer. What earlier tables had is kept: its
// records are still of it.
func (n *Node) keepMirrors() error {
	all, err := n.Mirrors()
	if err != nil {
		return err
	}
	for _, m := range all {
		now, err := n.mirrored(m)
		if err != nil {
			return err
		}
		for _, t := range m.Territories {
			if !slices.Contains(now, t) {
				now = append(now, t)
			}
		}
		if !slices.Equal(now, m.Territories) {
			m.Territories = now
			if err := n.writeMirror(m); err != nil {
				return err
			}
		}
		if !m.whole() {
			continue
		}
		if err := n.follow(forMirror, m.Territories...); err != nil {
			n.log.Error("not all of a mirror is followed", "territory", m.ID, "err", err)
		}
	}
	if err := n.unfollowSpare(); err != nil {
		return err
	}
	if _, err := n.resolveScopes(); err != nil {
		return err
	}
	return n.keepPartial()
}

// unfollowSpare stops following what was followed for a mirror, and no mirror needs.
func (n *Node) unfollowSpare() error {
	all, err := n.Mirrors()
	if err != nil {
		return err
	}
	for key, why := range n.follows.Each() {
		id := territory.ID(key)
		if string(why) != forMirror || slices.ContainsFunc(all, func(m Mirror) bool { return m.whole() && slices.Contains(m.Territories, id) }) {
			continue
		}
		if err := n.unfollow(id); err != nil {
			return err
		}
	}
	return nil
}

// mirrorOf returns a mirror that needs a territory to be followed.
func (n *Node) mirrorOf(id territory.ID) (of territory.ID, ok bool) {
	all, err := n.Mirrors()
	if err != nil {
		return "", false
	}
	for _, m := range all {
		if m.whole() && slices.Contains(m.Territories, id) {
			return m.ID, true
		}
	}
	return "", false
}
