package task

import (
	"strings"
	"testing"
)

// Words that a program reads as code hold no record.
func TestCodeOfPrograms(t *testing.T) {
	for _, tt := range []struct{ line, hint string }{
		{"su|-c|echo {}", "su USER -c 'cat {q}'"},
		{"su|-|user|-c|echo {}", "{q}"},
		{"su|user|--|-c|echo {}", "{q}"},
		{"su|-lc|echo {}", "{q}"},
		{"su|--command=echo {}", "{q}"},
		{"runuser|-u|root|--|sh|-c|echo {}", `"$1"`},
		{"runuser|-l|root|-c|echo {}", "{q}"},
		{"script|-qc|echo {}|/dev/null", "{q}"},
		{"script|-q|/dev/null|-c|echo {}", "{q}"},
		{"script|--command|echo {}", "{q}"},
		{"ssh|h|echo {}", "{q}"},
		{"ssh|h|echo|{}", "{q}"},
		{"ssh|h|uptime", "{q}"}, // appended
		{"ssh|-p|22|-o|X=y|u@h|--|echo|a|{}", "{q}"},
		{"ssh|h|-p|22|echo|{}", "{q}"},
		{"ssh|-o|ProxyCommand=nc {}|h", "{q}"},
		{"ssh|-oLocalCommand=x{}|h", "{q}"},
		{"ssh|h|[ {q} -gt 3 ]", `"$1"`},
		{"ssh|h|cat '{q}'", "outside"},
		{"ssh|h|read|{q}", `"$1"`},
		{"ssh|h|[|{q}|-gt|3|]", `"$1"`},
		{"docker|exec|c|awk|/{}/", "ENVIRON"},
		{"gawk|-i|inplace|/{}/|f", "ENVIRON"},
		{"eval read {q}", `"$1"`},
		{"eval \"eval {q} w\"", `"$1"`},
		{"ssh|h|sh -c {q}", "leave COMMAND out"},
		{"ssh|h|ssh|i|{q}", "{q}"},
		{"mpx|map|echo {}|:::|x", "several words"},
		{"mpx|map|-j|2|--tag|echo {}|:::|x", "several words"},
		{"mpx|pool|start|p|-j2|echo {}", "several words"},
		{"mpx|map|--initializer|x {}|cat|:::|1", "several words"},
		{"mpx|cond|wait|c|--for|test {}", "several words"},
		{"sshpass|-p|x|ssh|h|cat {}", "{q}"},
		{"watch|-n|1|echo {}", "watch -x"},
		{"watch|echo|{}", "watch -x"},
		{"flock|F|-c|echo {}", "flock FILE"},
		{"flock|-w|5|F|sh|-c|echo {}", `"$1"`},
		{"perl|-e|print '{}'", "ARGV"},
		{"perl|-lane|print {}", "ARGV"},
		{"perl|-i.bak|-pe|s/x/{}/", "ARGV"},
		{"perl|-l0|-ne|{}", "ARGV"},
		{"perl|-eprint {}", "ARGV"},
		{"perl|-e|a|-e|{}", "ARGV"},
		{"perl|-Mlib={}|-e|1", "ARGV"},
		{"perl|-e", "ARGV"}, // appended
		{"perl5.36|-E|say {q}", "not for perl5.36"},
		{"python3|-c|print('{}')", "sys.argv"},
		{"/usr/bin/python3.11|-Iuc|print({})", "sys.argv"},
		{"python|-W|ignore|-c{}", "sys.argv"},
		{"ruby|-ne|puts {}", "ARGV"},
		{"node|-e|a({})", "process.argv"},
		{"node|-pe|{}", "process.argv"},
		{"node|--eval=a({})", "process.argv"},
		{"php|-r|echo {};", "argument"},
		{"awk|/{}/ {print}", "ENVIRON"},
		{"gawk|-F|,|-v|x=1|{print} /{}/|f", "ENVIRON"},
		{"mawk|--|/{}/", "ENVIRON"},
		{"busybox|awk|/{}/", "ENVIRON"},
		{"parallel|-j|2|echo {}|:::|1", "parallel cat ::: {}"},
		{"sg|group|echo {}", "{q}"},
		{"capsh|--|-c|echo {}", "{q}"},
		{"fish|-c|echo {q}", "POSIX"},
		{"env|-S|sh -c|echo {}", `"$1"`},
		{"env|-iSsh -c|echo {}", `"$1"`},
		{"env|--split-string=sh -c|echo {}", `"$1"`},
		{"env|-S|sh -c 'echo {}'", "words of its own"},
		{"env|-S|cmd ${x} y|{}", "words of its own"},
		{"env|-u|X|A=1|perl|-e|{}", "ARGV"},
		{"sudo|-u|root|X=1|sh|-c|echo {}", `"$1"`},
		{"nice|-n|5|timeout|-k|1|5|nohup|perl|-e|{}", "ARGV"},
		{"stdbuf|-oL|setsid|awk|/{}/", "ENVIRON"},
		{"chroot|/x|su|-c|{}", "{q}"},
		{"docker|exec|c|sh|-c|x {}", `"$1"`},
		{"docker|exec|c|perl|-e|{}", "ARGV"},
		{"find|.|-exec|awk|/{}/|f|;", "ENVIRON"},
		{"find|.|-exec|perl|-e|{}|;", "ARGV"},
		{"xargs|-n|1|ssh|h|{}", "{q}"},
		{"exec ssh h 'echo {}'", "{q}"},
		{"ssh h echo {}; :", "{q}"},
		{"x=$(su -c \"echo {}\")", "{q}"},
		{"$SUDO perl -e 'print {}'", "ARGV"},
		{"env -S 'sh -c' 'echo {}'; :", `"$1"`},
		{"time perl -e {}", "ARGV"},
		{"command awk \"/{}/\"", "ENVIRON"},
	} {
		if u := usageOf(t, Spec{Words: strings.Split(tt.line, "|")}); !strings.Contains(u.Msg+u.Hint, tt.hint) {
			t.Errorf("%q: %q, hint %q", tt.line, u.Msg, u.Hint)
		}
	}
}

