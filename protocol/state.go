package protocol

import (
	"bytes"
	"time"

	"codeberg.org/essaim/essaim/protocol/badge"
)

// State is what its statuses make of a record. Its values are stored.
type State uint8

// The states of a record. All above Suspended are final.
const (
	Live State = iota
	Suspended
	Revoked
	Withdrawn
	Retired
	Renounced
	Erased
)

var stateNames = [...]string{"live", badge.Suspended, badge.Revoked, badge.Withdrawn, badge.Retired, badge.Renounced, badge.Erased}

// String returns the name of the state, as statuses write it; "live" without one.
func (s State) String() string { return stateNames[s] }

// Final reports whether nothing brings the record back. Of several final states
// the newest is told; Erased before all.
func (s State) Final() bool { return s > Suspended }

// Entitled reports whether status may be set by its author on target: an issuer
// suspends, reinstates and revokes its awards, an endorser withdraws an
// endorsement and a disputer a dispute, a creator retires a class, a holder
// renounces or erases an award, an author erases a notice or a profile. A
// status nobody was entitled to set is kept, without effect.
func Entitled(status, target Record) bool {
	s, ok := status.document.(*badge.Status)
	if !ok || s.Target != target.CID().String() {
		return false
	}
	byAuthor := s.Author == target.Author()
	switch s.State {
	case badge.Suspended, badge.Reinstated, badge.Revoked:
		return target.kind == Award && byAuthor
	case badge.Withdrawn:
		return (target.kind == Endorsement || target.kind == Dispute) && byAuthor
	case badge.Retired:
		return target.kind == Class && byAuthor
	case badge.Renounced:
		return target.kind == Award && s.Author == target.Holder()
	case badge.Erased:
		return target.kind == Award && s.Author == target.Holder() ||
			(target.kind == Notice || target.kind == Profile) && byAuthor
	}
	return false
}

// StateOf returns the state of target under statuses, in whatever order they
// came: Erased before all, then any final state, then the newest of suspended
// and reinstated, the larger digest deciding between equal times. Statuses of
// other targets or of authors not entitled do not count. It also returns the
// status that decided, the zero Record when Live by default.
func StateOf(target Record, statuses []Record) (State, Record) {
	state, by := Live, Record{}
	for _, status := range statuses {
		if !Entitled(status, target) {
			continue
		}
		s := stateNamed(status.document.(*badge.Status).State)
		switch {
		case by.IsZero(), rank(s) > rank(state):
		case rank(s) < rank(state):
			continue
		case !newer(status, by):
			continue
		}
		state, by = s, status
	}
	return state, by
}

// rank orders what outweighs what, whatever the times.
func rank(s State) int {
	switch {
	case s == Erased:
		return 2
	case s.Final():
		return 1
	}
	return 0
}

func newer(a, b Record) bool {
	if !a.created.Equal(b.created) {
		return a.created.After(b.created)
	}
	return bytes.Compare(a.digest[:], b.digest[:]) > 0
}

func stateNamed(name string) State {
	for s, n := range stateNames {
		if n == name {
			return State(s)
		}
	}
	return Live // reinstated
}

// Valid reports whether an award, endorsement or dispute counts at now: it has
// begun by its own word and has not ended. The state is another question.
func (r Record) Valid(now time.Time) bool {
	from := time.Time{}
	switch d := r.document.(type) {
	case *badge.AchievementCredential:
		from, _ = badge.ParseTime(d.ValidFrom)
	case *badge.EndorsementCredential:
		from, _ = badge.ParseTime(d.ValidFrom)
	}
	return !now.Before(from) && (r.until.IsZero() || now.Before(r.until))
}

// Matches reports whether an award's embedded achievement is the class record
// it names, member for member. An award that shows one class and names another
// is kept, and never counted.
func Matches(award, class Record) bool {
	a, ok := award.document.(*badge.AchievementCredential)
	c, ok2 := class.document.(*badge.Achievement)
	if !ok || !ok2 {
		return false
	}
	return sameAchievement(a.Subject.Achievement, c.Embedded(class.CID().String()))
}
