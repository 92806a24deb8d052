package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folderLock keeps a second process out of the folder. The kernel holds it and
// lets go when the process ends, however it ends; the text in the file only
// tells people who it is.
type folderLock struct{ file *os.File }

func lockFolder(dir, command string) (*folderLock, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", dir, err)
	}
	if err := flock(f); err != nil {
		f.Close()
		if errors.Is(err, errFlocked) {
			return nil, lockedBy(dir, path)
		}
		return nil, fmt.Errorf("folder %s: lock: %w", dir, err)
	}
	text := fmt.Sprintf("%d\n%s\n", os.Getpid(), command)
	if err := f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(text), 0)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("folder %s: lock: %w", dir, err)
		}
	}
	return &folderLock{f}, nil
}

func lockedBy(dir, path string) error {
	who := "another process"
	if b, err := os.ReadFile(path); err == nil {
		pid, command, _ := strings.Cut(string(b), "\n")
		if _, err := strconv.Atoi(pid); err == nil {
			who = fmt.Sprintf("%s (process %s)", strings.TrimSpace(command), pid)
		}
	}
	return fmt.Errorf("folder %s is in use by %s: stop it first, or give commands while it runs, which talk to it: %w", dir, who, ErrLocked)
}

func (l *folderLock) release() error {
	if l == nil {
		return nil
	}
	// The file stays: to remove it would let two processes lock two files.
	return l.file.Close()
}

// commandName is how this process is called in the lock file: "essaim serve".
func commandName() string {
	name := filepath.Base(os.Args[0])
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		name += " " + os.Args[1]
	}
	return name
}
