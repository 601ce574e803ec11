#!/usr/bin/env bats
# The scripts beside the program: layers, the nightly run.

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    folder=$(mktemp -d)
}

teardown() { rm -rf "$folder"; }

# A matrix of one small cell; $1: its criterion.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="nightly">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" lr="0.1" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="$folder/sets/CUB_200_2011"/>
  <criterion plugin="$1"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
</matrix>
END
}

@test "no layer includes what lies above it, and no plugin what is not in the SDK" {
    "$sources/scripts/check-layers"
}

@test "the layer check sees an include that points upward" {
    mkdir -p "$folder/scripts" "$folder/harness/base" "$folder/plugins/criteria" "$folder/datasets"/{aircraft,birds,cars}
    cp "$sources/scripts/check-layers" "$folder/scripts"
    printf '#include "engine/engine.h"\n' >"$folder/harness/base/file.c"
    printf '#include "base/file.h"\n' >"$folder/plugins/criteria/own.c"
    run "$folder/scripts/check-layers"
    [ "$status" -eq 1 ]
    [[ $output == *"harness/base/file.c:1: layer 'base' includes 'engine', which lies above it"* ]]
    [[ $output == *"plugins/criteria/own.c:1: a plugin sees <prunebench/…> only"* ]]
}

@test "a nightly run leaves results, report and log in a dated folder, and a link to the newest" {
    export PRUNEBENCH=$PRUNEBENCH_BUILD/prunebench
    "$PRUNEBENCH" synth "$folder/sets" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix bn-scale >"$folder/m.xml"
    "$sources/scripts/nightly" "$folder/m.xml" "$folder/out"
    today=$(readlink "$folder/out/latest")
    [[ $today =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]]
    [ -s "$folder/out/$today/report/index.html" ]
    grep -q 'ended with exit code 0' "$folder/out/$today/nightly.log"
}

@test "a nightly run sends the exit code on" {
    export PRUNEBENCH=$PRUNEBENCH_BUILD/prunebench
    matrix bn-scala >"$folder/m.xml"
    run "$sources/scripts/nightly" "$folder/m.xml" "$folder/out"
    [ "$status" -eq 2 ]
    grep -q "did you mean 'bn-scale'" "$folder/out/latest/nightly.log"
    run "$sources/scripts/nightly"
    [ "$status" -eq 2 ]
    [[ $output == "usage: scripts/nightly MATRIX OUT"* ]]
}
