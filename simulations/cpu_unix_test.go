//go:build unix

package simulations

import (
	"syscall"
	"testing"
	"time"
)

// cpu returns how long the process has run on any processor, user and system.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
