package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what one process took. It is read from Linux: where there is another
// system, nothing here builds.
type usage struct {
	CPU            time.Duration // of all processors, system calls included
	Peak           int64         // the most memory it had resident, bytes
	Received, Sent int64         // over TCP, what encryption adds included, headers of packets not
	Note           string
	First, Whole   time.Duration // until the first record was there, and all
}

// spent returns the CPU time of this process so far.
func spent() (time.Duration, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// forgetPeak makes peak count from now.
func forgetPeak() error { return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peak returns VmHWM.
func peak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		return 0, fmt.Errorf("VmHWM in /proc/self/status: %w", err)
	}
	return kB << 10, nil
}

// wire returns the bytes of all TCP connections that are open, as the system
// counts them: nothing stands between the two sides to be measured with them.
func wire() (received, sent int64, err error) {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0, 0, err
	}
	const listening = 10 // TCP_LISTEN
	for _, f := range files {
		fd, err := strconv.Atoi(f.Name())
		if err != nil {
			continue
		}
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.State == listening {
			continue // no TCP connection
		}
		received += int64(info.Bytes_received)
		sent += int64(info.Bytes_acked)
	}
	return received, sent, nil
}
