#!/usr/bin/env bats
# The nightly run: dated folders, exit codes, regressions, nights that were interrupted, and what of it is installed.
bats_require_minimum_version 1.5.0

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    export PRUNEBENCH=$PRUNEBENCH_BUILD/prunebench
    cd "$BATS_TEST_TMPDIR" || return 1
}

# A matrix of one small cell; $1: its criterion, $2: its epochs.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="nightly">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="${2:-1}" batch="8" lr="0.1" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="$1"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
</matrix>
END
}

nightly() { "$sources/scripts/nightly" "$@"; }

# Waits until a file or folder that matches a pattern is there.
wait_for() {
    for _ in $(seq 3000); do
        compgen -G "$1" >/dev/null && return
        sleep 0.01
    done
    echo "'$1' did not appear"
    return 1
}

# Starts a night that trains for long, and ends it amid the training; $1: the signal.
interrupt() {
    matrix bn-scale 2000 >long.xml
    "$sources/scripts/nightly" long.xml "$PWD/out" 3>&- &
    night=$!
    wait_for 'out/*/stages/*.partial/epoch.safetensors'
    kill -s "$1" $night
    code=0
    wait $night || code=$?
}

# The resolved matrix of a night with few epochs, so that resuming it ends soon.
shorten() { sed -i 's/epochs="2000"/epochs="2"/' "$1"; }

@test "a night leaves results, report and log in a dated folder, and a link to the newest" {
    matrix bn-scale >m.xml
    nightly m.xml out
    today=$(readlink out/latest)
    [[ $today =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]]
    [ -s "out/$today/report/index.html" ]
    grep -q 'ended with exit code 0' "out/$today/nightly.log"
    [ "$(cat "out/$today/nightly.finished")" = 0 ]
    run -0 "$PRUNEBENCH" history --history out/history show last-good
    [[ $output == *"name: $today"* ]]
}

