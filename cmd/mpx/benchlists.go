package main

import (
	"fmt"
	"strings"
)

// pools returns the flags of each pool that is to be timed, checked as map's
// are: every combination of the lists, none twice.
func (o *benchOptions) pools() (all []*mapOptions, err error) {
	for _, worker := range strings.Split(o.worker, ",") {
		for _, chunk := range strings.Split(o.chunkSize, ",") {
			for _, jobs := range strings.Split(o.jobs, ",") {
				p, err := o.pool(worker, chunk, jobs)
				if err != nil {
					return nil, err
				}
				if !p.among(all) {
					all = append(all, p)
				}
			}
		}
	}
	return all, nil
}

// among reports whether one of pools is as o.
func (o *mapOptions) among(pools []*mapOptions) bool {
	for _, p := range pools {
		if p.worker == o.worker && p.chunkN == o.chunkN && p.jobsN == o.jobsN {
			return true
		}
	}
	return false
}

// pool returns the flags of one pool.
func (o *benchOptions) pool(worker, chunk, jobs string) (*mapOptions, error) {
	p := o.mapOptions // as written: check makes more of it
	p.worker, p.chunkSize, p.jobs = worker, chunk, jobs
	if err := p.check(); err != nil {
		return nil, err
	}
	if worker == "" {
		return nil, usagef("a list has no blanks, and no comma at its end: exec,shell", "--worker %s makes no sense", o.worker)
	}
	if p.jobsN < 1 {
		return nil, usagef("a number of workers, such as -j 4", "bench wants to know how many workers")
	}
	return &p, nil
}

// mostWorkers returns the one of pools that has the most workers: -n max shares
// records out over them, and all do the same tasks.
func mostWorkers(pools []*mapOptions) *mapOptions {
	most := pools[0]
	for _, p := range pools {
		if p.jobsN > most.jobsN {
			most = p
		}
	}
	return most
}

// chunk is what --chunksize was for p.
func (o *mapOptions) chunk() string {
	if o.chunkN == 0 {
		return "auto"
	}
	return fmt.Sprint(o.chunkN)
}

// names returns what tells the pools apart: the number of workers, and those of
// the other flags in which they differ.
func names(pools []*mapOptions) []string {
	chunks, workers := false, false
	for _, p := range pools {
		chunks = chunks || p.chunkN != pools[0].chunkN
		workers = workers || p.worker != pools[0].worker
	}
	all := make([]string, len(pools))
	for i, p := range pools {
		all[i] = fmt.Sprint("-j ", p.jobsN)
		if chunks {
			all[i] += ", chunksize " + p.chunk()
		}
		if workers {
			all[i] += ", " + p.worker
		}
	}
	return all
}
