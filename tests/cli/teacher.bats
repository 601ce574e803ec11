#!/usr/bin/env bats
# Retraining that learns from a teacher: the unpruned network or a checkpoint as the matrix asks, or a stage as a schedule does.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

matrix() { # SCHEDULE-ELEMENTS [RETRAINING-ATTRIBUTES]
    echo '<matrix xmlns="urn:prunebench:matrix:1" name="teacher">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.05"/>
  <training epochs="2" batch="5" lr="0.05" validation="0.2"/>
  <retraining epochs="1" '"${2:-}"'/>
  <latency runs="0"/><stages keep="all"/>
  <dataset plugin="birds" root="'"$SETS"'/CUB_200_2011"/>
  <criterion plugin="filter-norm" label="l1-norm"/>
  '"$1"'
  <targets>0.4</targets></matrix>'
}
one_shot='<schedule plugin="one-shot"/>'
cell() { echo "$1/cells/birds.vgg11-bcnn.l1-norm.$2.blis.r40.s1.xml"; }
retrained() { grep '<epoch stage="retrain-40"' "$1"; }

# The file of a stage of the run out.
stored() { # MATRIX STAGE
    key=$(prunebench check "$1" --no-speed --json |
        python3 -c 'import json, sys; print(*(s["key"] for s in json.load(sys.stdin)["stages"] if s["name"] == sys.argv[1]))' "$2")
    echo "out/stages/$key/network.safetensors"
}

@test "retraining learns from the unpruned network, which all its cells share" {
    matrix "$one_shot" >plain.xml
    run -0 prunebench run plain.xml -o out
    run ! grep -q " teacher=" "$(cell out one-shot)"
    cp "$(cell out one-shot)" plain-cell.xml
    for kind in soft-targets logits; do
        matrix "$one_shot" "distillation=\"$kind\" teacher-weight=\"0.5\"" >m.xml
        run -0 prunebench run m.xml -o out
        retrained "$(cell out one-shot)" | grep -q 'teacher="base"'
        run ! grep -q '<epoch stage="base".*teacher=' "$(cell out one-shot)"
        grep -q "distillation\" value=\"$kind\"" "$(cell out one-shot)"
        diff <(grep '<epoch stage="base"' plain-cell.xml) <(grep '<epoch stage="base"' "$(cell out one-shot)")
        run ! diff <(retrained plain-cell.xml | grep -o ' loss="[^"]*"') \
            <(retrained "$(cell out one-shot)" | grep -o ' loss="[^"]*"')
    done
    # one base, score and pruning for the three, and a retraining of each
    [ "$(find out/stages -name stage.json | wc -l)" -eq 6 ]
}

@test "a schedule chooses its teacher among the stages of its run" {
    matrix '<schedule plugin="teaches"/>' >m.xml
    run -0 prunebench run m.xml -o out
    teacher=$(sed -nE 's/.*<epoch stage="retrain-40".* teacher="([^"]*)".*/\1/p' "$(cell out teaches)")
    [ "$teacher" != base ]
    grep -q "<epoch stage=\"$teacher\"" "$(cell out teaches)"
}

@test "a teacher's file that changes while the cell runs is refused" {
    matrix "$one_shot" >plain.xml
    run -0 prunebench run plain.xml -o out
    cp "$(stored plain.xml base)" teacher.safetensors
    cp "$(stored plain.xml retrain-40)" other.safetensors
    # the schedule swaps the two whenever it runs: once to plan, and once for real
    matrix '<schedule plugin="teaches"><option name="from" value="swapped"/></schedule>' \
        'distillation="logits" teacher="teacher.safetensors"' >m.xml
    run -1 prunebench run m.xml -o out
    [[ $output == *"teacher 'teacher.safetensors' has changed since the cell began; run again"* ]]
}

