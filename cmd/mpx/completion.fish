# Completion of mpx for fish.
#
# mpx's arguments are commands: nothing that is typed is evaluated here, so that
# TAB runs none of it and opens no file.

function __mpx_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l mpx $words[1]
    set -e words[1]
    set -l out (command $mpx __complete $words "$typed" 2>/dev/null)
    string match -qr '^:\d+$' -- "$out[-1]"
    or return
    set -l directive (string sub -s 2 -- $out[-1])
    set -e out[-1]
    test (math "bitand($directive, 1)") -eq 0
    or return
    set -l flag (string match -r -- '^-[^=]*=' $typed)
    set -l value (string replace -- "$flag" '' "$typed")
    if test (math "bitand($directive, 16)") -ne 0
        set out (__fish_complete_directories "$value" '')
    else if test (count $out) -eq 0 -a (math "bitand($directive, 4)") -eq 0
        set out (__fish_complete_path "$value" '')
    end
    for line in $out
        echo -- "$flag$line"
    end
end

complete -c mpx -e
complete -c mpx -f -k -a '(__mpx_complete)'
