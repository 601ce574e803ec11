#!/usr/bin/env bats
# Schedules of others: what they are compared with, what they must not do, adaptive ones, and planning them safely.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

odd() { # DOES [PLUGIN]
    echo "<schedule plugin=\"${2:-odd}\" label=\"$1\"><option name=\"does\" value=\"$1\"/></schedule>"
}

# A matrix of small cells; $1: what to add.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="3" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  $1
</matrix>
END
}

# The value of an attribute in the first line of a file that matches.
attribute() { # FILE LINE-PATTERN NAME
    grep -E -m1 "$2" "$1" | sed -E "s/.* $3=\"([^\"]*)\".*/\1/"
}

stage_of() { # FILE NAME
    grep -oE "$2=\"[0-9a-f]{64}\"" "$1" | cut -d'"' -f2
}

@test "the baseline is the unpruned network trained in full, also where a schedule begins with a short training" {
    matrix "$(odd early)<schedule plugin=\"one-shot\"/><targets>0.3</targets>" >m.xml
    run prunebench run m.xml -o out -j 2
    echo "$output"
    [ "$status" -eq 0 ]
    early=out/cells/birds.vgg11-bcnn.bn-scale.early.blis.r30.s1.xml
    one_shot=out/cells/birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1.xml
    [ "$(attribute $early '<accuracy stage="base"' loss)" = "$(attribute $one_shot '<accuracy stage="base"' loss)" ]
    [ "$(stage_of $early stage-base)" = "$(stage_of $one_shot stage-base)" ] # trained once
    # three epochs in the baseline and in the schedule's second training, one in its first
    [ "$(grep -c '<epoch stage="base"' $early)" -eq 3 ]
    [ "$(grep -c '<epoch stage="train"' $early)" -eq 1 ]
    [ "$(grep -c '<epoch stage="train#2"' $early)" -eq 3 ]
    # what was pruned is the schedule's own network
    [ "$(attribute $early '<pruning ' from)" = "train#2" ]
    prunebench check m.xml --threads 1 --json | python3 -c '
import json, sys
base = [s for s in json.load(sys.stdin)["stages"] if s["name"] == "base"]
assert len(base) == 1 and base[0]["cells"] == 2, base'
}

@test "a schedule that prunes nothing, returns at once, or prunes less than before fails by name" {
    matrix "$(odd nothing)$(odd less)<schedule plugin=\"one-shot\"/><targets>0.4</targets>" >m.xml
    run prunebench run m.xml -o out -j 2
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"1 done, 0 were done before, 2 failed"* ]]
    grep -q "schedule 'odd' ended without pruning or masking anything; one that only trains must declare it" out/cells/*.nothing.*.xml
    grep -q "the schedule asked to prune 20 % of the channels where 40 % were pruned before" out/cells/*.less.*.xml
    run prunebench check m.xml --threads 1
    [ "$status" -eq 1 ]
    [[ $output == *"cell 'birds.vgg11-bcnn.bn-scale.nothing.blis.r40.s1': schedule 'odd' ended without pruning or masking anything"* ]]
}

@test "other verbs when run than when planned end the cell by name, and no cell that shares its stages" {
    matrix "$(odd fickle)$(odd other-arguments)$(odd other-verb)$(odd ends-early)<schedule plugin=\"one-shot\"/><targets>0.4</targets>" >m.xml
    run prunebench run m.xml -o out -j 2
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"1 done, 0 were done before, 4 failed"* ]]
    advice="a schedule whose course depends on what it measures must declare itself adaptive"
    grep -q "schedule 'odd' asked for 'score' where its plan has 'nothing more'; $advice" out/cells/*.fickle.*.xml
    grep -q "schedule 'odd' asked for 'retrain-40' where its plan has 'the same with other arguments'; $advice" out/cells/*.other-arguments.*.xml
    grep -q "schedule 'odd' asked for 'recalibrate' where its plan has 'retrain-40'; $advice" out/cells/*.other-verb.*.xml
    grep -q "schedule 'odd' ended where its plan has 'retrain-40'; $advice" out/cells/*.ends-early.*.xml
}

@test "a schedule that dies between its verbs when it is run blocks no cell that shares its stages" {
    matrix "$(odd dies-late)<schedule plugin=\"one-shot\"/><targets>0.4</targets>" >m.xml
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_abort=0
    run prunebench run m.xml -o out -j 1
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"1 done, 0 were done before, 1 failed, 0 blocked"* ]]
    grep -q "its process died of SIGABRT in schedule 'odd', hook run" out/cells/*.dies-late.*.xml
}

@test "an adaptive schedule ends with the right stages and removes none that another cell shares" {
    matrix "$(odd measured odd-adaptive)<schedule plugin=\"one-shot\"/><targets>0.2 0.4</targets>" >m.xml
    run prunebench check m.xml --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *" and more"* ]] # planned to its first measurement
    # the one-shot cell to 20 % and the adaptive one to 40 % both pass through prune-20, one-shot after it
    run prunebench run m.xml -o out --only '*measured*r40*'
    echo "$output"
    [ "$status" -eq 0 ]
    cell=out/cells/birds.vgg11-bcnn.bn-scale.measured.blis.r40.s1.xml
    [ "$(grep -c '<pruning ' $cell)" -eq 2 ]
    [ "$(grep -c '<accuracy stage="retrained" split="test"' $cell)" -eq 1 ]
    [ -e out/stages/"$(stage_of $cell stage-base)"/stage.json ] # the one-shot cells start from it
    [ -e out/stages/"$(stage_of $cell stage-retrained)"/stage.json ]
    grep -q '"prune-20"' out/stages/*/stage.json # one-shot to 20 % has planned it
    [ ! -e out/stages/"$(stage_of $cell stage-pruned)"/stage.json ] # nobody else has planned it
    run prunebench run m.xml -o out
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"3 done, 1 were done before, 0 failed"* ]]
    # another threshold behind the measurement is another cell, although the plan ends before it
    sed -i 's/<retraining epochs="1"/<retraining epochs="2"/' m.xml
    run prunebench run m.xml -o out
    [[ $output == *"4 done, 0 were done before, 0 failed"* ]]
}

