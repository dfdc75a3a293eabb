package task

func usage(msg, hint string) error { return &UsageError{Msg: msg, Hint: hint} }

// check refuses what cannot be meant, and finds out whether the files can be
// read, before anything runs.
func (s *SourceSpec) check() error {
	for _, check := range []func() error{s.checkFiles, s.checkGroups, s.checkRecords, s.checkCSV, s.checkStdin} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *SourceSpec) checkFiles() error {
	names := s.Files[:len(s.Files):len(s.Files)]
	for _, g := range s.Groups {
		if g.IsFile {
			names = append(names, g.File)
		}
	}
	stdin := 0
	for _, name := range names {
		if name != "-" {
			if err := checkFile(name); err != nil {
				return err
			}
			continue
		}
		if stdin++; stdin > 1 {
			return usage("stdin is named twice as an input", "it can be read once: save it in a file")
		}
	}
	return nil
}

// sources returns from how many sources each task gets a value.
func (s *SourceSpec) sources() int {
	if len(s.Files) > 0 || len(s.Groups) == 0 {
		return 1 + len(s.Groups)
	}
	return len(s.Groups)
}

// joins tells whether a task may get several records of one source.
func (s *SourceSpec) joins() bool { return s.Fill || s.MaxArgs > 1 }

func (s *SourceSpec) splits() bool { return s.CSV || len(s.Colsep) > 0 }

func (s *SourceSpec) checkGroups() error {
	if len(s.Groups) > 0 && s.Groups[0].Linked && len(s.Files) == 0 {
		return usage(":::+ and ::::+ pair values with those of the source before, and there is none",
			"to pair with stdin, name it: :::: - :::+ …")
	}
	if s.sources() == 1 {
		return nil
	}
	switch {
	case s.splits():
		return usage("--colsep and --csv need a single source",
			"put the columns into one file, or give each column as a ::: of its own, paired by :::+")
	case s.joins():
		return usage("-n needs a single source: with several, every combination is a task",
			"leave out -n, or write the combinations to a file and read that with -a")
	case s.ToStdin:
		return usage("--stdin needs a single source", "join the inputs: -a FILE -a FILE")
	}
	return nil
}

func (s *SourceSpec) checkRecords() error {
	if !s.joins() || s.ToStdin {
		return nil
	}
	switch {
	case s.splits():
		return usage("-n joins records, --colsep and --csv split them",
			"leave out -n; or leave the records whole with --stdin -n N")
	case s.Header:
		return usage("--header names a value, and with -n a task has several of that name",
			"leave out --header and skip the first line: tail -n +2 FILE | mpx map -n …")
	}
	return nil
}

func (s *SourceSpec) checkCSV() error {
	if !s.CSV {
		return nil
	}
	if len(s.Delim) > 0 && string(s.Delim) != "\n" {
		return usage("records of CSV end at newlines", "leave out -d or -0; or split at -C instead of --csv")
	}
	switch sep := string(s.Colsep); {
	case len(sep) > 1, sep == `"`, sep == "\n", sep == "\r":
		return usage("the separator of CSV is one byte, and neither a quote nor a line end",
			`with another: --csv -C ';' or --csv -C '\t'`)
	}
	return nil
}

func (s *SourceSpec) checkStdin() error {
	if !s.ToStdin {
		if s.Block > 0 {
			return usage("--block is the size of a task's standard input", "add --stdin")
		}
		return nil
	}
	switch {
	case s.NoRecord:
		return usage("-n 0 and --stdin exclude each other", "-n 0 leaves the record out altogether")
	case s.Fill:
		return usage("-n max is the room in a command's words, which --stdin does not use",
			"say how much a task gets: --block SIZE or -n N")
	case s.Block > 0 && s.MaxArgs > 1:
		return usage("--block and -n exclude each other", "--block counts bytes, -n records")
	case len(s.Colsep) > 0 && !s.CSV:
		return usage("--colsep splits records into words, and with --stdin they are none",
			"leave it out: the command reads whole records")
	}
	return nil
}
