package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// badgerLog passes Badger's words to slog. Badger tells only here, and not by
// an error, that it opens a store without a table whose index is damaged:
// ignored then names the table. And only here that it cannot flush a memtable:
// unflushed counts how often.
type badgerLog struct {
	log       *slog.Logger
	ignored   atomic.Pointer[string]
	unflushed atomic.Int32
}

// harmless are warnings that ask nothing of anybody: two compactors want the
// same tables, or a cache is smaller than Badger would like.
var harmless = []string{"Unable to fill tables", "While running doCompact", "While forcing compaction", "might be too small", "Cache life expectancy"}

func (l *badgerLog) Errorf(format string, args ...any) {
	text := l.text(format, args)
	if strings.HasPrefix(text, "Ignoring table") || strings.HasPrefix(text, "CHECKSUM_MISMATCH") {
		l.ignored.Store(&text)
	}
	if strings.HasPrefix(text, "error flushing memtable") {
		l.unflushed.Add(1)
	}
	l.log.Error("badger", "message", text)
}

func (l *badgerLog) Warningf(format string, args ...any) {
	text := l.text(format, args)
	for _, h := range harmless {
		if strings.Contains(text, h) {
			l.log.Debug("badger", "message", text)
			return
		}
	}
	l.log.Warn("badger", "message", text)
}

func (l *badgerLog) Infof(format string, args ...any) { l.Debugf(format, args...) }

func (l *badgerLog) Debugf(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("badger", "message", l.text(format, args))
	}
}

func (l *badgerLog) text(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
