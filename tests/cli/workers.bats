#!/usr/bin/env bats
# Workers: processes that share the cells of a run, on this host, and on hosts of their own as far as a kernel lets one be made.

bats_require_minimum_version 1.5.0
load ../support/runs.bash
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

# Two criteria, two targets and three seeds: each seed has a base that four cells share.
matrix() { # EPOCHS [SEEDS]
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="$1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="2"/>
  <latency batch="2" runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <criterion plugin="random"/>
  <schedule plugin="one-shot"/>
  <targets>0.3 0.5</targets>
  <seeds>${2:-1 2 3}</seeds>
</matrix>
END
}

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets FAULTS=$PRUNEBENCH_BUILD/tests/faults/file_system.so WHOLE=$BATS_FILE_TMPDIR/whole
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cd "$BATS_FILE_TMPDIR" || return 1
    matrix 20 >m.xml
    prunebench run m.xml -o whole -j 2 --threads 2 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    ln -s "$SETS" sets
    matrix 20 >m.xml
    processes=()
}

teardown() {
    local process
    for process in "${processes[@]}"; do kill -KILL "$process" 2>/dev/null || true; done
}

# Starts a command whose output goes to a file; its number becomes $started.
start() { # FILE COMMAND…
    local file=$1
    shift
    "$@" >"$file" 2>&1 3>&- &
    started=$!
    processes+=("$started")
}

# Waits for what was started, whatever its exit code, which becomes $code.
end_of() { # PROCESS
    code=0
    wait "$1" || code=$?
}

# Writes down what is to be done, and does none of it.
prepare() { # ARGUMENT…
    start prepared "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 "$@"
    wait_for test -e out/work-list.json
    kill -TERM "$started"
    end_of "$started"
    [ "$code" -ne 0 ]
}

# Results of any host.
without_host() { timeless "$@" | sed -E 's/ host="[^"]*"//g'; }

