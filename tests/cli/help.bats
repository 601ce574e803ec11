#!/usr/bin/env bats
# Help, man page and completion: each names every option of every command, and the commands know what is named.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

commands() { prunebench --help | sed -nE 's/^  ([a-z]+) .*/\1/p'; }

# Long options of a command, one a line, sorted: by its help, the man page, the completion.
of_help() { prunebench "$1" --help | sed -nE 's/^ {2}( {3}|-[a-z],)? *--([a-z-]+).*/\2/p' | sort; }
of_man_page() {
    {
        prunebench --man-page | sed -n "/^\.SS prunebench $1 /,/^\.S[SH] /p" | sed '1d'
        prunebench --man-page | sed -n '/^\.SH OPTIONS OF EVERY COMMAND/,$p'
    } | sed 's/\\-/-/g' | sed -nE 's/^(\\fB-[a-z]\\fR, )?\\fB--([a-z-]+)\\fR.*/\2/p' | sort
}
of_completion() { completions "$1" -- | sed 's/^--//' | sort; }

# What the shell offers for the last of these words.
completions() {
    bash -c "$(prunebench --bash-completion)"'
        compopt() { :; }
        COMP_WORDS=(prunebench "$@") COMP_CWORD=$#
        _prunebench
        printf "%s\n" "${COMPREPLY[@]}"' completion "$@"
}

@test "the program's help names at least the commands of a run, each with its help" {
    for name in run check report plugins count verify bench synth doctor cell; do
        commands | grep -qx "$name"
    done
    for name in $(commands); do
        run -0 prunebench "$name" --help
        [[ ${lines[0]} == "usage: prunebench $name"* ]]
    done
}

@test "every option of every command stands in help, man page and completion alike" {
    for name in $(commands); do
        of_help "$name" >help
        [ "$(wc -l <help)" -ge 2 ] # --help and --quiet
        of_man_page "$name" | diff help - || { echo "man page of $name"; false; }
        of_completion "$name" | diff help - || { echo "completion of $name"; false; }
    done
}

@test "a command knows each option that its help names, and its usage line names no other" {
    for name in $(commands); do
        for option in $(of_help "$name"); do
            run prunebench "$name" "--$option" --no-such-option
            [[ $output != *"unknown option '--$option'"* ]] || { echo "$name: $output"; false; }
        done
        for option in $(prunebench "$name" --help | sed -n '1,/^$/p' | grep -oE -- '--[a-z][a-z-]+'); do
            of_help "$name" | grep -qx -- "${option#--}" || { echo "$name: usage names $option"; false; }
        done
    done
}

@test "the completion offers the commands first, then files" {
    completions '' | grep -vx -- '--help\|--version' | sort | diff <(commands | sort) -
    [ "$(completions ru)" = run ]
    [ -z "$(completions run matri)" ]
    [ "$(completions run --on)" = --only ]
}

@test "the man page is one that groff sets without a warning" {
    command -v groff >/dev/null || skip "groff is not installed"
    prunebench --man-page >page.1
    run -0 --separate-stderr groff -K utf8 -man -ww -Tutf8 -z page.1
    [ -z "$stderr" ] || { echo "$stderr"; false; }
}

setup() { cd "$BATS_TEST_TMPDIR" || return; }
