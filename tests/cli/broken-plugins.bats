#!/usr/bin/env bats
# Every command that names a plugin says why it cannot be used; a clash of names blocks that plugin alone.
bats_require_minimum_version 1.5.0

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    build=${PRUNEBENCH_BUILD:-$sources/build}
    folder=$(mktemp -d)
    unset PRUNEBENCH_PLUGIN_PATH PRUNEBENCH_PROGRAM
    PATH=$build:$PATH
    cd "$folder" || return
    mkdir mine
}

teardown() {
    rm -rf "$folder"
}

# A matrix of one small cell; $1: its criterion, $2: its data folder.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="broken">
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

# A criterion in the file mine/$1 of name $2 that gives every channel its number as its score.
good_criterion() {
    printf '#include "bad-criterion.h"\nstatic const struct pb_plugin plugin = {PB_PLUGIN_HEADER(PB_KIND_CRITERION), %s\n' \
        "GOOD_TEXTS(\"$2\"), GOOD_OPERATIONS}; EXPORT(plugin)" >source.c
    cc -std=c17 -fPIC -shared -I"$sources/tests/plugins" -I"$sources/harness/include" -o "mine/$1" source.c
}

@test "describe, check, run and cell say file and reason of a broken criterion, whatever its file is called" {
    cp "$build/tests/plugins/missing-hook.so" mine/build.so
    matrix missing-hook >m.xml
    expected="criterion 'missing-hook' cannot be used: mine/build.so: criterion 'missing-hook': its required hook 'score' is missing (only 'select' or 'score_weights' can take its place)"
    run prunebench plugins describe criterion/missing-hook --plugin-dir mine
    [ "$status" -eq 2 ]
    [ "$output" = "prunebench: $expected" ]
    for command in "check m.xml" "run m.xml -o out" "cell m.xml birds.vgg11-bcnn.missing-hook.one-shot.50.s1 -o out"; do
        # shellcheck disable=SC2086
        run prunebench $command --plugin-dir mine
        echo "$command: $output"
        [ "$status" -eq 2 ]
        [ "$output" = "prunebench: m.xml:7: $expected" ]
    done
}

@test "bench and verify say why a backend cannot be used" {
    cp "$build/tests/plugins/other-major.so" mine/backend-fast.so
    for command in "bench --model vgg11-bcnn" "verify $sources/tests/golden/bcnn-tiny.safetensors"; do
        # shellcheck disable=SC2086
        run prunebench $command --backend fast --plugin-dir mine
        echo "$command: $output"
        [ "$status" -eq 2 ]
        [[ $output == "prunebench: --backend: backend 'fast' cannot be used: mine/backend-fast.so: built for the newer plugin ABI 3"* ]]
    done
}

@test "score and bench say why a criterion cannot be used" {
    cp "$build/tests/plugins/missing-hook.so" mine/build.so
    expected="criterion 'missing-hook' cannot be used: mine/build.so: criterion 'missing-hook': its required hook 'score' is missing"
    for command in "score $sources/tests/golden/bcnn-tiny.safetensors -c missing-hook" "bench --model vgg11-bcnn --criterion missing-hook"; do
        # shellcheck disable=SC2086
        run prunebench $command --plugin-dir mine
        echo "$command: $output"
        [ "$status" -eq 2 ]
        [[ $output == "prunebench: --criterion: $expected"* ]]
    done
}

@test "an unknown name lists the files that cannot be used and may offer it" {
    cp "$build/tests/plugins/crash-loading.so" mine/one.so
    cp "$build/tests/plugins/wrong-magic.so" mine/two.so
    run prunebench plugins describe criterion/mine --plugin-dir mine
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == "prunebench: unknown criterion 'mine'; there are: "*"mine/one.so: it crashed while it was being loaded"* ]]
    [[ $output == *"mine/two.so: wrong magic"* ]]
}

@test "plugins --json says what broken files would offer" {
    cp "$build/tests/plugins/good-and-bad.so" mine/half.so
    cp "$build/tests/plugins/wrong-magic.so" mine/two.so
    prunebench plugins --json --plugin-dir mine >found.json
    python3 - <<'END'
import json
broken = {b["file"]: b["offers"] for b in json.load(open("found.json"))["broken"]}
assert broken == {"mine/half.so": ["criterion/bad-half", "criterion/good-half"], "mine/two.so": []}, broken
END
}

@test "a clash with a built-in name leaves the built-in one and the folder's other plugins usable" {
    good_criterion own.so bn-scale
    good_criterion other.so by-number
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    run prunebench plugins --plugin-dir mine
    [ "$status" -eq 0 ]
    [[ $output == *"broken     mine/own.so: criterion 'bn-scale' is the program's own plugin, '$build/plugins/criterion-bn-scale.so'; rename"* ]]
    matrix by-number >m.xml
    run prunebench run m.xml -o out --plugin-dir mine
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *"bn-scale"* ]]
    # the built-in one is used, and a line says so
    matrix bn-scale >m.xml
    run prunebench run m.xml -o out --plugin-dir mine
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"warning: m.xml:7: criterion 'bn-scale' is that of '$build/plugins/criterion-bn-scale.so'; not used: mine/own.so: "* ]]
    hash=$(sha256sum <"$build/plugins/criterion-bn-scale.so")
    grep -q "${hash%% *}" out/cells/birds.vgg11-bcnn.bn-scale.*.xml
}

@test "of two foreign plugins of one name neither is taken, and every other plugin is usable" {
    good_criterion one.so by-number
    good_criterion two.so by-number
    run prunebench plugins describe criterion/bn-scale --plugin-dir mine
    [ "$status" -eq 0 ]
    run prunebench plugins describe criterion/by-number --plugin-dir mine
    echo "$output"
    [ "$status" -eq 2 ]
    [ "$output" = "prunebench: criterion 'by-number' cannot be used: mine/one.so: criterion 'by-number' is offered by 'mine/two.so', too; remove or rename one of the two" ]
}
