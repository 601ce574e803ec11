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
# "output o" for an option with a letter, "only" for one without: by the help, and by what zsh and fish are given.
letters_of_help() { prunebench "$1" --help | sed -nE 's/^ {2}-([a-z]), --([a-z-]+).*/\2 \1/p; s/^ {6}--([a-z-]+).*/\1/p' | sort; }
of_zsh() {
    prunebench --zsh-completion | sed -n "/^    $1)\$/,/;;\$/p" | sed -nE "s/^ *'\\*--?([a-z-]+)=?\\[.*/\\1/p" |
        awk 'length == 1 { letter = " " $0; next } { print $0 letter; letter = "" }' | sort
}
of_fish() {
    prunebench --fish-completion | sed -nE "s/^complete -c prunebench -n '__prunebench_is $1' -l ([a-z-]+)( -s [a-z])? .*/\\1\\2/p" |
        sed 's/ -s / /' | sort
}

# What the shell offers for the last of these words.
completions() {
    bash -c "$(prunebench --bash-completion)"'
        compopt() { :; }
        COMP_WORDS=("$PRUNEBENCH_BUILD/prunebench" "$@") COMP_CWORD=$#
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

@test "every option of every command is in help, man page and the completions of three shells alike" {
    for name in $(commands); do
        of_help "$name" >help
        [ "$(wc -l <help)" -ge 2 ] # --help and --quiet
        of_man_page "$name" | diff help - || { echo "man page of $name"; false; }
        of_completion "$name" | diff help - || { echo "completion of $name"; false; }
        letters_of_help "$name" >letters
        cut -d' ' -f1 letters | diff help -
        of_zsh "$name" | diff letters - || { echo "zsh completion of $name"; false; }
        of_fish "$name" | diff letters - || { echo "fish completion of $name"; false; }
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

# A matrix of two cells whose ids a shell would read as more than a word, run by nobody: only its list of cells is there.
list_cells() {
    mkdir -p out
    printf '%064d %s\n' 0 'birds.$(touch executed).s1' 0 'fish.plain.s1' >out/matrix-cells.txt
}

# The same questions in three shells; offered WORD…: what the shell offers for the last word, one a line, sorted.
check_values() {
    list_cells
    [ "$(offered bench -b '')" = "$(offered bench --backend '')" ]
    offered bench -b '' | grep -qx reference
    offered bench --backend re | diff <(echo reference) -
    offered score --criterion bn-s | diff <(echo bn-scale) -
    offered bench --model vgg11-b | diff <(echo vgg11-bcnn) -
    offered score --scope '' | diff <(printf '%s\n' global layer) -
    offered report out --format h | diff <(echo html) -
    offered --schema '' | diff <(printf '%s\n' audit matrix result summary) -
    offered help ca | diff <(echo catalogue) -
    offered show out fi | diff <(echo fish.plain.s1) -
    offered show --json out fi | diff <(echo fish.plain.s1) - # an option is none of the words
    [ "$(offered show out '' | wc -l)" -eq 2 ]
    [ -z "$(offered show out '' 2>&1 >/dev/null)" ]
    offered plugins describe schedule/one | diff <(echo schedule/one-shot) -
    [ ! -e executed ]
}

check_options() {
    for name in $(commands); do
        offered "$name" -- | sed 's/^--//' | diff <(of_help "$name") - || { echo "$name"; return 1; }
    done
}

@test "bash completes values: plugins, models, schemas, formats, the cells of a run" {
    offered() { completions "$@" | sort; }
    check_values
    [ "$(completions bench --backend = re)" = reference ] # as bash cuts --backend=re
    [ "$(completions show out birds)" = 'birds.\$\(touch\ executed\).s1' ]
}

@test "zsh completes the same" {
    command -v zsh >/dev/null || skip "zsh is not installed"
    mkdir functions
    prunebench --zsh-completion >functions/_prunebench
    zsh -n functions/_prunebench
    offered() { PATH=$PRUNEBENCH_BUILD:$PATH zsh -f "$BATS_TEST_DIRNAME/../support/zsh-offers" functions "prunebench ${*:-}" | sort; }
    check_values
    check_options
    [ "$(offered run --on)" = --only ]
    [ "$(offered ru)" = run ]
}

@test "fish completes the same" {
    command -v fish >/dev/null || skip "fish is not installed"
    prunebench --fish-completion >prunebench.fish
    fish --no-config -n prunebench.fish
    export HOME=$PWD
    offered() {
        PATH=$PRUNEBENCH_BUILD:$PATH fish --no-config -c 'source prunebench.fish; complete -C "prunebench '"$*"'"' | cut -f1 | sort
    }
    check_values
    check_options
    [ "$(offered run --on)" = --only ]
    [ "$(offered ru)" = run ]
}

@test "every command has its help as 'help COMMAND', and the names that shells ask for are refused with a list" {
    for name in $(commands); do
        prunebench help "$name" | diff <(prunebench "$name" --help) -
    done
    run -2 prunebench --complete nothing
    [[ $output == *"--complete takes plugins, criteria, "* ]]
}

@test "the man page is one that groff sets without a warning" {
    command -v groff >/dev/null || skip "groff is not installed"
    prunebench --man-page >page.1
    run -0 --separate-stderr groff -K utf8 -man -ww -Tutf8 -z page.1
    [ -z "$stderr" ] || { echo "$stderr"; false; }
    for section in 'MATRIX DOCUMENTS' EXAMPLES FILES 'EXIT STATUS' ENVIRONMENT; do
        grep -q "^\.SH $section\$" page.1
    done
    sed -n '/^\.SH MATRIX DOCUMENTS$/,/^\.SH EXAMPLES$/p' page.1 >settings
    for element in $(prunebench help matrix --markdown | grep -oE '^#+ .*`<[a-z]+>`' | grep -oE '<[a-z]+>' | sort -u); do
        grep -qxF ".SS $element" settings
    done
    grep -qxF ".SS <training>" settings
    grep -q 'prunebench status out .*watch' page.1
}

@test "the man page names every variable of the environment that users may set" {
    prunebench --man-page | sed 's/\\-/-/g' >page.1
    for name in $(grep -rhoE 'getenv\("(PRUNEBENCH_[A-Z_]+|NO_COLOR|XDG_CACHE_HOME|TMPDIR)"' "$BATS_TEST_DIRNAME/../../harness" | cut -d'"' -f2); do
        case $name in
        PRUNEBENCH_PROC | PRUNEBENCH_PROGRAM) continue ;; # of tests, and of the program's own children
        esac
        grep -q "^\\\\fB$name\\\\fR$" page.1 || { echo "$name is missing"; false; }
    done
}

@test "mandoc finds nothing wrong with the man page" {
    command -v mandoc >/dev/null || skip "mandoc is not installed"
    prunebench --man-page >page.1
    run mandoc -Tlint -Werror page.1
    [ -z "$output" ] || { echo "$output"; false; }
}

setup() { cd "$BATS_TEST_TMPDIR" || return; }
