package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseJobs reads -j: N, N%, +N or -N of the processors.
func parseJobs(s string) (int, error) {
	wrong := usagef("N, N%, +N or -N of the processors, or 0 for one per task", "-j %s makes no sense", s)
	digits, percent := strings.CutSuffix(s, "%")
	relative := strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-")
	n, err := strconv.Atoi(digits)
	if err != nil || percent && (relative || n == 0) {
		return 0, wrong
	}
	switch {
	case percent:
		return max(1, int(math.Round(float64(cpuCount()*n)/100))), nil
	case relative:
		return max(1, cpuCount()+n), nil
	}
	return n, nil
}

// parseDuration reads Go's form, a number of days (2d), or of seconds.
func parseDuration(s string) (time.Duration, error) {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	unit := time.Second
	digits, days := strings.CutSuffix(s, "d")
	if days {
		unit = 24 * time.Hour
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(f >= 0) || f*float64(unit) >= math.MaxInt64 {
		return 0, fmt.Errorf("not a duration: %q", s)
	}
	return time.Duration(f * float64(unit)), nil
}

// parseSize reads bytes, or K, M, G, T of them, in powers of 1024.
func parseSize(s string) (int64, error) {
	shift := 0
	if s == "" {
		return 0, errors.New("not a size: nothing")
	}
	if i := strings.IndexByte("KMGT", s[len(s)-1]&^0x20); i >= 0 {
		shift, s = 10*(i+1), s[:len(s)-1]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("not a size: %q", s)
	}
	return n << shift, nil
}