// What only looks like code is left alone.
func TestArgumentsOfPrograms(t *testing.T) {
	for _, line := range []string{
		"su|{}", "su|-c|date|{}", "su|-c|cat {q}|u", "runuser|-u|{}|ls", "script|-c|date|{}",
		"ssh|{}|uptime", "ssh", "ssh|-p|22|{}|uptime", "ssh|-i|{}|h|ls", "ssh|-i{}|h", "ssh|-o|Port={}|h", "ssh|h|cat {q}", "ssh|h|cat|{q}|{#}",
		"rsync|-e|ssh|-a|{}|host:{}", "cp|watch|{}", "mpx|map|echo|x {}|:::|1", "mpx|map|-j|{}|echo|{}", "mpx|lock|{}|cat|a {}", "mpx|digest|a {}", "mpx|lock|x|tool|--shell|{}", "mpx|map|tool|--shell|{}", "mpx|queue|put|q|a {}", "mpx map -j 2 echo {}", "parallel|-j|{}|echo|:::|{}", "watch|-x|echo|{}", "flock|{}|true", "flock|F|echo|{}", "flock|-n|F|head|-c|{}", "runuser|-u|x|head|-c|{}", "runuser|--user=x|head|-c|{}",
		"perl|-ne|print|{}", "perl|s.pl|-e|{}", "perl|-I|{}|s.pl", "perl|-e|1|--|{}", "python3|-c|1|{}", "python3|s.py|-c|{}", "python3|-m|m|-c|{}",
		"ruby|-e|1|{}", "ruby|s.rb|{}", "node|s.js|-e|{}", "node|-e|1|{}", "php|-r|1;|{}", "php|f.php|{}",
		"awk|{print}|{}", "awk|-v|x={}|{print}", "awk|-f|p.awk|{}", "awk|-F|{}|{print}", "gawk|-e|1|{}", "gawk|--file=p|{}",
		"env|-u|X|A={}|cmd|{}", "env|-S|cmd -x|{}", "sudo|-u|{}|ls", "timeout|{}|sleep|1", "nice|{}",
		"grep|perl|-e|{}", "echo|su|-c|{}", "git|commit|-m|{}", "sed|s/x/{}/|f", "find|.|-name|{}|-exec|awk|1|{};",
		"xargs|-n|1|echo|{}", "perl -ne 'print' {}; :", "env x={} awk 'BEGIN { print ENVIRON[\"x\"] }'; :",
	} {
		if _, err := Compile(Spec{Words: strings.Split(line, "|")}); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}
