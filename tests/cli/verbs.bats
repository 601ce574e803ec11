#!/usr/bin/env bats
# The verbs that leave a straight line: going back to a stage, given channels, fresh values, costs, latency; run, killed and resumed.
bats_require_minimum_version 1.5.0
load ../support/killed

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

matrix() { # SCHEDULE…: what each does, of plugin $PLUGIN
    local does
    echo '<matrix xmlns="urn:prunebench:matrix:1" name="verbs">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.05"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="'"$SETS"'/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>'
    for does; do
        echo "<schedule plugin=\"$PLUGIN\" label=\"$does\"><option name=\"does\" value=\"$does\"/></schedule>"
    done
    echo '<targets>0.4</targets></matrix>'
}

cell() { echo "$1/cells/birds.vgg11-bcnn.bn-scale.$2.blis.r40.s1.xml"; }

# A result without what differs from run to run.
content() { grep -vE '<provenance|<memory|started=|seconds=|^ +[a-z-]+="[^"]*"(/>)?$' "$1" | sed -E 's/ (seconds|peak-rss-growth)="[^"]*"//g'; }

# Kills a run of matrix $1 in out when $3, $4, … stages are stored, and resumes it; its cell $2 is then that of the folder whole.
killed_and_resumed() {
    local matrix=$1 file=$2 stored hits=0
    shift 2
    for stored; do
        kill_run "$stored" "$file" "$matrix"
        run -0 prunebench run "$matrix" -o out --quiet
        diff <(content "whole/cells/$file" | grep -v stages) <(content "out/cells/$file" | grep -v stages)
    done
    [ "$hits" -gt 0 ]
}

