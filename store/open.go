package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"codeberg.org/essaim/essaim/protocol"
)

// Config says where and how to keep records. Its zero value but for Dir is what
// a community's box wants.
type Config struct {
	// Dir is the folder; it is created. One process at a time has it open.
	Dir string
	// InMemory keeps everything in memory, for tests. Dir is not used.
	InMemory bool
	// Logger takes Badger's warnings and what Open had to put right. Nil
	// discards.
	Logger *slog.Logger
	// MinFree is how many bytes must be free on the disk for anything to be
	// written. Zero means the larger of 256 MiB and 5 % of the disk, and at
	// most 2 GiB.
	MinFree uint64
	// Command is what a second process is told this one is. Empty means the
	// name and first argument of this process, as in "essaim serve".
	Command string
	// Space tells how many bytes of the disk are free, and how many it has, for
	// simulations. Nil asks the operating system; a store in memory is then
	// never full.
	Space func() (free, total uint64, err error)
	// Now is the clock by which an endorsement has expired. Nil means time.Now.
	Now func() time.Time
}

// Store is an open store. Its methods may be called by many goroutines, until
// Close.
type Store struct {
	cfg   Config
	db    *badger.DB
	log   *badgerLog
	lock  *folderLock
	clean bool

	// statfs is diskSpace, or Config.Space.
	statfs  func(dir string) (free, total uint64, err error)
	minFree uint64
	full    atomic.Bool // read-only for want of space

	writer sync.Mutex // held by whoever writes; it guards:
	counts tally      // what "M tally" says
	names  map[string]uint32
	// classes holds records of classes lately seen, by id, so that a run of
	// awards of one class decodes it once.
	classes  map[uint32]protocol.Record
	unsynced int // arrivals since the last Sync began
	closed   bool

	last    atomic.Uint32 // counts.seq, of committed batches
	durable atomic.Uint32 // last arrival known to survive a loss of power
	dirty   atomic.Bool   // something was written since the last Sync began
	erasing atomic.Bool   // bodies wait to be wiped

	syncing sync.Mutex // held by whoever syncs

	waiting sync.Mutex    // guards arrived
	arrived chan struct{} // closed at the next arrival

	cursors sync.Mutex // guards:
	seen    map[string]uint32
}

// valueLimit is more than any value: Badger moves values of this size and more
// out of the tree, where a power cut loses them silently.
const valueLimit = protocol.MaxBytes + 1<<10

// badgerOptions are those measured in the design: values in the tree, zstd
// blocks of 16 KiB, little memory. Its reasons, option by option:
func badgerOptions(dir string, log badger.Logger) badger.Options {
	o := badger.DefaultOptions(dir).WithLogger(log).
		// Two memtables of 8 MiB bound memory; 15 % of one, 1.2 MB and some
		// 13,000 rows, bounds a batch, and any single value.
		WithMemTableSize(8 << 20).WithNumMemtables(2).
		// Fewer tables on level 0 rewrite more; one compactor is refused.
		WithNumLevelZeroTables(5).WithNumLevelZeroTablesStall(15).WithNumCompactors(2).
		// Tables of 1 MiB keep compaction below 210 MB at a million records.
		WithBaseTableSize(1 << 20).
		WithBlockSize(16 << 10).WithCompression(options.ZSTD).WithZSTDCompressionLevel(1).
		// Without an index cache every index and bloom filter stays in memory.
		WithBlockCacheSize(8 << 20).WithIndexCacheSize(8 << 20).
		WithValueThreshold(valueLimit).WithValueLogFileSize(16 << 20).
		WithNumGoroutines(2).WithMetricsEnabled(false).
		// There is one writer, so no conflict; Sync is called where it counts.
		WithDetectConflicts(false).WithSyncWrites(false).
		// SD cards lie. On table would read the whole store at every Open.
		WithChecksumVerificationMode(options.OnBlockRead)
	o.TableSizeMultiplier = 1
	return o
}

// tuneForTest changes the options in this package's tests.
var tuneForTest = func(o badger.Options) badger.Options { return o }