files_of() { (cd "$1" && find . -type f ! -path './logs/*' ! -path './queue/*' | LC_ALL=C sort); }
claims() { find out/queue -name '*.claim'; }
# How often cells were begun: the coordinators' lines in their logs.
begun() { cat out/logs/*.log | grep -c '^== .*: the run of cell .* begins; ' || true; }
ok_cells() { grep -l ' status="ok"' out/cells/*.xml | wc -l; }

# out is as the run of one process: its files, and what its documents say; and nothing is left of those who made it.
as_whole() {
    [ "$(ok_cells)" -eq 12 ]
    diff <(files_of "$WHOLE") <(files_of out)
    diff <(without_host "$WHOLE"/cells/*) <(without_host out/cells/*)
    [ -z "$(claims)" ]
    [ -z "$(find out -name '*.tmp' -o -name '*.new-*' -o -name '*.partial' -o -name running.json)" ]
}

# A worker on a host of its own, whose process is number 1 there; $host is that process's number here.
start_host() { # NAME FILE ARGUMENT…
    local name=$1 file=$2
    shift 2
    start "$file" unshare --pid --fork --kill-child --mount-proc --uts bash -c 'hostname "$0" && exec "$@"' "$name" "$PRUNEBENCH_BUILD/prunebench" "$@"
    wait_for pgrep -P "$started" >"$file.host"
    host=$(cat "$file.host")
}
hosts_or_skip() {
    unshare --pid --fork --kill-child --mount-proc --uts true 2>/dev/null || skip "no name spaces of processes and host names can be made here"
}

@test "a run and two workers that were started elsewhere end as a run of two jobs" {
    start run.log "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1
    run=$started
    wait_for test -e out/work-list.json
    mkdir elsewhere
    cd elsewhere
    start ../first.log "$PRUNEBENCH_BUILD/prunebench" worker ../out --threads 1
    first=$started
    start ../second.log "$PRUNEBENCH_BUILD/prunebench" worker ../out --threads 1
    second=$started
    cd ..
    for process in $run $first $second; do
        end_of "$process"
        [ "$code" -eq 0 ]
    done
    cat ./*.log
    as_whole
    grep -q '^12 done, 0 were done before, 0 failed' run.log
    # each of the three has run some, and none was run twice
    [ "$(begun)" -eq 12 ]
    for log in first.log second.log; do grep -Eq '^[1-9][0-9]* cells? done, 0 failed here; [0-9]+ are run by other workers, 0 wait; results in \.\./out/cells$' $log; done
    run -0 prunebench run m.xml -o out --threads 1
    [[ $output == *"0 done, 12 were done before, 0 failed"* ]]
}

@test "worker: a folder that is no run, none at all, and a run that has ended" {
    run -2 prunebench worker out
    [[ $output == "prunebench: the run's folder 'out': No such file or directory; if another host has it, this one does not see it" ]]
    mkdir out
    run -2 prunebench worker out
    [[ $output == "prunebench: there is no run to join in '$PWD/out': it has no work-list.json, which 'prunebench run' writes; "* ]]
    [ -z "$(ls out)" ]
    cp -r "$WHOLE"/. out
    run -0 prunebench worker out
    [ "$output" = "0 cells done, 0 failed here; 0 are run by other workers, 0 wait; results in out/cells" ]
    as_whole
}

@test "worker: another build of the program is refused, before it claims a cell" {
    prepare
    git=$(prunebench --version | sed -nE 's/.*\(([0-9a-f]+)\)$/\1/p')
    [ -n "$git" ] || skip "this build does not know its commit"
    LC_ALL=C sed "s/$git/${git//[0-9a-f]/0}/g" "$PRUNEBENCH_BUILD/prunebench" >other
    chmod +x other
    cells=$(find out/cells -type f | wc -l)
    run -2 ./other worker out
    [[ $output == "prunebench: this is prunebench "*" (${git//[0-9a-f]/0}, numerics "*"), and the run in '$PWD/out' was planned by "*" ($git, numerics "*"): results of two programs are not mixed; start the same one on every host" ]]
    [ "$(wc -l <<<"$output")" -eq 1 ]
    [ -z "$(claims)" ]
    [ "$(find out/cells -type f | wc -l)" -eq "$cells" ]
}

@test "worker: a host without the data set leaves with its reason, and the run continues" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount"
    unshare -m true || skip "no name space of mounts can be made here"
    matrix 400 >m.xml
    start run.log "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1
    run=$started
    wait_for compgen -G 'out/queue/*.claim'
    PATH=$PRUNEBENCH_BUILD:$PATH run -2 unshare -m bash -euc 'mount -t tmpfs tmpfs "$(realpath sets)"; exec prunebench worker out --threads 1'
    echo "$output"
    [[ $output == *"prunebench: this host cannot run the cells of '$PWD/out' as they were planned: "*"sets/CUB_200_2011"* ]]
    [ "$(claims | wc -l)" -le 1 ] # the run's
    compgen -G 'out/logs/*.s2.log' >/dev/null # one was begun here
    for cell in out/cells/*.xml; do [ ! -e "$cell" ] || grep -q ' status="ok"' "$cell"; done
    end_of $run
    cat run.log
    [ "$code" -eq 0 ]
    [ "$(ok_cells)" -eq 12 ]
    [ -z "$(claims)" ]
}

@test "worker: a host whose processor takes another kernel set leaves with its reason, and claims no more" {
    matrix 60 1 | sed '/<schedule /a \  <backend plugin="onednn"/>' >m.xml
    prepare
    ONEDNN_MAX_CPU_ISA=SSE41 run -2 prunebench worker out --threads 1
    echo "$output"
    [[ ${lines[-1]} == "prunebench: this host cannot run the cells of '$PWD/out' as they were planned: "*" sse41"* ]]
    [ -z "$(claims)" ]
    [ -z "$(find out/cells -type f)" ]
    run -0 prunebench run m.xml -o out --threads 1
    [ "$(ok_cells)" -eq 4 ]
    run ! grep -l sse41 out/cells/*
}

last_epoch() { cat out/stages/*.partial/epoch.safetensors 2>/dev/null | sha256sum; }
has_trained_since() { [ "$(last_epoch)" != "$1" ]; }

@test "worker: SIGTERM and --max-time store the epoch, give the claims back, exit code 75; the same command finishes" {
    matrix 600 1 >m.xml
    prepare
    before=$(last_epoch)
    start log "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
    wait_for has_trained_since "$before"
    kill -TERM "$started"
    end_of "$started"
    cat log
    [ "$code" -eq 75 ]
    [ "$(tail -n 1 log)" = "0 cells done, 0 failed here; 0 are run by other workers, 4 wait; results in out/cells" ]
    [ -z "$(claims)$(ls out/cells)$(find out -name '*.tmp')" ]
    before=$(last_epoch)
    run -75 prunebench worker out --threads 1 --max-time 1
    [ "${lines[-1]}" = "0 cells done, 0 failed here; 0 are run by other workers, 4 wait; results in out/cells" ]
    [ -z "$(claims)$(ls out/cells)$(find out -name '*.tmp')" ]
    has_trained_since "$before"
    run -0 prunebench worker out --threads 1
    [ "${lines[-1]}" = "4 cells done, 0 failed here; 0 are run by other workers, 0 wait; results in out/cells" ]
    [ "$(ok_cells)" -eq 4 ]
}

@test "worker: others take over what one that was killed had" {
    prepare
    start first.log "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
    first=$started
    start second.log "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
    second=$started
    wait_for compgen -G 'out/queue/*.claim'
    kill -KILL "$first"
    end_of "$first"
    end_of "$second"
    cat second.log
    [ "$code" -eq 0 ]
    [ "$(ok_cells)" -eq 12 ]
    [ -z "$(claims)" ]
    prunebench run m.xml -o out --threads 1 --quiet
    as_whole
}

@test "workers with one process number on two hosts both work, and remove nothing of the other's" {
    hosts_or_skip
    matrix 400 '1 2' >m.xml
    prepare
    before=$(begun)
    start_host h1 first.log worker out --threads 1
    first=$started
    start_host h2 second.log worker out --threads 1
    second=$started
    both() { [ "$(cat out/queue/*.claim 2>/dev/null | awk '{ print $3, $4 }' | sort | xargs)" = "h1 1 h2 1" ]; }
    wait_for both
    # who comes on this host, too, leaves them alone
    run -75 prunebench worker out --threads 1 --max-time 1
    both
    for process in $first $second; do
        end_of "$process"
        [ "$code" -eq 0 ]
    done
    cat first.log second.log
    [ "$(ok_cells)" -eq 8 ]
    [ -z "$(claims)" ]
    [ "$(begun)" -eq $((before + 8)) ] # none was run twice
    prunebench run m.xml -o alone -j 2 --threads 2 --quiet
    diff <(without_host alone/cells/*) <(without_host out/cells/*)
}

@test "a host that dies with its worker: others take its cell over, and the last run leaves nothing of it" {
    hosts_or_skip
    export PRUNEBENCH_LEASE="0.2 2"
    prepare
    start_host h1 first.log worker out --threads 1
    first=$started
    wait_for compgen -G 'out/queue/*.claim'
    kill -KILL "$host"
    end_of "$first"
    [ "$(claims | wc -l)" -eq 1 ]
    start_host h2 second.log worker out --threads 1
    end_of "$started"
    cat second.log
    run -0 prunebench run m.xml -o out --threads 1
    echo "$output"
    as_whole
}

@test "hosts whose clocks are two hours apart, without flock, and whose first link fails: as without" {
    faulty() { env "LD_PRELOAD=$FAULTS" "FAULT_BELOW=$PWD/out" FAULT_FLOCK=ENOSYS FAULT_LINK=EIO:1 "$@"; }
    prepare
    start first.log faulty FAULT_CLOCK=3600 "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
    first=$started
    start second.log faulty FAULT_CLOCK=-3600 "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
    second=$started
    for process in $first $second; do
        end_of "$process"
        [ "$code" -eq 0 ]
    done
    cat first.log second.log
    run -0 faulty "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1
    [[ $output == *"0 done, 12 were done before, 0 failed"* ]]
    as_whole
}

@test "GNU parallel starts workers" {
    command -v parallel >/dev/null || skip "GNU parallel is not installed"
    prepare
    run -0 bash -c "seq 4 | parallel --will-cite -j 4 '$PRUNEBENCH_BUILD/prunebench' worker out --threads 1 '#'"
    echo "$output"
    [ "$(grep -c 'cells done, 0 failed here; ' <<<"$output")" -eq 4 ]
    [ "$(ok_cells)" -eq 12 ]
    [ -z "$(claims)" ]
    run -0 prunebench run m.xml -o out --threads 1
    [[ $output == *"0 done, 12 were done before, 0 failed"* ]]
    as_whole
}

# Calls that ask for a name below out, from 3 to 23 seconds after the first of the trace.
asked() { # TRACE
    awk -v folder="$PWD/out" 'NR == 1 { first = $2 } $2 >= first + 3 && $2 < first + 23 && /\(/ && index($0, "\"" folder)' "$1"
}

@test "a worker that waits asks the file system for one name per second at most" {
    command -v strace >/dev/null || skip "strace is not installed"
    strace -o /dev/null true || skip "processes cannot be traced here"
    matrix 400 1 >m.xml
    prepare
    start first.log "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
    first=$started
    wait_for pgrep -P "$first" -f 'cell .*/matrix.xml' >cell
    cell=$(cat cell)
    kill -STOP "$cell"
    # all others wait for the base that it makes
    start second.log strace -f -ttt -s 300 -e 'trace=%file' -o trace "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
    second=$started
    sleep 24
    asked trace >calls
    cat calls
    [ "$(wc -l <calls)" -le 26 ]
    [ "$(wc -l <calls)" -ge 5 ] # it does look
    kill -CONT "$cell"
    for process in $first $second; do
        end_of "$process"
        [ "$code" -eq 0 ]
    done
    [ "$(ok_cells)" -eq 4 ]
    # who finds that nothing is left does not stay
    run -0 timeout 60 "$PRUNEBENCH_BUILD/prunebench" worker out --threads 1
}