@test "an adaptive schedule measures two branches, goes back to the better one, and its record is that branch's" {
    PLUGIN=odd-adaptive matrix branch >m.xml
    run -0 prunebench run m.xml -o out
    file=$(cell out branch)
    # one pruning and one retraining lead to the result, whichever branch won; both branches began at one training
    [ "$(grep -c '<pruning ' "$file")" -eq 1 ]
    [ "$(grep -c '<accuracy stage="retrained" split="test"' "$file")" -eq 1 ]
    [ "$(grep -c '<epoch stage="base"' "$file")" -eq 2 ]
    [ "$(grep -cE '<epoch stage="retrain-(20|40)(#2)?"' "$file")" -eq 1 ]
    # planned up to its first measurement: base, score, prune, recalibrate
    run -0 prunebench check m.xml --threads 1
    [[ $output == *"1 cells, 4 stages"* ]]
}

@test "a network of given channels with fresh values is trained, and is as wide as was asked" {
    PLUGIN=odd matrix scratch >m.xml
    run -0 prunebench run m.xml -o out
    file=$(cell out scratch)
    grep -q '<cost stage="pruned".* widths="1 1 2 2 3 3 3 3"' "$file"
    # fresh values: the retrained network has learnt one epoch only, from the record's own parent
    grep -q '<epoch stage="retrain"' "$file"
    grep -q '<accuracy stage="retrained"' "$file"
}

@test "wrong group counts and specs of a schedule's own fail that cell by name" {
    PLUGIN=odd matrix wrong-count own-spec scratch >m.xml
    run -1 prunebench run m.xml -o out
    grep -q "prune-to: the schedule gave channels for 7 groups; the network has 8" "$(cell out wrong-count)"
    grep -q "it called train with a train spec of its own; change a copy that copy_spec made" "$(cell out own-spec)"
    grep -q 'status="ok"' "$(cell out scratch)"
}

@test "of dropped branches no network is left, but all that was measured" {
    PLUGIN=odd-adaptive matrix leaves >m.xml
    run -1 prunebench run m.xml -o out # it fails behind the second branch, so that nothing else is removed
    # prune, retrain and recalibrate of two branches
    dropped=(out/stages/*/dropped.json) networks=(out/stages/*/network.safetensors) measured=(out/stages/*/validation.json)
    [ ${#dropped[@]} -eq 6 ]
    [ ${#networks[@]} -eq 1 ]
    [ ${#measured[@]} -eq 2 ]
}

@test "killed when any number of its stages is stored, a course with dropped branches ends as an undisturbed one that drops none" {
    PLUGIN=odd-adaptive matrix dropping >m.xml
    sed 's:<targets>:<stages keep="all"/>&:' m.xml >all.xml
    prunebench run all.xml -o whole --quiet
    run -1 compgen -G 'whole/stages/*/dropped.json'
    file=$(cell out dropping)
    killed_and_resumed m.xml "${file##*/}" 1 3 5 6 8 9
}

@test "killed when any number of its stages is stored, a course with given channels and fresh values, with a repair, or with a teacher ends alike" {
    PLUGIN=odd matrix scratch >scratch.xml
    PLUGIN=odd matrix repair | sed 's|<criterion plugin="bn-scale"/>|<criterion plugin="repairs"><option name="does" value="bias"/></criterion>|' >repair.xml
    PLUGIN=one-shot matrix x | sed 's|<schedule .*|<schedule plugin="one-shot"/>|; s|<retraining |&distillation="soft-targets" |' >teacher.xml
    for matrix in scratch repair teacher; do
        rm -rf whole
        prunebench run $matrix.xml -o whole --quiet
        file=$(echo whole/cells/*.xml)
        killed_and_resumed $matrix.xml "${file##*/}" 1 2 3 4
    done
}

@test "a criterion's repair is a stage of its own, what it changed is stored, and a bad one fails that cell alone" {
    criteria=''
    for does in bias nan fails; do
        criteria+="<criterion plugin=\"repairs\" label=\"$does\"><option name=\"does\" value=\"$does\"/></criterion>"
    done
    PLUGIN=odd matrix repair | sed "s|<criterion plugin=\"bn-scale\"/>|$criteria<stages keep=\"all\"/>|" >m.xml
    run -1 prunebench run m.xml -o out -j 2
    echo "$output"
    grep -q 'status="ok"' out/cells/*.bias.repair.*.xml
    # every layer that lost inputs, with the error that the repair left: moving the bias never makes it larger
    [ "$(grep -c '<repair stage="repair[a-z0-9-]*" layer="' out/cells/*.bias.repair.*.xml)" -ge 7 ]
    sed -n 's/.*<repair .*error-before="\([^"]*\)" error-after="\([^"]*\)".*/\1 \2/p' out/cells/*.bias.repair.*.xml |
        awk '{ if (!($1 > 0 && $2 <= $1 + 1e-6)) exit 1; smaller += $2 < $1 } END { exit smaller == 0 }'
    grep -q "repair: criterion 'repairs' repaired layer '[a-z0-9_]*' with a weight of -\?nan; values must be finite" out/cells/*.nan.repair.*.xml
    grep -q "it cannot repair '" out/cells/*.fails.repair.*.xml
    grep -q '"error_after": ' out/stages/*/stage.json
    run -0 prunebench run m.xml -o again --only '*.bias.*'
    diff <(content out/cells/*.bias.repair.*.xml) <(content again/cells/*.bias.repair.*.xml)
    # a criterion that repairs nothing is refused before anything runs
    PLUGIN=odd matrix repair >n.xml
    run -2 prunebench check n.xml
    [[ $output == *"the schedule asks for repairs, which criterion 'bn-scale' does not make"* ]]
}

@test "a matrix has every pruning repaired once, by means or by the criterion, and none repairs nothing" {
    criteria='<criterion plugin="bn-scale" label="plain"/><criterion plugin="bn-scale" label="mean" repair="mean"/>'
    criteria+='<criterion plugin="repairs" label="own" repair="criterion"><option name="does" value="bias"/></criterion>'
    criteria+='<schedule plugin="one-shot"/><exclude criterion="plain" schedule="repair"/>'
    PLUGIN=odd matrix repair | sed "s|<criterion plugin=\"bn-scale\"/>|$criteria|" >m.xml
    run -0 prunebench run m.xml -o out -j 2
    run ! grep -q '<repair ' out/cells/*.plain.one-shot.*.xml
    run ! grep -q 'ranking.repair' out/cells/*.plain.one-shot.*.xml
    for cell in mean.one-shot mean.repair own.one-shot own.repair; do # the last of each name asks for repairs itself
        file=$(echo out/cells/*."$cell".*.xml)
        [ "$(grep -c '<repair stage="repair" layer="' "$file")" -eq "$(grep -c '<repair ' "$file")" ]
        [ "$(grep -c '<repair ' "$file")" -ge 7 ]
        grep -q '<accuracy stage="\(repair\|retrained\)" split="test"' "$file"
        sed -n 's/.*<repair .*error-before="\([^"]*\)" error-after="\([^"]*\)".*/\1 \2/p' "$file" |
            awk '{ before += $1; after += $2 } END { exit !(before > 0 && after < before) }'
    done
    # the pruning itself is the same stage
    [ "$(grep -ho 'stage-pruned="[0-9a-f]*"' out/cells/*.plain.one-shot.*.xml out/cells/*.mean.one-shot.*.xml | uniq | wc -l)" -eq 1 ]
    grep -ho 'ranking.repair" value="[a-z]*"\|ranking.repair="[a-z]*"' out/cells/*.mean.one-shot.*.xml | grep -q mean
    cp out/cells/*.mean.repair.*.xml first.xml
    rm out/cells/*.mean.repair.*.xml
    run -0 prunebench run m.xml -o out
    diff <(content first.xml) <(content out/cells/*.mean.repair.*.xml)
    refused() { # ATTRIBUTE-OF-RANKING, WORDS
        PLUGIN=odd matrix repair | sed "s|<latency|<ranking $1/><latency|" >bad.xml
        run -2 prunebench check bad.xml
        [[ $output == *"$2"* ]]
    }
    refused 'repair="median"' "bad.xml:5: <ranking>: repair='median' is not known; did you mean 'mean'?"
    refused 'repair="criterion"' "repair=\"criterion\" asks for repairs, which criterion 'bn-scale' does not make"
}

@test "latency is measured once per stage and read back after a kill; only an adaptive schedule may ask for it" {
    PLUGIN=odd-adaptive matrix faster | sed 's|<latency|<stages keep="all"/><latency|' >m.xml
    run -0 prunebench run m.xml -o out
    grep -q 'status="ok"' "$(cell out faster)"
    measured=(out/stages/*/latency-2-5-*.json)
    [ "${#measured[@]}" -eq 2 ]
    cp "${measured[0]}" kept.json
    # the result is gone, the stages are not: what was measured is read, not measured again
    rm "$(cell out faster)"
    run -0 prunebench run m.xml -o out
    cmp "${measured[0]}" kept.json
    PLUGIN=odd matrix faster >n.xml
    run -1 prunebench run n.xml -o out-odd
    [[ $output == *"it measures latency, which differs from run to run; it must declare itself adaptive"* ]]
}