// Open opens the store, or creates it. It fails with ErrLocked, ErrNewerFormat,
// ErrReadOnly (no room even to open) or ErrCorrupt; each says what to do.
//
// After an unclean end it verifies every table and the last records before it
// answers; see CleanStart.
func Open(cfg Config) (*Store, error) {
	if err := checkBuild(strconv.IntSize); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Command == "" {
		cfg.Command = commandName()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{
		cfg:     cfg,
		log:     &badgerLog{log: cfg.Logger},
		statfs:  diskSpace,
		names:   map[string]uint32{},
		classes: map[uint32]protocol.Record{},
		arrived: make(chan struct{}),
		seen:    map[string]uint32{},
	}
	if cfg.Space != nil {
		s.statfs = func(string) (free, total uint64, err error) { return cfg.Space() }
	}
	if err := s.open(); err != nil {
		if s.db != nil {
			s.db.Close()
		}
		return nil, errors.Join(err, s.lock.release())
	}
	return s, nil
}

// checkBuild refuses a build whose int has less than 64 bits: there Badger's
// table builder overwrites its own buffers and stores wrong data without a word.
func checkBuild(intSize int) error {
	if intSize < 64 {
		return fmt.Errorf("this is a %d-bit build, in which the database silently corrupts records: use the amd64 or arm64 build", intSize)
	}
	return nil
}

func (s *Store) open() error {
	o := badgerOptions(filepath.Join(s.cfg.Dir, "badger"), s.log)
	if s.cfg.InMemory {
		o = o.WithInMemory(true).WithDir("").WithValueDir("")
		s.minFree = s.cfg.MinFree
	} else if err := s.prepareFolder(); err != nil {
		return err
	}
	if err := s.openBadger(tuneForTest(o)); err != nil {
		return err
	}
	if name := s.log.ignored.Load(); name != nil {
		return s.corrupt("%s", *name)
	}
	if err := s.load(); err != nil {
		return err
	}
	if !s.cfg.InMemory {
		s.makeBallast()
		if err := s.checkSpace(); err != nil && !errors.Is(err, ErrReadOnly) {
			return err
		}
	}
	return nil
}

// prepareFolder does all that must be right before Badger touches a file.
func (s *Store) prepareFolder() error {
	dir := s.cfg.Dir
	if dir == "" {
		return errors.New("store: Config.Dir is empty")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("folder %s: %w", dir, err)
	}
	var err error
	if s.lock, err = lockFolder(dir, s.cfg.Command); err != nil {
		return err
	}
	if err := s.checkVersion(filepath.Join(dir, "VERSION")); err != nil {
		return err
	}
	return s.roomToOpen()
}

// versionPrefix begins the VERSION file, which is read before Badger opens a
// store another version may have written with another Badger.
const versionPrefix = "essaim store "

func (s *Store) checkVersion(path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return os.WriteFile(path, fmt.Appendf(nil, "%s%d\n", versionPrefix, schema), 0o600)
	}
	if err != nil {
		return fmt.Errorf("folder %s: %w", s.cfg.Dir, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(b), versionPrefix)))
	if err != nil {
		return s.corrupt("%s holds %.40q, not a version", path, b)
	}
	return s.checkSchema(n)
}

func (s *Store) checkSchema(n int) error {
	if n > schema {
		return fmt.Errorf("%w: %s has format %d and this program knows %d: install the version of essaim that wrote it, or a later one",
			ErrNewerFormat, s.where(), n, schema)
	}
	if n != schema {
		return s.corrupt("format %d is unknown", n)
	}
	return nil
}

// openBadger opens Badger, which panics at some damaged files.
func (s *Store) openBadger(o badger.Options) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.corrupt("opening it failed: %.200s", fmt.Sprint(p))
		}
	}()
	if !o.InMemory {
		if err := removeEmptyLogs(o.Dir); err != nil {
			return fmt.Errorf("folder %s: %w", s.cfg.Dir, err)
		}
	}
	s.db, err = badger.Open(o)
	if err != nil {
		s.db = nil
		return s.corrupt("opening it failed: %v", err)
	}
	return nil
}

