#!/usr/bin/env bats
# Retraining that learns from a teacher: the unpruned network as the matrix asks, or a stage as a schedule does.
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
  <criterion plugin="l1-norm"/>
  '"$1"'
  <targets>0.4</targets></matrix>'
}
one_shot='<schedule plugin="one-shot"/>'
cell() { echo "$1/cells/birds.vgg11-bcnn.l1-norm.$2.blis.r40.s1.xml"; }
retrained() { grep '<epoch stage="retrain-40"' "$1"; }

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
