package task

// testWords is the rule of test and [. dash and busybox evaluate nothing there.
// bash evaluates the name behind -v: none may be a value, and none a word that a
// value stands behind. Others evaluate numbers, too: there the words must be a
// test of text or files that cannot be read otherwise, whatever the value.
func testWords(args []scanWord) shellSet {
	safe := inDash | inAsh
	bash := true
	for i := range args {
		w := &args[i]
		if !w.holds() {
			continue
		}
		bash = bash && !w.many && (i == 0 || !args[i-1].open && !args[i-1].holds() && !args[i-1].is("-v") && !args[i-1].is("-R"))
	}
	if bash {
		safe |= inBash
	}
	if n := len(args); n > 0 && args[n-1].is("]") {
		args = args[:n-1]
	}
	if len(args) > 0 && args[0].is("!") {
		args = args[1:]
	}
	for i := range args {
		if args[i].loose {
			return safe // nobody knows how many words there are
		}
	}
	switch len(args) {
	case 1:
		return inAny
	case 2:
		if isFileTest(&args[0]) {
			return inAny
		}
	case 3:
		if isTextComparison(&args[1]) {
			return inAny
		}
	}
	return safe
}

// isFileTest reports whether w is an operator before a text or a file's name.
func isFileTest(w *scanWord) bool {
	switch string(w.text) {
	case "-n", "-z", "-b", "-c", "-d", "-e", "-f", "-g", "-h", "-k", "-L", "-p", "-r", "-s", "-S", "-u", "-w", "-x", "-G", "-O", "-N":
		return !w.open && !w.holds()
	}
	return false
}

// isTextComparison reports whether w is an operator between texts or files.
func isTextComparison(w *scanWord) bool {
	switch string(w.text) {
	case "=", "==", "!=", "=~", "<", ">", "-nt", "-ot", "-ef":
		return !w.open && !w.holds()
	}
	return false
}

// bracketWords tells whether each value among words, a part of [[ … ]], is text:
// operators are read before values are, so it is enough to look beside each.
func bracketWords(words []scanWord) bool {
	for i := range words {
		if !words[i].holds() {
			continue
		}
		opens := i == 0 || isBracketOperator(&words[i-1])
		closes := i == len(words)-1 || isBracketOperator(&words[i+1])
		switch {
		case words[i].many:
			return false
		case i > 0 && (isFileTest(&words[i-1]) || isTextComparison(&words[i-1])):
		case i < len(words)-1 && isTextComparison(&words[i+1]):
		case opens && closes:
		default:
			return false
		}
	}
	return true
}

func isBracketOperator(w *scanWord) bool {
	switch string(w.text) {
	case "[[", "]]", "!", "&&", "||", "(", ")":
		return !w.escaped
	}
	return false
}
