#!/usr/bin/env bats
# Trainings cut into pieces: rewinding to a step, masking every few steps; run, killed and resumed, refused.
bats_require_minimum_version 1.5.0
load ../support/killed

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# three steps an epoch, nine in all
matrix() { # SCHEDULE…
    local does
    echo '<matrix xmlns="urn:prunebench:matrix:1" name="pieces">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.05"/>
  <training epochs="3" batch="5" lr="0.05" validation="0.2"/>
  <latency runs="0"/><stages keep="all"/>
  <dataset plugin="birds" root="'"$SETS"'/CUB_200_2011"/>
  <criterion plugin="magnitude"/>'
    for does; do
        echo "<schedule plugin=\"odd\" label=\"$does\"><option name=\"does\" value=\"$does\"/></schedule>"
    done
    echo '<targets measure="weights">0.8</targets></matrix>'
}
cell() { echo "$1/cells/birds.vgg11-bcnn.magnitude.$2.blis.w80.s1.xml"; }

# A result without what differs from run to run.
content() { grep -vE '<provenance|<memory|started=|seconds=|^ +[a-z-]+="[^"]*"(/>)?$' "$1" | sed -E 's/ (seconds|peak-rss-growth)="[^"]*"//g'; }
# Its epochs of one stage.
rows() { grep "<epoch stage=\"$1\"" "$2" | sed -E 's/stage="[^"]*" //; s/ seconds="[^"]*"//'; }

@test "a ticket goes back to a step inside its training, and gradual masking grows between pieces" {
    matrix step-ticket gradual >m.xml
    run -0 prunebench run m.xml -o out
    ticket=$(cell out step-ticket) gradual=$(cell out gradual)
    # the host's own base is the same training uncut, at the same depth in the chain
    [ "$(rows base "$ticket" | wc -l)" -eq 3 ]
    diff <(rows base "$ticket") <(rows 'train#2' "$ticket")
    [ "$(rows retrain-80 "$ticket" | wc -l)" -eq 3 ]
    # 0.8·(1 − (1/2)³) = 0.7, then 0.8
    grep -q '<masking stage="mask-70" .*requested="0.7' "$gradual"
    grep -q '<masking stage="mask-80" from="retrain-70" requested="0.8"' "$gradual"
    [ "$(grep -c '<epoch stage="retrain-' "$gradual")" -eq 3 ]
}

@test "killed when any number of its stages is stored, a cell with pieces ends as an undisturbed one" {
    matrix step-ticket >m.xml
    prunebench run m.xml -o whole --quiet
    file=$(cell out step-ticket) hits=0
    for stored in 1 2 3 4 5; do
        kill_run "$stored" "${file##*/}" m.xml
        run -0 prunebench run m.xml -o out --quiet
        diff <(content "$(cell whole step-ticket)") <(content "$file")
    done
    [ "$hits" -gt 0 ]
}

@test "a piece that ends behind its training is refused before anything runs" {
    matrix too-late >m.xml
    run -2 prunebench check m.xml
    [[ $output == *"the schedule asked for the first 1000 steps of a training that has 9 (3 epochs of 3)"* ]]
}
