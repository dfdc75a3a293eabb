package main

const mapLong = `Run COMMAND for each record, many at a time, in a pool of worker processes.

A record is a line of stdin, of -a FILE, or a word after :::. It becomes the
last argument of COMMAND, or stands where {} does. Output comes in the order of
the input, each task's whole; stderr says at the end what failed.

COMMAND of several words runs as it is, without a shell. A single word is a
shell line: mpx map 'grep -c x {} | sort'. Without COMMAND each record is a
command line of its own. A record is always one argument, byte for byte, never
shell text; one that starts with - may be an option of the command: rm -- {}.

In a shell line {} is one word, standing bare, inside '…' or inside "…". It is
refused, naming "$1", wherever the shell might read it as more than text: in a
here-document, a comment, backquotes, arithmetic or a subscript, after >& <& or ~,
and as a word of a builtin that is not known to take it literally, by each shell's
own list (read, unset, let, export {}, printf -v; zsh and mksh evaluate numbers,
too: [ {} -gt 3 ], exit {}). The record is also $1 there, columns $1 $2 …; what a
line does not use is not passed, and may be of any length.

Refused as well is a record in what another program reads as code: sh -c, su -c,
script -c, ssh HOST, watch, flock -c, perl -e, python -c, ruby -e, node -e, awk and
their like, also behind env -S, sudo, nice, timeout …: pass it as an argument, or
as {q} to ssh and su. What mpx cannot know of is yours to mind: a script, function
or variable ($CMD {}) that evals its arguments, arithmetic on a variable that
holds a record, make, sed, jq or SQL text with a record in it, and an interpreter
that reads the record from a pipe or a file.

Placeholders: {} the record, {.} without extension, {/} base name, {//}
directory, {/.} base name without extension, {q} quoted for a shell, {#} task
number, {%} job slot; {1} {2} … columns, sources or the records of -n, also as
{1.} {1/} …; {name} after --header. All else in braces is text.

Several sources: ::: a b ::: c d makes every combination, :::+ pairs with the
source before, :::: FILE reads one. A task finds MPX_SEQ, MPX_SLOT, MPX_WORKER,
MPX_WORKER_PID, MPX_ATTEMPT and MPX_JOBS in its environment.

A worker that dies costs the task it was running, which runs again
(--retry-lost). ^C ends what runs, ^C again kills it; nothing is left behind.

A task that fails runs again with --retries, the whole run ends early with
--halt. --joblog FILE keeps a line a finished task; after a crash --resume runs
what is missing there, known by its command, not by its place in the input. What
turns out to have been wrong is logged once more, as not done (Exitval -1).

--results DIR keeps DIR/1/stdout, stderr, record and status.json of task 1, and the
attempts before its last in DIR/1/attempt-1 …; or names the directories by the record:
--results 'logs/{/.}'. status.json comes last: without it a task's directory is
unfinished, and --resume makes it anew. A task whose results could not be saved has no
line in the joblog.

--line-buffer prints lines as they come, each whole, and adds nothing: after a last
line that has no newline another task's line follows at once, as with GNU parallel;
with --tag or --tagstring each begins a line. What is too long for memory waits in
--tmpdir for its end.

With --worker shell a worker is a shell that stays: it has run the initializer,
and a task is a subshell of it, which has its functions and variables and cannot
change them. COMMAND may be such a function: --shell bash --initializer
"$(declare -f)" hands over those of the calling bash. $$ is the worker's there,
and an exit status over 128 counts as that signal.

With --worker filter a worker is one running copy of COMMAND: a record goes to
its standard input, and one record must come back on its standard output for
each; it is started once, however long that takes, and has many records at hand.
-0 has them end with NUL bytes, both ways. It must not hold back its output:
python3 -u, sed -u, jq --unbuffered, stdbuf -oL. With --protocol json it reads
{"id":1,"record":"…"} a line and answers {"id":1,"exit":0,"output":"…"}, in any
order, perhaps with "stderr", too. --timeout is a record's; one that the command
dies under is lost and tried again, the others go to the next copy; what it
writes to its standard error stands behind the worker's name. {%} is all that is
replaced in COMMAND. One that answers too much, a banner say, or too little may have
answered a record with another's reply: the run ends with 125, and the tasks of all
copies that had not ended well are logged as not done, their status.json is removed.

With --pool NAME the tasks are run by a pool that mpx pool start has started, by its
COMMAND and its flags; here are those of input, output and records, --ok-status and
--halt. A task is shown, logged and resumed as what would run it alone: mpx pool apply
NAME VALUE… Others are served in between, so MPX_SEQ and {#} count the pool's tasks;
the numbers in --json, --results and --joblog are this run's. ^C and --halt now take
back what no worker has; the rest goes on to its end, its output dropped.

Workers are recycled: after --maxtasksperchild N tasks, at --max-worker-age, or
with more than --max-worker-memory resident. That is the memory of the worker
itself, with --worker shell of its shell and of what the initializer has left
running, with --worker filter of the command, which stays under the limit if
records add about as much as those before; a task's is --limit-memory's. Each
worker runs one task at least, and none is retired in the midst of one. A limit
is drawn for each worker, up to a tenth below the one given, so that workers do
not all retire at once; an N under 100 is exact. With an initializer, a shell or
a filter the successor warms up while the old worker still runs tasks, and has
the same {%} then.

How far a run is stands in one line at the foot of a terminal; elsewhere stderr
gets a summary in the end if the run took a second or more (--progress). SIGUSR1
has mpx say what runs now. In a job of GitHub Actions failures become
annotations and a step summary. Under make -jN mpx takes part in the jobserver.`

const mapExamples = `  find . -name '*.png' -print0 | mpx map -0 convert {} {.}.webp
  mpx map 'grep -c {} *.log | sort' ::: error warn
  mpx map -j 16 < commands.txt
  mpx map --timeout 30s --tag ping -c1 ::: host1 host2
  cat big.csv | mpx map --stdin --block 10M wc -l
  mpx map --retries 3 --retry-delay 1s --joblog log --resume -a urls curl -fsSO
  mpx map --worker shell --initializer '. ./lib.sh' 'resize {} 50' ::: *.png
  mpx map -j 4 --worker filter python3 -u model.py < requests > answers
  mpx map --halt soon,fail=1 --junit junit.xml --report run.html < tests.txt`

const mapStatus = exitStatus + `

  With --halt WHEN,success=N it is 0 once so many tasks have gone well, with
  done=N once so many have ended and none has failed.
  A command that is not found is a failed task of status 127; one that cannot
  be run, of 126.`