# A program that does what is asked, then changes what a run has left, as ./plant says.
wrap() {
    mkdir bin
    cat >bin/prunebench <<END
#!/bin/bash
"$PRUNEBENCH" "\$@"
code=\$?
[[ \$1 != run || ! -e $PWD/plant ]] || python3 "$PWD/plant" "\$4"
exit \$code
END
    # the day is what NIGHT says
    cat >bin/date <<END
#!/bin/bash
[[ \$1 == +%Y-%m-%d ]] && echo "\$NIGHT" && exit
exec $(command -v date) "\$@"
END
    chmod +x bin/*
    export PRUNEBENCH=$PWD/bin/prunebench PATH=$PWD/bin:$PATH
}

# What a night's times are, and a loss that a bug changes.
plant() { # factor of times, added to the last loss
    cat >plant <<END
import glob, re, sys
for index, path in enumerate(sorted(glob.glob(sys.argv[1] + "/cells/*.xml"))):
    text = open(path).read()
    text = re.sub(r' seconds="[^"]*"', f' seconds="{$1 * (0.5 + index / 100)}"', text)
    text = re.sub(r'(stage="retrained" split="test"[^>]* loss=")([^"]*)', lambda m: m[1] + str(float(m[2]) + $2), text)
    open(path, "w").write(text)
END
}

@test "a planted regression and a planted slowdown are found, a known one is accepted" {
    export NIGHTLY_FAIL_ON=bits,speed=5%
    matrix bn-scale | sed 's|</targets>|</targets><seeds>1 2 3 4</seeds>|' >m.xml
    wrap
    plant 1 0
    NIGHT=2026-11-26 run -0 nightly m.xml out
    [[ $output == "prunebench 2026-11-26: good. (out/2026-11-26/nightly.log)" ]]
    # the next nights begin with these results: training the same networks again would only take time
    begin() {
        cp -a out/2026-11-26 "out/$1"
        rm "out/$1/nightly.finished"
    }
    begin 2026-11-27
    plant 1 1e-9
    NIGHT=2026-11-27 run -1 nightly m.xml out
    echo "$output"
    [[ $output == "prunebench 2026-11-27: a regression. A defect: 4 of 4 cells have other bits under the same stage key"* ]]
    begin 2026-11-28
    plant 1.5 0
    NIGHT=2026-11-28 run -1 nightly m.xml out
    echo "$output"
    [[ $output == "prunebench 2026-11-28: a regression. "*"Slower: "* ]]
    # the front page says what is worse
    grep -q '<p class="big">a regression<span> 2026-11-28</span></p><p>[^<]*Slower: ' out/index.html
    history() { "$PRUNEBENCH" history --history out/history "$@"; }
    run -0 history show last-good
    [[ $output == *"name: 2026-11-26"* ]]
    history annotate 2026-11-28 "a safer kernel"
    begin 2026-11-29
    plant 1.51 0 # as slow, and so as good as the one before
    NIGHT=2026-11-29 run -0 nightly m.xml out
    [[ $output == "prunebench 2026-11-29: good. "* ]]
    history list --json >list.json
    python3 - <<'END'
import json
runs = json.load(open("list.json"))["runs"]
assert [run["state"] for run in runs] == ["good", "regression", "regression", "good"], runs
assert runs[2]["known"] == "a safer kernel", runs
# the front page leads to every night's report
page = open("out/index.html", encoding="utf-8").read()
for night in ("2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"):
    assert f'<a href="{night}/report/index.html">{night}</a>' in page, night
assert "<p class=\"big\">good<span> 2026-11-29</span></p>" in page and "known: a safer kernel" in page
assert 'href="2026-11-29/report/cells/birds.vgg11-bcnn.bn-scale.one-shot.blis.r50.s1.html"' in page
END
}

# Builds ./plugins/criterion-mine.so: taylor-fo by another name; $1: the sign of its scores.
build_criterion() {
    mkdir -p plugins
    sed "s/\"taylor-fo\"/\"mine\"/; s/scores\[c\] = sums/scores[c] = $1 sums/" "$sources/plugins/criteria/taylor-fo.c" >mine.c
    grep -q "scores\[c\] = $1 sums" mine.c
    cc -std=c17 -O2 -fPIC -shared -I"$sources/harness/include" -I"$sources/plugins/criteria" -o plugins/criterion-mine.so mine.c
}

@test "a criterion that has become worse fails the night on quality, and the cells are named" {
    export NIGHTLY_FAIL_ON=quality=1pt
    cell=birds.vgg11-bcnn.mine.one-shot.blis.r30
    "$PRUNEBENCH" synth sets --sets birds --classes 2 --train 60 --test 60 --size 64 --quiet
    # what pruning costs is not trained away: retraining changes next to nothing
    SETS=$PWD/sets matrix mine | sed -E 's|<training .*|<training epochs="24" batch="8" lr="0.05" lr-policy="cosine" validation="0.1"/>|
        s|<retraining .*|<retraining epochs="1" lr="1e-9"/><ranking scope="layer"/>|
        s|<targets>.*|<targets>0.3</targets><seeds>1 2 3</seeds><stages keep="all"/>|' >m.xml
    wrap
    build_criterion ''
    NIGHT=2026-11-26 run -0 nightly m.xml out --plugin-dir plugins
    # the next nights begin with its base networks
    begin() {
        cp -a out/2026-11-26 "out/$1"
        rm "out/$1/nightly.finished"
    }
    begin 2026-11-27
    build_criterion -
    NIGHT=2026-11-27 run -1 nightly m.xml out --plugin-dir plugins
    echo "$output"
    [[ $output == "prunebench 2026-11-27: a regression. Worse: 1 of 1 groups lost top-1, most of all $cell, -"*" points of top-1 "* ]]
    grep -qE "^  plugin +criterion-plugin +mine .* all 3 *$" out/2026-11-27/compare.txt
    grep -q "<p class=\"big\">a regression<span> 2026-11-27</span></p><p>[^<]*Worse: 1 of 1 groups lost top-1, most of all $cell" out/index.html
    begin 2026-11-28
    build_criterion ''
    NIGHT=2026-11-28 run -0 nightly m.xml out --plugin-dir plugins
    echo "$output"
    [[ $output == "prunebench 2026-11-28: good. Equal: all 3 cells are identical"* ]]
}

@test "a night returns the exit code of its run" {
    matrix bn-scala >m.xml
    run nightly m.xml out
    [ "$status" -eq 2 ]
    [[ $output == *": wrong usage. prunebench: m.xml:"*"did you mean 'bn-scale'"* ]]
    grep -q "did you mean 'bn-scale'" out/latest/nightly.log
    run nightly
    [ "$status" -eq 2 ]
    [[ $output == "usage: nightly MATRIX OUT"* ]]
}

@test "a night that SIGTERM interrupts says so; the next call resumes it, reports, and ends its log" {
    interrupt TERM
    [ $code -eq 143 ]
    today=$(basename out/20*)
    run -1 test -e "out/$today/nightly.finished"
    run -1 test -e out/latest
    grep -q 'interrupted by SIGTERM; the next call resumes' "out/$today/nightly.log"
    run ! pgrep -f "cell $PWD/out/$today/matrix.xml"
    # the same day: the same folder, with a matrix that ends
    matrix bn-scale >m.xml
    nightly m.xml out
    [ "$(readlink out/latest)" = "$today" ]
    [ -s out/latest/report/index.html ]
    grep -q 'ended with exit code 0' out/latest/nightly.log
}

@test "a night that was killed is finished by the next one, with its own matrix, before today's" {
    interrupt TERM
    mv out/20* out/2026-01-31 # it was weeks ago
    rm -f out/2026-01-31/lock
    shorten out/2026-01-31/matrix.xml
    mkdir out/2026-01-30 # an older one is left as it is
    matrix random >m.xml
    run -3 nightly m.xml out # other cells than the night before
    [[ ${lines[0]} == "prunebench 2026-01-31: good. (out/2026-01-31/nightly.log)" ]]
    [[ ${lines[1]} == "prunebench 20"*": not comparable. Not comparable as a whole: "* ]]
    [ "$(cat out/2026-01-31/nightly.finished)" = 0 ]
    [ -s out/2026-01-31/report/index.html ]
    compgen -G 'out/2026-01-31/cells/*.bn-scale.*.xml'
    [[ $(readlink out/latest) != 2026-01-31 ]]
    compgen -G 'out/latest/cells/*.random.*.xml'
    run ! compgen -G 'out/latest/cells/*.bn-scale.*.xml'
    run -1 test -e out/2026-01-30/nightly.log
}

@test "of two nights on one folder the second ends at once, also when the first one's script was killed" {
    matrix bn-scale 2000 >long.xml
    "$sources/scripts/nightly" long.xml "$PWD/out" 3>&- &
    night=$!
    wait_for 'out/*/stages/*.partial/epoch.safetensors'
    run -5 nightly long.xml out
    [[ $output == *"another night is running in 'out'; this one is skipped"* ]]
    kill -KILL $night
    wait $night || true
    run -5 nightly long.xml out # its run continues without it
    kill -TERM "$(cut -d " " -f 4 out/20*/lock)" # its process
    for _ in $(seq 500); do
        flock -n out/nightly.lock true && break
        sleep 0.02
    done
    matrix bn-scale >m.xml
    nightly m.xml out
    grep -q 'ended with exit code 0' out/latest/nightly.log
}

