package foreign

import (
	"strings"
	"time"
)

// Moment reads a time as others write it: RFC 3339, the same without a zone, a
// date alone, or seconds since 1970 as a number. end says that it is the end of
// something: a date alone then lasts until its last second. v notes what was
// tolerated. ok is false of anything else.
func Moment(value any, end bool, v *Verdict) (t time.Time, ok bool) {
	if n, isNumber := value.(float64); isNumber {
		v.Note(UnixTime)
		return time.Unix(int64(n), 0).UTC(), n > 0 && n < 1<<34
	}
	s, isText := value.(string)
	if !isText {
		return t, false
	}
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			v.Note(TimeWithoutZone)
			return t, true
		}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, false
	}
	v.Note(DateWithoutTime)
	if end {
		t = t.Add(24*time.Hour - time.Second)
	}
	return t, true
}

// Period answers Dates from when a badge begins and ends, values as they stand
// in it; nil is absent.
func (v *Verdict) Period(now time.Time, begins, ends any) {
	from, ok := Moment(begins, false, v)
	switch {
	case !ok:
		v.Says(Dates, No, BadTime, text(begins))
		return
	case from.After(now):
		v.Says(Dates, No, NotYet, text(begins))
		return
	}
	v.Until(now, ends)
}

// Until answers Dates of what may have begun at any time, from when it ends.
func (v *Verdict) Until(now time.Time, ends any) {
	v.Says(Dates, Yes, InForce, "")
	if ends == nil || ends == "" {
		return
	}
	until, ok := Moment(ends, true, v)
	switch {
	case !ok:
		v.Says(Dates, No, BadTime, text(ends))
	case until.Before(now):
		v.Says(Dates, No, Expired, text(ends))
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
