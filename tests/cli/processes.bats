#!/usr/bin/env bats
# Children and coordinators that are stopped, orphaned or short of files; what killed ones leave behind.

bats_require_minimum_version 1.5.0
load ../support/runs.bash
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1

matrix() { # epochs
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="${1:-2}" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
</matrix>
END
}

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}
setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

is_gone() { # PROCESS
    if kill -0 "$1" 2>/dev/null; then return 1; fi
}

@test "eight open files are too few, and it says so and how many it takes" {
    matrix >m.xml
    run bash -c "ulimit -n 8; '$PRUNEBENCH_BUILD/prunebench' run m.xml -o out -j 3"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"at most 8 files can be open at a time, and this takes 33; raise the limit ('ulimit -n 33')" ]]
    [ ! -e out/cells/$ID.xml ]
    # what it asks for is enough, and a soft limit is raised
    bash -c "ulimit -n 33; '$PRUNEBENCH_BUILD/prunebench' run m.xml -o out -j 3 --quiet"
    bash -c "ulimit -S -n 12; '$PRUNEBENCH_BUILD/prunebench' run m.xml -o out2 -j 3 --quiet"
}

@test "a stopped child is noticed, and continues when it may" {
    matrix 200 >m.xml
    prunebench run m.xml -o out --threads 1 >log 2>&1 3>&- &
    coordinator=$!
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    child=$(pgrep -P "$(pgrep -f "prunebench run m.xml -o out --threads 1" | head -n 1)" -f "cell out/matrix.xml")
    [ -n "$child" ]
    kill -STOP "$child"
    wait_for grep -q "$ID: its process $child was stopped by a signal and does nothing; 'kill -CONT $child' lets it continue" log
    kill -0 "$child"
    kill -CONT "$child"
    wait_for grep -q "$ID: its process $child continues" log
    wait $coordinator
    cat log
    [ "$(grep -c 'was stopped by a signal' log)" -eq 1 ]
    grep -q ' status="ok"' out/cells/$ID.xml
}

@test "a stopped child does not keep an interrupted run" {
    matrix 2000 >m.xml
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 >log 2>&1 3>&- &
    coordinator=$!
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    child=$(pgrep -P $coordinator -f "cell out/matrix.xml")
    kill -STOP "$child"
    wait_for grep -q "was stopped by a signal" log
    kill -TERM $coordinator
    wait $coordinator || true
    run ! kill -0 "$child"
}

@test "a run that nohup starts continues when its terminal is closed; another one ends" {
    matrix 400 >m.xml
    nohup "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 --quiet >log 2>&1 3>&- &
    coordinator=$!
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    kill -HUP $coordinator
    wait $coordinator
    grep -q ' status="ok"' out/cells/$ID.xml

    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out2 --threads 1 --quiet >log 2>&1 3>&- &
    coordinator=$!
    wait_for compgen -G 'out2/stages/*.partial/epoch.safetensors'
    kill -HUP $coordinator
    status=0
    wait $coordinator || status=$?
    [ "$status" -eq 129 ]
}

@test "a child whose coordinator died before the two met ends at once" {
    matrix >m.xml
    mkdir out
    # its parent is gone when it begins, and another process has become its parent
    bash -c "(while kill -0 \$\$ 2>/dev/null; do sleep 0.01; done
        exec '$PRUNEBENCH_BUILD/prunebench' cell m.xml $ID -o out --report-to 3 --parent \$\$) >log 2>&1 3>/dev/null &" 3>&-
    wait_for grep -q "the process that started this one is gone" log
    [ ! -e out/stages ]
    [ ! -e out/cells/$ID.xml ]
    # the right parent is no obstacle
    bash -c "'$PRUNEBENCH_BUILD/prunebench' cell m.xml $ID -o out --report-to 3 --parent \$\$; true" 3>/dev/null
    grep -q ' status="ok"' out/cells/$ID.xml
}

@test "what killed children leave is gone after the next run, and the rest is as without them" {
    matrix 400 >m.xml
    prunebench run m.xml -o whole --threads 1 --quiet
    leftovers() { find out -name '*.tmp' -o -name '*.new-*' -o -name '*.partial' -o -name running.json; }
    for kill in 1 2 3; do
        "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 --quiet 3>&- 2>/dev/null &
        coordinator=$!
        wait_for pgrep -P $coordinator -f "cell out/matrix.xml" >child
        wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
        sleep 0.0$((2 * kill))
        kill -KILL $coordinator
        wait $coordinator || true
        wait_for is_gone "$(cat child)" # it dies with its coordinator
    done
    leftovers | tee left
    grep -q '/running.json$' left
    grep -q '\.partial$' left
    # half-written files are left by chance only: make them in the name of the coordinator that was killed
    dead=$(sed -nE 's/.*"owner": *"([^"]+)".*/\1/p' out/running.json)
    [[ $dead =~ ^[0-9a-f]+-[0-9a-f]+-$coordinator-[0-9a-f]+$ ]]
    mkdir "out/stages/0123.new-$dead"
    touch "out/cells/.x.xml.$dead.tmp" "out/stages/0123.new-$dead/network.safetensors"
    prunebench run m.xml -o out --threads 1 --quiet
    leftovers | tee left
    [ ! -s left ]
    # marks in the queue are named after the list of work, which each run makes
    files_of() { (cd "$1" && find . -type f ! -path './logs/*' ! -path '*/locks/*' | sed -E 's|^(./queue/.*)\.[0-9a-f]+\.ok$|\1.ok|' | sort); }
    diff <(files_of whole) <(files_of out)
}

@test "the last epoch of a training that the matrix no longer plans is kept for a matrix that does" {
    matrix 400 >m.xml
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 --quiet 3>&- 2>/dev/null &
    coordinator=$!
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    kill -KILL $coordinator
    wait $coordinator || true
    partial=$(echo out/stages/*.partial)
    matrix 2 >other.xml
    prunebench run other.xml -o out --threads 1 --quiet
    [ -e "$partial/epoch.safetensors" ]
    run -0 prunebench check m.xml --diff out --threads 1 --no-speed
    [[ $output == *", from the last epoch that was kept"* ]]
    prunebench run m.xml -o out --threads 1 --quiet
    [ ! -e "$partial" ]
}