@test "systemd finds nothing wrong with the installed units" {
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    "$sources/scripts/install" "$PRUNEBENCH_BUILD" "" "$PWD/prefix" 0
    units=$PWD/prefix/share/systemd/user
    XDG_RUNTIME_DIR=$PWD systemd-analyze --user verify "$units/prunebench-nightly.service" "$units/prunebench-nightly.timer"
}

@test "what is installed runs the night as the systemd unit says" {
    unset PRUNEBENCH
    "$sources/scripts/install" "$PRUNEBENCH_BUILD" "" "$PWD/prefix" 0
    unit=prefix/share/systemd/user/prunebench-nightly.service
    [ -s prefix/share/systemd/user/prunebench-nightly.timer ]
    # the unit's own command line, with the folders that systemd would put in: %E is the configuration's, %h the home
    mkdir -p home/.config/prunebench
    matrix bn-scale >home/.config/prunebench/nightly.xml
    command=$(sed -n 's/^ExecStart=//p' "$unit")
    command=${command//%E/$PWD/home/.config}
    bash -c "${command//%h/$PWD/home}"
    grep -q 'ended with exit code 0' home/prunebench-nightly/latest/nightly.log
    [ -s home/prunebench-nightly/latest/report/index.html ]
    # the examples for cron and Slurm: the same night again, which has nothing left to run and is compared with itself
    examples=$PWD/prefix/share/prunebench/examples
    run ! grep -r @PREFIX@ "$examples"
    sed -n 's/^0 2 \* \* \* //p' "$examples/nightly.cron" >line
    export NIGHTLY_FAIL_ON=bits
    HOME=$PWD/home run -0 sh ./line
    [[ $output == "prunebench 20"*": good. Equal: all 1 cells are identical"* ]]
    mkdir bin
    printf '#!/bin/bash\necho "$@" >>"%s/submitted"\n' "$PWD" >bin/sbatch
    chmod +x bin/sbatch
    HOME=$PWD/home PATH=$PWD/bin:$PATH SLURM_CPUS_PER_TASK=1 run -0 bash "$examples/nightly.slurm"
    [[ $output == "prunebench 20"*": good. Equal: all 1 cells are identical"* ]]
    grep -qE '^--begin=20[0-9-]+T02:00:00 .*nightly.slurm$' submitted
    "$sources/scripts/install" --remove "" "$PWD/prefix"
    run -1 test -e prefix
}