@test "a planning process that somebody kills is started again and blames nobody; one that is killed again does" {
    matrix "$(odd killed)<targets>0.4</targets>" >m.xml
    ODD_MARK=$PWD/mark run prunebench check m.xml --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    [ -e mark ]
    [[ $output =~ birds.vgg11-bcnn.bn-scale.killed.blis.r40.s1\ +[0-9.]+\ [kMG]\ +[0-9]+\ MiB ]]
    run prunebench check m.xml --threads 1
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"schedule 'killed' died of SIGKILL while it was planned"* ]]
}

@test "check plans in a process of its own: a schedule that exits, hangs or crashes is named, and the others are listed" {
    matrix "$(odd exits)$(odd loops)$(odd crashes)<schedule plugin=\"one-shot\"/><targets>0.4</targets>" >m.xml
    export PRUNEBENCH_PLAN_SECONDS=2
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_abort=0
    run prunebench check m.xml --threads 1
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"cell 'birds.vgg11-bcnn.bn-scale.exits.blis.r40.s1': schedule 'exits' ended the process with exit code 0 while it was planned"* ]]
    [[ $output == *"schedule 'loops' did not return within 2 seconds while it was planned"* ]]
    [[ $output == *"schedule 'crashes' died of SIGABRT while it was planned"* ]]
    [[ $output == *"birds.vgg11-bcnn.bn-scale.exits.blis.r40.s1 "*"cannot be planned"* ]]
    [[ $output =~ birds.vgg11-bcnn.bn-scale.one-shot.blis.r40.s1\ +[0-9.]+\ [kMG]\ +[0-9]+\ MiB ]]
    run prunebench check m.xml --threads 1 --json
    [ "$status" -eq 1 ]
}
