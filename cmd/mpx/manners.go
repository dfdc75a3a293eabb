package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"mpx/internal/proc"
)

// checkManners reads the flags by which a run makes room for others.
func (o *mapOptions) checkManners() (err error) {
	if o.load != "" {
		digits, percent := strings.CutSuffix(o.load, "%")
		if o.loadN, err = strconv.ParseFloat(digits, 64); err != nil || !(o.loadN > 0) {
			return usagef("a number of running threads, or N% of the processors", "--load %s makes no sense", o.load)
		}
		if percent {
			o.loadN *= float64(cpuCount()) / 100
		}
	}
	for _, s := range []struct {
		flag, text string
		into       *int64
	}{{"--memfree", o.memFree, &o.memFreeN}, {"--limit-memory", o.limitMemory, &o.limitMemoryN}} {
		if s.text == "" {
			continue
		}
		if *s.into, err = parseSize(s.text); err != nil || *s.into == 0 {
			return usagef("bytes, or 64K, 500M, 2G", "%s %s makes no sense", s.flag, s.text)
		}
	}
	if o.nice < -40 || o.nice > 40 {
		return usagef("a number from -40 to 40; negative ones are root's", "--nice %d makes no sense", o.nice)
	}
	return nil
}

// findJobserver makes the run a client of make's jobserver, if one is to be
// had: under make -jN, unless -j says how many tasks may run.
func (r *mapRun) findJobserver() (err error) {
	if (r.o.jobsGiven || r.o.tty) && !r.o.jobserver || r.o.dryRun || r.o.pool != "" {
		return nil
	}
	flags := os.Getenv("MAKEFLAGS")
	r.jobserver, err = proc.FindJobserver(flags)
	switch {
	case err != nil && r.o.jobserver:
		return usagef("begin the recipe's line with +", "--jobserver: %v", err)
	case err != nil: // as make does it
		fmt.Fprintf(r.a.says, "mpx: running one task at a time: %v\n", err)
		fmt.Fprintln(r.a.says, "mpx: hint: or give -j N, and make's tokens do not count")
		r.o.jobsN = 1
	case r.jobserver == "" && r.o.jobserver:
		return usagef("run it by make -jN, in a line that begins with +", "--jobserver: there is none")
	case r.jobserver != "" && !r.o.jobsGiven && !r.o.tty:
		if n := proc.MakeJobs(flags); n > 0 {
			r.o.jobsN = n
		}
	}
	return nil
}
