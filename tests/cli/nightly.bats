#!/usr/bin/env bats
# The nightly run: dated folders, exit codes, nights that were interrupted, and what of it is installed.
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
}

@test "a night returns the exit code of its run" {
    matrix bn-scala >m.xml
    run nightly m.xml out
    [ "$status" -eq 2 ]
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
    nightly m.xml out
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
    run nightly long.xml out
    [ "$status" -eq 1 ]
    [[ $output == *"another night is running in 'out'; this one is skipped"* ]]
    kill -KILL $night
    wait $night || true
    run nightly long.xml out # its run goes on without it
    [ "$status" -eq 1 ]
    kill -TERM "$(cat out/20*/lock)" # its process
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
    "$sources/scripts/install" --remove "" "$PWD/prefix"
    run -1 test -e prefix
}
