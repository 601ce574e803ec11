#!/usr/bin/env bats
# One plan, one key: schedules run once to plan and once for real; stages are found by what they were made from, wherever that is.

bats_require_minimum_version 1.5.0
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    prunebench synth "$BATS_FILE_TMPDIR/sets" --sets birds,fish --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -r "$BATS_FILE_TMPDIR/sets" here
}

# Cells of one data set; $1: where the sets are, $2: the schedule, $3: what the model starts from.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <pretraining label="fish" plugin="folder" root="$1/fish" model="vgg11-bcnn" seed="1"/>
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125" ${3:-pretraining=\"fish\"}/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="$1/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  ${2:-<schedule plugin=\"one-shot\"/>}
  <targets>0.3</targets>
  <stages keep="all"/>
</matrix>
END
}

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1

# What is stored, by name and content.
stored() { (cd out && find stages cache pretrained -type f ! -path '*/locks/*' -exec sha256sum {} + | sort -k 2); }

digests() { grep -ho 'config-sha256="[0-9a-f]*"' out/cells/*.xml; }

# Lines "NAME KEY PROVISIONAL".
keys() {
    prunebench check "$1" --threads 1 --no-speed --json | python3 -c '
import json, sys
for s in json.load(sys.stdin)["stages"]: print(s["name"], s["key"], s["provisional"])'
}

first_image() { find here/CUB_200_2011/images -name '*.jpg' | sort | head -n 1; }

@test "a schedule runs once to plan and once for real, and check makes the keys that the run stores under" {
    export COUNTED_RUNS=$PWD/runs
    counted() { prunebench "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }
    matrix here '<schedule plugin="counted"/>' >m.xml
    counted run m.xml -o out --threads 1 --quiet
    [ "$(wc -l <runs)" -eq 2 ]
    counted check m.xml --threads 1 --no-speed --json >check.json
    [ "$(wc -l <runs)" -eq 3 ]
    python3 - <<'END'
import json, os
stages = json.load(open("check.json"))["stages"]
assert {s["name"] for s in stages} == {"pretrain", "base", "score", "prune-30", "retrain-30"}, stages
for s in stages:
    assert s["provisional"] is False and os.path.exists(f"out/stages/{s['key']}/stage.json"), s
END
    # by hand, where no run has planned
    counted cell m.xml "${ID/one-shot/counted}" -o hand
    [ "$(wc -l <runs)" -eq 5 ]
    [ "$(ls out/stages)" = "$(ls hand/stages)" ]
    # a run that has nothing to do plans, and that is all
    counted run m.xml -o out --threads 1 --quiet
    [ "$(wc -l <runs)" -eq 6 ]
}

@test "data that has moved, or was copied, is the same data: nothing is trained, and results stay valid" {
    matrix here >m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    stored >before
    digests >digests-before
    keys m.xml >keys-before
    mkdir mnt
    mv here mnt/there
    matrix "$PWD/mnt/there" >m.xml
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"0 done, 1 were done before, 0 failed"* ]]
    [[ $output != *"run again"* && $output != *"left out"* ]]
    digests | diff digests-before -
    stored | diff before -
    keys m.xml | diff keys-before -
    # other inodes and times; the documents are gone, the stages are found
    cp -r mnt/there copy
    rm out/cells/*.xml
    matrix copy >m.xml
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [[ $output == *"1 done, 0 were done before, 0 failed"* ]]
    digests | diff digests-before -
    stored | diff before -
    # a new cell is in one row with those that were made elsewhere
    rm -r copy
    matrix mnt/there | sed 's#<targets>#<seeds>1 2</seeds>&#' >m.xml
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [[ $output == *"1 done, 1 were done before, 0 failed"* ]]
    [[ $output != *"left out"* ]]
}

@test "pretrained weights are the file's bytes, not its name" {
    matrix here >m.xml
    prunebench run m.xml -o first --threads 1 --quiet
    cp first/pretrained/fish-*.safetensors weights.safetensors
    matrix here '' 'pretrained="weights.safetensors"' >m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    mkdir elsewhere
    mv weights.safetensors elsewhere/another-name.safetensors
    matrix here '' 'pretrained="elsewhere/another-name.safetensors"' >m.xml
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [[ $output == *"0 done, 1 were done before, 0 failed"* ]]
}

@test "other images under the same path are other data, and run says why it trains again" {
    matrix here >m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    touch "$(first_image)" # alone, that changes nothing
    run prunebench run m.xml -o out --threads 1
    [[ $output == *"0 done, 1 were done before, 0 failed"* ]]
    cp "$(find here/CUB_200_2011/images -name '*.jpg' | sort | tail -n 1)" "$(first_image)"
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"$ID is run again: its images, labels, pretrained weights or teacher have changed"* ]]
    [[ $output == *"1 done, 0 were done before, 0 failed"* ]]
}

@test "where data is not here, check makes provisional keys, which distinguish data sets" {
    matrix nowhere >m.xml
    run prunebench check m.xml --threads 1 --no-speed
    [ "$status" -eq 0 ]
    [[ $output == *"not here: data set 'nowhere/CUB_200_2011' is not there"* ]]
    keys m.xml >nowhere
    [ "$(grep -c ' True$' nowhere)" -eq 5 ]
    matrix else >m.xml
    keys m.xml >else
    [ "$(cat nowhere else | cut -d' ' -f2 | sort -u | wc -l)" -eq 10 ]
    # the pretraining's data is here, that of what follows it is not
    matrix here | sed 's#here/CUB_200_2011#nowhere#' >m.xml
    keys m.xml >part
    [ "$(grep ' False$' part | cut -d' ' -f1)" = pretrain ]
}

@test "data that changes between plan and start fails the cell by name" {
    matrix here >m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    rm out/cells/*.xml
    echo >>"$(first_image)"
    at=$(grep -b "^id $ID$" out/plans.txt | cut -d: -f1)
    run prunebench cell out/matrix.xml "$ID" -o out --plans out/plans.txt --plans-at "$at"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"its images, labels, pretrained weights or teacher have changed since the run was planned; run again"* ]]
}

@test "stages of an earlier version are set aside, and the run says so in one sentence" {
    matrix here >m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    rm out/stages/.format out/cells/*.xml
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c "the stages in 'out/stages' were stored by an earlier version under other keys: they are not used and are now in 'out/stages-unused', which you may remove" <<<"$output")" -eq 1 ]
    [ "$(find out/stages-unused -name stage.json | wc -l)" -eq 5 ]
    run prunebench run m.xml -o out --threads 1
    [[ $output != *"earlier version"* ]]
}
