#!/usr/bin/env bats
# What a run's folder must be given by its file system: doctor tries it, and runs end alike on poor ones, or say what is missing.
# tests/faults/file_system.c is preloaded to make a good file system a poor one.
bats_require_minimum_version 1.5.0
load ../support/runs.bash

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.3 0.5</targets>
</matrix>
END
}

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets FAULTS=$PRUNEBENCH_BUILD/tests/faults/file_system.so PLAIN=$BATS_FILE_TMPDIR/plain
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix >"$BATS_FILE_TMPDIR/m.xml"
    prunebench run "$BATS_FILE_TMPDIR/m.xml" -o "$PLAIN" -j 2 --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    matrix >m.xml
}

# VARIABLE=VALUE… -- ARGUMENT…: prunebench where calls fail
faulty() {
    local faults=()
    while [ "$1" != -- ]; do
        faults+=("$1")
        shift
    done
    shift
    env "LD_PRELOAD=$FAULTS" "FAULT_BELOW=$PWD/out" "${faults[@]}" "$PRUNEBENCH_BUILD/prunebench" "$@"
}

# Shell commands among mounts of their own: no other process sees them, and they end with the shell.
mounted() { # COMMANDS
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount"
    unshare -m true || skip "no name space of mounts can be made here"
    PATH=$PRUNEBENCH_BUILD:$PATH run unshare -m bash -euc "$1"
    echo "$output"
}

# The files of a run, but for logs, and for marks in its queue, which the next run removes.
files_of() { (cd "$1" && find . -type f ! -path './logs/*' ! -path './queue/*.ok' ! -path './queue/*.failed' | LC_ALL=C sort); }

