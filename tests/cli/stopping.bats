#!/usr/bin/env bats
# SIGTERM ends a cell's process in order: the running epoch is stored, the cell has not ended, and the next run resumes it.

bats_require_minimum_version 1.5.0
load ../support/runs.bash
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1

matrix() { # CRITERION
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="400" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="${1:-bn-scale}"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
</matrix>
END
}

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets WHOLE=$BATS_FILE_TMPDIR/whole
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix >"$BATS_FILE_TMPDIR/m.xml"
    prunebench run "$BATS_FILE_TMPDIR/m.xml" -o "$WHOLE" --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$BATS_FILE_TMPDIR/m.xml" .
}

# The number of the last epoch that an unfinished training has stored.
stored_epoch() {
    python3 - out/stages/*.partial/epoch.safetensors <<'END'
import json, struct, sys
with open(sys.argv[1], "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
progress = json.loads(header["__metadata__"]["progress"])
assert len(progress["rows"]) == progress["epoch"]
print(progress["epoch"])
END
}

same_as_whole() { diff <(timeless "$WHOLE/cells/$ID.xml") <(timeless out/cells/$ID.xml); }

@test "SIGTERM lets a cell store the epoch that runs; exit code 75, no document; the same command ends as one that was left alone" {
    "$PRUNEBENCH_BUILD/prunebench" cell "$WHOLE/matrix.xml" $ID -o out >log 2>&1 3>&- &
    cell=$!
    wait_for grep -q 'epoch 2 of 400' log
    kill -TERM $cell
    code=0
    wait $cell || code=$?
    tail -n 2 log
    [ $code -eq 75 ]
    tail -n 1 log | grep -q '^prunebench: .*: it was asked to end (SIGTERM), and what is done is stored: the same command resumes$'
    [ ! -e out/cells/$ID.xml ]
    [ "$(stored_epoch)" -eq "$(sed -nE 's/.*epoch ([0-9]+) of 400$/\1/p' log | tail -n 1)" ]
    [ -z "$(find out -name '*.tmp')" ]
    next=$(($(stored_epoch) + 1))
    prunebench cell "$WHOLE/matrix.xml" $ID -o out >log 2>&1
    [ "$(sed -nE 's/.*epoch ([0-9]+) of 400$/\1/p' log | head -n 1)" -eq $next ]
    same_as_whole
}

@test "a second SIGTERM ends a cell at once, in the middle of a stage" {
    matrix forever >m.xml
    "$PRUNEBENCH_BUILD/prunebench" cell m.xml birds.vgg11-bcnn.forever.one-shot.blis.r30.s1 -o out \
        --plugin-dir "$PRUNEBENCH_BUILD/tests/evil" >log 2>&1 3>&- &
    cell=$!
    wait_for grep -q '  score' log
    kill -TERM $cell
    # it takes notice of the first one, and continues with what it is at
    wait_for grep -q '^ShdPnd:[[:space:]]*0*$' /proc/$cell/status
    kill -TERM $cell
    code=0
    wait $cell || code=$?
    [ $code -eq 143 ]
    [ ! -e out/cells/birds.vgg11-bcnn.forever.one-shot.blis.r30.s1.xml ]
}

@test "SIGTERM to a run lets its cell store the epoch that runs, and the same command resumes" {
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 --quiet 2>log 3>&- &
    coordinator=$!
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    kill -TERM $coordinator
    code=0
    wait $coordinator || code=$?
    cat log out/logs/$ID.log
    [ $code -eq 143 ]
    grep -q ': it was asked to end (SIGTERM), and what is done is stored: the same command resumes$' out/logs/$ID.log
    [ ! -e out/cells/$ID.xml ]
    [ "$(stored_epoch)" -ge 1 ]
    prunebench run m.xml -o out --threads 1 --quiet
    same_as_whole
}

@test "a run starts a cell again whose process somebody else has asked to end" {
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 >log 2>&1 3>&- &
    coordinator=$!
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    kill -TERM "$(pgrep -P $coordinator -f "cell out/matrix.xml")"
    wait $coordinator
    cat log
    grep -q "$ID: its process was asked to end (SIGTERM) by another one than the run's; what it has done is stored; it is started again" log
    [ "$(grep -c "the run of cell $ID begins" out/logs/$ID.log)" -eq 2 ]
    same_as_whole
}
