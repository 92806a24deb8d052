package store

import (
	"errors"
	"fmt"
)

// Sentinels, matched with errors.Is. What wraps them says what to do.
var (
	// ErrNotFound: no record of that name is here.
	ErrNotFound = errors.New("not in the store")
	// ErrErased: the record was erased by who had the right to, for ever.
	ErrErased = errors.New("erased")
	// ErrReadOnly: the disk is nearly full, and nothing is written until
	// there is room again.
	ErrReadOnly = errors.New("the store is read-only")
	// ErrNewerFormat: a later version of the program wrote this store.
	ErrNewerFormat = errors.New("the store is of a newer format")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("the folder is in use")
	// ErrCorrupt: what is stored is not what was written.
	ErrCorrupt = errors.New("the store is damaged")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the store is closed")
)

// corrupt returns an ErrCorrupt that says what was found and what to do.
func (s *Store) corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s: stop the node, move %s away and start it again: the keys stand elsewhere, and the neighbours send the records anew; offers not claimed yet and tokens have to be made again",
		ErrCorrupt, fmt.Sprintf(format, args...), s.where())
}