# out is as the run on a good file system: its files, and what its documents say.
as_without_faults() {
    [ "$(ls out/cells | wc -l)" -eq 2 ]
    diff <(files_of "$PLAIN") <(files_of out)
    diff <(timeless "$PLAIN"/cells/*) <(timeless out/cells/*)
    [ "$(grep -l 'status="ok"' out/cells/* | wc -l)" -eq 2 ]
}

# Runs the matrix into out.
run_with() { # VARIABLE=VALUE…
    run faulty "$@" -- run m.xml -o out -j 2 --threads 1 --retry
    echo "$output"
}

failed_rows() { python3 -c 'import json, sys; print(*(r["name"] for r in json.load(sys.stdin)["store"]["rows"] if r["state"] == "failed"), sep=", ")'; }

@test "doctor --store: a good folder has all that a run needs, and stays as it is" {
    mkdir out
    touch out/mine
    run -0 prunebench doctor --store out
    [[ $output == *"store      folder: 'out' can be written"* ]]
    [[ $output == *"store      hard links: made and counted"* ]]
    [[ $output == *"store      one file system: holds the folder and what is below it"* ]]
    [[ $output == *"store      type: "* ]]
    [ "$(ls -A out)" = mine ]
    run -0 prunebench doctor --store out/not/yet --json
    python3 -c '
import json, sys
store = json.load(sys.stdin)["store"]
assert store["folder"] == "out/not/yet"
assert len(store["rows"]) == 13
assert all(row["state"] in ("ok", "warning") and row["text"] for row in store["rows"])' <<<"$output"
    [ "$(ls -A out)" = mine ]
    run -0 prunebench doctor
    [[ $output != *"store "* ]]
}

@test "doctor --store: what a file system lacks is a problem, with path and remedy" {
    mkdir out
    lacks() { # VARIABLE=VALUE, ROWS, MESSAGE
        run -1 faulty "$1" -- doctor --store out
        echo "$output"
        [[ $output == *"problem    store: in 'out' $3"* ]]
        [ "$(faulty "$1" -- doctor --store out --json | failed_rows)" = "$2" ]
        [ -z "$(ls -A out)" ]
    }
    lacks FAULT_LINK=EPERM 'hard links' \
        'a file cannot get a second name (Operation not permitted); keep results on a file system that has hard links'
    lacks FAULT_OPEN=NO_EXCL 'new files' 'a file that exists can be created once more; keep results on a file system that'
    lacks FAULT_FSYNC=EIO fsync 'fsync of a file fails (Input/output error); '
    lacks FAULT_RENAME=EXDEV 'rename, rename of folders' 'a file cannot be renamed to one that exists (Invalid cross-device link); '
    lacks FAULT_RENAME=REPLACES 'rename of folders' 'a folder can be renamed to one that is not empty; '
    lacks FAULT_REMOVED=ESTALE 'removed files' 'an open file whose name was removed cannot be written (Stale file handle); '
}

@test "doctor --store: neither flock nor clocks that agree are needed" {
    run -0 faulty FAULT_FLOCK=ENOSYS FAULT_CLOCK=3600 -- doctor --store out
    echo "$output"
    [[ $output == *"store      flock: does not work (Function not implemented); not needed"* ]]
    [[ $output =~ store\ +clock:\ (3599|3600|3601)\ s\ behind\ this\ host\'s\;\ not\ needed\ to\ agree ]]
}

@test "doctor --store: a folder on a read-only file system" {
    mkdir out
    mounted 'mount --bind out out && mount -o remount,ro,bind out; prunebench doctor --store out'
    [ "$status" -eq 1 ]
    [[ $output == *"problem    store: in 'out' no folder can be made (Read-only file system); choose a place that you may write to"* ]]
}

@test "doctor --store: a full file system, and one with little room" {
    mkdir out
    mounted 'mount -t tmpfs -o size=1m tmpfs out
        prunebench doctor --store out
        dd if=/dev/zero of=out/ballast bs=4k 2>/dev/null || true
        prunebench doctor --store out'
    [ "$status" -eq 1 ]
    [[ $output == *"store      room: warning: the file system of 'out' has 1 MiB left, which many runs exceed; make room"* ]]
    [[ $output == *"problem    store: the file system of 'out' is full; remove something from it" ]]
    [ "$(grep -c '^problem' <<<"$output")" -eq 1 ]
}

@test "doctor --store: stages on another file system than the folder" {
    mkdir -p out/stages
    mounted 'mount -t tmpfs tmpfs out/stages; prunebench doctor --store out'
    [ "$status" -eq 1 ]
    [[ $output == *"problem    store: 'out' and 'out/stages' are on two file systems, between which nothing can be renamed; keep both on one"* ]]
}

@test "a run where flock does not exist ends as without" {
    run_with FAULT_FLOCK=ENOSYS
    [ "$status" -eq 0 ]
    as_without_faults
}

@test "a run where folders cannot be synced ends as without, and doctor takes it for good" {
    run_with FAULT_FSYNC=FOLDERS
    [ "$status" -eq 0 ]
    as_without_faults
    run -0 faulty FAULT_FSYNC=FOLDERS -- doctor --store out
}

@test "a run where the first link of each process fails, or is made and fails all the same, ends as without" {
    for fault in EIO:1 LOST:1 LOST:3; do
        rm -rf out
        run_with FAULT_LINK=$fault
        [ "$status" -eq 0 ]
        as_without_faults
    done
}

@test "a run without hard links says that they are missing, and runs no cell" {
    run_with FAULT_LINK=EPERM
    [ "$status" -eq 1 ]
    [[ $output == "prunebench: 'out/lock' cannot be locked: its file system has no hard links; keep results on one that has" ]]
    [ -z "$(ls out/cells)" ]
}

@test "a run where the first read of each file is stale ends as without" {
    run_with FAULT_READ=ESTALE:1
    [ "$status" -eq 0 ]
    as_without_faults
    # of all that is there already
    run -0 faulty FAULT_READ=ESTALE:1 -- run m.xml -o out -j 2 --threads 1
    [[ $output == *"0 done, 2 were done before, 0 failed"* ]]
}

@test "a run where the first read of each image and annotation is stale has the same fingerprint of the data set" {
    XDG_CACHE_HOME=$PWD/unknown run_with FAULT_READ=ESTALE:1 "FAULT_BELOW=$SETS"
    [ "$status" -eq 0 ]
    as_without_faults
}

@test "a run where each file of a stage is stale when it is opened first ends as without" {
    run_with FAULT_OPEN=ESTALE:1 "FAULT_BELOW=$PWD/out/stages"
    [ "$status" -eq 0 ]
    [[ $output != *warning* ]]
    as_without_faults
}

@test "files that stay stale are an error that says so, and what is stored stays in its place" {
    prunebench run m.xml -o out --threads 1 --quiet
    run_with FAULT_READ=ESTALE:99
    [ "$status" -eq 1 ]
    [[ $output == *"in 'out' "*"(Stale file handle)"* ]]
    [ ! -e out/stages-unused ]
    run -0 prunebench run m.xml -o out --threads 1
    [[ $output == *"0 done, 2 were done before, 0 failed"* ]]
    as_without_faults
}

@test "an hour ahead and then an hour behind: what is done stays done, and what is new is as without" {
    run -0 faulty FAULT_CLOCK=3600 -- run m.xml -o out -j 2 --threads 1 --only '*.r30.*'
    [[ $output == *"1 done, 0 were done before, 0 failed"* ]]
    run_with FAULT_CLOCK=-3600
    [ "$status" -eq 0 ]
    [[ $output == *"1 done, 1 were done before, 0 failed"* ]]
    as_without_faults
}

@test "report --json lists what it wrote, whatever this host's clock says" {
    cp -r "$PLAIN" out
    prunebench report out --quiet
    listed() { faulty "FAULT_CLOCK=$1" -- report out --format csv --json | python3 -c 'import json, sys; print(*json.load(sys.stdin)["files"], sep="\n")'; }
    listed 0 >plain
    [ "$(grep -c '\.csv$' plain)" -ge 5 ]
    for seconds in 3600 -3600; do
        listed $seconds | diff plain -
    done
    [ -z "$(find out -name '.moment*')" ]
}

@test "files that stay stale do not make a stage a damaged one" {
    prunebench run m.xml -o out --threads 1 --quiet
    for stage in out/stages/[0-9a-f]*; do
        rm -f out/cells/*
        run faulty FAULT_OPEN=ESTALE:99 "FAULT_BELOW=$PWD/$stage" -- run m.xml -o out -j 2 --threads 1 --retry
        echo "$output"
        [ "$status" -eq 1 ]
        [[ $output == *"Stale file handle"* ]]
    done
    [ -z "$(find out -name '*.damaged-*')" ]
    run_with
    [ "$status" -eq 0 ]
    as_without_faults
}

@test "stages that find no room: each cell says so, and the same command finishes when there is some" {
    run_with FAULT_WRITE=ENOSPC:100000 "FAULT_BELOW=$PWD/out/stages"
    [ "$status" -eq 1 ]
    [ "$(grep -l 'No space left on device' out/cells/* | wc -l)" -eq 2 ]
    run_with FAULT_WRITE=ENOSPC:100000000
    [ "$status" -eq 0 ]
    as_without_faults
}

@test "a small disk: the run says that it is full, and finishes when there is room" {
    mounted 'mkdir out && mount -t tmpfs -o size=1m tmpfs out
        prunebench run m.xml -o out -j 2 --threads 1 --retry && exit 9
        mount -o remount,size=64m out
        prunebench run m.xml -o out -j 2 --threads 1 --retry
        cp -a out copy'
    [ "$status" -eq 0 ]
    [[ $output == *"No space left on device"* ]]
    mv copy/* out
    as_without_faults
}
