package main

import (
	"strconv"
	"strings"

	"mpx/internal/pool"
	"mpx/internal/task"
)

// checkFailure reads the flags that say what a failure leads to.
func (o *mapOptions) checkFailure() (err error) {
	if o.okN, err = parseStatuses("--ok-status", o.okStatus); err != nil {
		return err
	}
	if err := o.checkTimes(); err != nil {
		return err
	}
	if o.leftovers != "keep" && o.leftovers != "kill" {
		return usagef("keep or kill", "--leftovers %s makes no sense", o.leftovers)
	}
	if o.retryLost < 0 || o.retries < 0 {
		return usagef("a number from 0", "--retries %d, --retry-lost %d makes no sense", o.retries, o.retryLost)
	}
	if err := o.checkRetryOn(); err != nil {
		return err
	}
	o.haltAt, err = parseHalt(o.halt)
	return err
}

// checkTimes reads the durations. Those that a command has no flag for are
// empty: 0.
func (o *mapOptions) checkTimes() (err error) {
	const forms = "1.5s, 2m, 1d, or a number of seconds"
	if percent, ok := strings.CutSuffix(o.timeout, "%"); ok {
		if o.timeoutPercent, err = strconv.ParseFloat(percent, 64); err != nil || !(o.timeoutPercent > 100) {
			return usagef("more than 100% of the median run time, as 200%", "--timeout %s makes no sense", o.timeout)
		}
	} else if o.timeout != "" {
		if o.timeoutDur, err = parseDuration(o.timeout); err != nil || o.timeoutDur <= 0 {
			return usagef(forms+", or 200% of the median", "--timeout %s makes no sense", o.timeout)
		}
	}
	if o.killAfterDur, err = parseDuration(o.killAfter); err != nil {
		return usagef(forms, "--kill-after %s makes no sense", o.killAfter)
	}
	if o.retryDelay != "" {
		if o.retryDelayDur, err = parseDuration(o.retryDelay); err != nil {
			return usagef(forms, "--retry-delay %s makes no sense", o.retryDelay)
		}
	}
	if o.delay != "" {
		if o.delayDur, err = parseDuration(o.delay); err != nil {
			return usagef(forms, "--delay %s makes no sense", o.delay)
		}
	}
	return nil
}

// parseStatuses reads exit statuses with commas between them.
func parseStatuses(flag, list string) (ns []int, err error) {
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 0 || n > 255 {
			return nil, usagef("numbers from 0 to 255, with commas", "%s %s makes no sense", flag, list)
		}
		ns = append(ns, n)
	}
	return ns, nil
}

// checkRetryOn reads --retry-on: exit statuses, and the words for other ends.
func (o *mapOptions) checkRetryOn() error {
	if o.retryOn == "" {
		return nil
	}
	if o.retries == 0 {
		return usagef("add --retries N", "--retry-on says after which failures to retry, but nothing is retried")
	}
	on := map[task.Status]bool{}
	var exits []string
	for s := range strings.SplitSeq(o.retryOn, ",") {
		switch s {
		case "timeout":
			on[task.TimedOut] = true
		case "signal":
			on[task.Signalled] = true
		default:
			exits = append(exits, s)
		}
	}
	exit := [256]bool{}
	if len(exits) > 0 {
		ns, err := parseStatuses("--retry-on", strings.Join(exits, ","))
		if err != nil {
			return usagef("exit statuses, signal, timeout, with commas: 1,75,timeout", "--retry-on %s makes no sense", o.retryOn)
		}
		for _, n := range ns {
			exit[n] = true
		}
	}
	o.retryIf = func(r *task.Result) bool { return on[r.Status] || r.Status == task.Failed && exit[r.Exit&255] }
	return nil
}

// oldHalts are GNU parallel's older words for --halt.
var oldHalts = map[string]string{"0": "never", "1": "soon,fail=1", "2": "now,fail=1", "-1": "soon,success=1", "-2": "now,success=1", "": "never"}

// parseHalt reads --halt.
func parseHalt(s string) (h pool.Halt, err error) {
	wrong := usagef("never, or soon|now,fail|success|done=N or N%, as soon,fail=1 or now,success=1", "--halt %s makes no sense", s)
	full, old := oldHalts[s]
	switch {
	case old:
	case strings.HasSuffix(s, "%") && !strings.Contains(s, ","):
		full = "soon,fail=" + s
	default:
		full = s
	}
	if full == "never" {
		return h, nil
	}
	when, why, _ := strings.Cut(full, ",")
	what, count, _ := strings.Cut(why, "=")
	h.On = map[string]pool.HaltOn{"fail": pool.HaltFail, "success": pool.HaltSuccess, "done": pool.HaltDone}[what]
	h.Now = when == "now"
	if h.On == pool.HaltNever || !h.Now && when != "soon" {
		return h, wrong
	}
	if percent, ok := strings.CutSuffix(count, "%"); ok {
		h.Percent, err = strconv.ParseFloat(percent, 64)
		if err != nil || !(h.Percent > 0 && h.Percent <= 100) {
			return h, wrong
		}
		return h, nil
	}
	if h.Count, err = strconv.Atoi(count); err != nil || h.Count < 1 {
		return h, wrong
	}
	return h, nil
}
