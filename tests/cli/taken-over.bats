#!/usr/bin/env bats
# A process that did not run for so long that another host has taken its cell over, and that then continues: it writes nothing.
bats_require_minimum_version 1.5.0
load ../support/runs.bash

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1

matrix() { # EPOCHS
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="$1" batch="8" lr="0.05" validation="0.2"/>
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
    export SETS=$BATS_FILE_TMPDIR/sets
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}
setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# Processes that have this test's folder in their command line.
ours() { pgrep -f "prunebench (run|cell) .*$PWD/out"; }
signal_ours() { ours | xargs kill "-$1"; }

@test "a cell that another process has claimed writes no document" {
    matrix 2 >m.xml
    mkdir -p out/queue
    echo "abcdef-01234567-71-89abcdef 1 elsewhere 71 -" >out/queue/$ID.claim
    run -75 prunebench cell m.xml $ID -o out --claim out/queue/$ID.claim --claim-tag abcdef-01234567-71-00000000
    [[ $output == *"cell '$ID' was taken over by another process; this one's result is dropped"* ]]
    [ ! -e out/cells/$ID.xml ]
    # nor where there is no claim any more
    run -75 prunebench cell m.xml $ID -o out --claim out/queue/none --claim-tag abcdef-01234567-71-89abcdef
    [ ! -e out/cells/$ID.xml ]
    prunebench cell m.xml $ID -o out --claim out/queue/$ID.claim --claim-tag abcdef-01234567-71-89abcdef
    grep -q ' status="ok"' out/cells/$ID.xml
}

@test "a run that was stopped with its child loses its cell to another host, and leaves that one's result" {
    unshare --pid --uts --fork --mount-proc true 2>/dev/null || skip "no name spaces of processes can be made here"
    matrix 400 >m.xml
    export PRUNEBENCH_LEASE="0.2 2"
    # to all others its processes are those of another host
    unshare --pid --uts --fork --kill-child --mount-proc sh -c "hostname other; exec '$PRUNEBENCH_BUILD/prunebench' run m.xml -o '$PWD/out' --threads 1" >log 2>&1 3>&- &
    coordinator=$!
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    signal_ours STOP
    run -0 prunebench worker out --threads 1
    echo "$output"
    [[ $output == *"2 cells done, 0 failed here; 0 are run by other workers, 0 wait"* ]]
    (cd out && sha256sum cells/* && ls queue/*.ok) >before
    signal_ours CONT
    wait $coordinator
    cat log
    grep -q "this process did not work for so long that another one has taken it over; what it has made of it does not count" log
    grep -q "2 done, 0 were done before, 0 failed" log
    (cd out && sha256sum cells/* && ls queue/*.ok) | diff before -
    [ -z "$(find out/queue -type f ! -name '*.ok')" ]
    [ -z "$(find out -name '*.partial')" ]
}
