#!/usr/bin/env bats
# Figures that were measured beside other processes are marked. How busy the machine is comes from a made-up /proc.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export PRUNEBENCH_PROC=$BATS_TEST_TMPDIR/proc
    mkdir -p proc
    tiny=(--model vgg11-bcnn --classes 5 --image-size 32 --width-multiplier 0.125 --batch 2 --runs 1 --threads 1)
}

# A machine where so many processes run at every moment, the asking one included.
running() { printf 'cpu  10 0 0 10 0 0 0 0 0 0\nprocs_running %d\n' "$1" >proc/stat; }

@test "bench marks its figures, in the table and as JSON, when other processes were running" {
    running 701
    run -0 prunebench bench "${tiny[@]}"
    [[ $output == *"
noisy               700.0 other processes were running or ready to run on "* ]]
    prunebench bench "${tiny[@]}" --json >busy.json
    python3 -c '
import json
machine = json.load(open("busy.json"))["machine"]
assert machine["noisy"] is True and "700.0 other processes" in machine["reason"], machine
assert machine["waiting_processes"] == 700 and machine["steal"] is None and machine["spread"] is None, machine
'
}

@test "bench marks runs on a quiet machine by how much they differ" {
    running 1
    prunebench bench "${tiny[@]}" --runs 5 --json >five.json
    python3 -c '
import json
machine = json.load(open("five.json"))["machine"]
assert machine["noisy"] == (machine["spread"] > 0.05), machine
'
}

@test "bench marks nothing on a quiet machine, nor where the kernel does not say" {
    running 1
    run -0 prunebench bench "${tiny[@]}" # one run: no spread
    [[ $output != *noisy* ]]
    rm proc/stat
    prunebench bench "${tiny[@]}" --json >unknown.json
    python3 -c '
import json
machine = json.load(open("unknown.json"))["machine"]
assert machine["noisy"] is False and machine["reason"] == "", machine
'
}