// removeEmptyLogs removes the logs of memtables that were created and never
// written to, because the process was killed between the two: Badger refuses to
// open a store that has one, and there is nothing in it to lose.
func removeEmptyLogs(dir string) error {
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return err
	}
	for _, path := range logs {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() > 0 {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// load reads what the last process left, puts right what it left half done, and
// marks the store open.
func (s *Store) load() error {
	var boot []byte
	var fresh bool
	err := s.db.View(func(txn *badger.Txn) error {
		v, err := get(txn, metaKey("schema"))
		if errors.Is(err, badger.ErrKeyNotFound) {
			fresh = true
			return nil
		}
		if err != nil {
			return err
		}
		if len(v) != 4 {
			return s.corrupt("the schema row is %x", v)
		}
		if err := s.checkSchema(int(binary.BigEndian.Uint32(v))); err != nil {
			return err
		}
		if v, err = get(txn, metaKey("tally")); err != nil {
			return s.corrupt("the tally is missing: %v", err)
		}
		if s.counts, err = decodeTally(v); err != nil {
			return s.corrupt("the tally is %x", v)
		}
		if v, err = get(txn, metaKey("durable")); err == nil && len(v) == 4 {
			s.durable.Store(binary.BigEndian.Uint32(v))
		}
		boot, _ = get(txn, metaKey("boot"))
		_, err = get(txn, metaKey("clean"))
		s.clean = err == nil
		return nil
	})
	if err != nil {
		return err
	}
	if fresh {
		if err := s.refuseRemains(); err != nil {
			return err
		}
		s.clean = true
		s.counts.nextID = 1
	}
	s.last.Store(s.counts.seq)
	here := bootID()
	if !s.clean {
		if err := s.recover(string(boot) == here && here != ""); err != nil {
			return err
		}
	}
	err = s.db.Update(func(txn *badger.Txn) error {
		return errors.Join(
			txn.Set(metaKey("schema"), u32(schema)),
			txn.Set(metaKey("tally"), s.counts.encode()),
			txn.Set(metaKey("durable"), u32(s.counts.seq)),
			txn.Set(metaKey("boot"), []byte(here)),
			txn.Delete(metaKey("clean")),
		)
	})
	if err != nil {
		return err
	}
	s.durable.Store(s.counts.seq)
	if err := s.resume(); err != nil {
		return err
	}
	return s.syncFiles()
}

// refuseRemains tells a new store from one that lost its first table.
func (s *Store) refuseRemains() error {
	rows, err := s.page([]byte{keyLog}, nil, false, 1)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return s.corrupt("records are there, and the row that says their format is not")
	}
	return nil
}

// resume finishes the work a crash left.
func (s *Store) resume() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if err := s.compareLate(); err != nil {
		return err
	}
	s.erasing.Store(true) // perhaps
	return s.wipe()
}

// CleanStart reports whether the last process closed the store, or there was
// none. If not, but this machine has not restarted since, nothing is lost: only
// the process died. If it has, up to a second of what was written before the
// end may be: followers' cursors stand before it, ids and arrivals given since
// are new ones, and the node should reconcile with its neighbours before it
// calls itself complete.
func (s *Store) CleanStart() bool { return s.clean }

// Close syncs, wipes what was erased, marks the end as clean and closes. The
// Store must not be used any more; Run must have returned. When any of it fails
// the end is not marked clean, and the next Open verifies.
//
// A disk that takes nothing, or is no longer there, makes it fail within some
// ten seconds: what Put stored is in the logs of the memtables, as after kill -9.
func (s *Store) Close() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := errors.Join(s.wipe(), s.syncLocked())
	if err == nil {
		err = s.db.Update(func(txn *badger.Txn) error { return txn.Set(metaKey("clean"), []byte{1}) })
	}
	err = errors.Join(err, s.closeBadger())
	s.wake()
	return err
}

// closeBadger closes Badger and lets go of the folder. Badger tries each second,
// for ever, to flush a memtable to a disk that refuses it: after some failures it
// is left behind, still holding the folder, which ends with it or the process.
func (s *Store) closeBadger() error {
	const enough = 5
	closed := make(chan error, 1)
	failed := s.log.unflushed.Load()
	go func() { closed <- errors.Join(s.db.Close(), s.lock.release()) }()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-closed:
			return err
		case <-look.C:
			if s.log.unflushed.Load() < failed+enough {
				continue
			}
			return fmt.Errorf("%s: the disk takes nothing: what was stored is in the logs there, and the next start reads it: free some space, or see whether the disk is still there", s.where())
		}
	}
}

// where is the folder as messages name it.
func (s *Store) where() string {
	if s.cfg.InMemory {
		return "the store in memory"
	}
	return s.cfg.Dir
}

// get returns a copy of the value of key.
func get(txn *badger.Txn, key []byte) ([]byte, error) {
	item, err := txn.Get(key)
	if err != nil {
		return nil, err
	}
	return item.ValueCopy(nil)
}

// bootID names this run of the machine, or is empty where it cannot be known.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