@test "what cannot teach is refused before anything runs" {
    refused() { # EXIT-CODE, OPTION, WORDS
        matrix "<schedule plugin=\"teaches\"><option name=\"from\" value=\"$2\"/></schedule>" >m.xml
        run "-$1" prunebench check m.xml
        [[ $output == *"$3"* ]]
    }
    refused 1 untrained "a teacher that was not trained on the cell's data"
    refused 1 later "asked for stage 77 of 4 as a teacher"
    refused 2 too-heavy "a teacher's weight of 2 was asked for"
    matrix "$one_shot" 'distillation="soft-targets" teacher-temperature="0"' >m.xml
    run -2 prunebench check m.xml
    [[ $output == *"m.xml:4:"*"teacher-temperature"* ]]
}

@test "a checkpoint of another run and of another model teaches, wherever it is stored" {
    matrix "$one_shot" | sed 's/width-multiplier="0.05"/width-multiplier="0.1"/' >wide.xml
    run -0 prunebench run wide.xml -o out
    mkdir elsewhere
    cp "$(stored wide.xml base)" big.safetensors
    cp "$(stored wide.xml retrain-40)" elsewhere/other.safetensors
    digest=$(sha256sum big.safetensors | cut -d' ' -f1)
    taught() { matrix "$one_shot" "distillation=\"soft-targets\" teacher=\"$1\""; }
    losses() { retrained "$(cell out one-shot)" | grep -o ' loss="[^"]*"'; }
    # the cell's own unpruned network from a file teaches what it teaches as a stage
    taught unpruned >m.xml
    run -0 prunebench run m.xml -o out
    losses >as-stage
    cp "$(stored m.xml base)" own.safetensors
    taught own.safetensors >m.xml
    run -0 prunebench run m.xml -o out
    losses | diff as-stage -
    taught big.safetensors >m.xml
    run -0 prunebench run m.xml -o out
    run ! diff as-stage <(losses)
    retrained "$(cell out one-shot)" | grep -q "teacher=\"checkpoint ${digest::12}\""
    grep -q "teacher=\"big.safetensors\" teacher-sha256=\"$digest\"" "$(cell out one-shot)"
    mv big.safetensors elsewhere/moved.safetensors
    taught elsewhere/moved.safetensors >m.xml
    run -0 prunebench run m.xml -o out
    [[ $output == *"0 done, 1 were done before, 0 failed"* ]]
    # other content under that name, after the run was planned
    rm out/cells/*.xml
    mv elsewhere/other.safetensors elsewhere/moved.safetensors
    id=$(basename "$(cell out one-shot)" .xml)
    at=$(grep -b "^id $id$" out/plans.txt | cut -d: -f1)
    run -1 prunebench cell out/matrix.xml "$id" -o out --plans out/plans.txt --plans-at "$at"
    [[ $output == *"pretrained weights or teacher have changed since the run was planned; run again"* ]]

    # what cannot teach
    "$PRUNEBENCH_BUILD/prunebench" synth two --sets birds --classes 2 --train 8 --test 4 --size 64 --quiet
    sed "s#$SETS#two#" m.xml >two.xml
    run -2 prunebench check two.xml --no-speed
    [[ $output == *"two.xml:4: <retraining> teacher 'elsewhere/moved.safetensors' has 3 classes, and data set 'birds' has 2; name a teacher"* ]]
    run -1 prunebench run two.xml -o two-out
    [[ $output == *"has 3 classes, and data set 'birds' has 2"* ]]
    [ -z "$(find two-out/stages -name stage.json)" ]
    echo damage >>elsewhere/moved.safetensors
    rm out/cells/*.xml
    for command in 'check --no-speed' 'run -o out'; do
        # shellcheck disable=SC2086 # the command's words
        run -2 prunebench $command m.xml
        [[ $output == *"m.xml:4: <retraining> teacher: 'elsewhere/moved.safetensors'"* ]]
    done
    rm elsewhere/moved.safetensors
    run -0 prunebench check m.xml --no-speed
    [[ $output == *"not here: teacher 'elsewhere/moved.safetensors' is not there"* ]]
    run -2 prunebench run m.xml -o out
    [[ $output == *"m.xml:4: <retraining> teacher: there is no file 'elsewhere/moved.safetensors'"* ]]
}
