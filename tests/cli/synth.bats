#!/usr/bin/env bats
# prunebench synth: what it writes, says, skips and refuses.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }
synth() { prunebench synth "$@" --classes 2 --train 2 --test 1 --size 48; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "synth draws three sets in their official layouts" {
    synth out --sheets
    [ "$(wc -l <out/fgvc-aircraft-2013b/data/images_variant_trainval.txt)" -eq 4 ]
    [ "$(wc -l <out/CUB_200_2011/images.txt)" -eq 6 ]
    [ "$(ls out/cars/car_ims | wc -l)" -eq 6 ]
    [ "$(head -c 6 out/cars/cars_annos.mat)" = MATLAB ]
    [ -s out/contact-aircraft.png ]
    [ -s out/contact-birds.png ]
    [ -s out/contact-cars.png ]
}

@test "fish are in class folders that the dataset plugin folder reads" {
    prunebench synth out --sets fish --classes 3 --train 8 --test 4 --size 48 --quiet
    [ "$(ls out)" = fish ]
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="fish">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" validation="0.2"/>
  <dataset plugin="folder" root="out/fish"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="train"/>
  <targets>0.5</targets>
</matrix>
END
    prunebench run m.xml -o run --quiet --threads 1
    grep -q '<data train="18" validation="6" test="12" classes="3" skipped="0"' run/cells/*.xml
}

@test "synth leaves a complete set alone and says so" {
    synth out --sets birds
    run synth out --sets birds
    [ "$status" -eq 0 ]
    [[ $output == *"complete already"* ]]
}

@test "synth is silent with --quiet and prints one object with --json" {
    run synth out --sets cars --quiet
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    synth out --sets cars --quiet --json | python3 -c 'import json, sys; assert json.load(sys.stdin)["classes"] == 2'
}

@test "synth refuses a folder that is not its own" {
    mkdir -p out/cars && echo mine >out/cars/notes
    run synth out --sets cars
    [ "$status" -eq 2 ]
    [[ $output == *"out/cars"*"choose another folder"* ]]
    [ "$(cat out/cars/notes)" = mine ]
}

@test "synth names a set or a number that it cannot draw" {
    run prunebench synth out --sets plane
    [ "$status" -eq 2 ]
    [[ $output == *plane* ]]
    run prunebench synth out --classes 1
    [ "$status" -eq 2 ]
    [[ $output == *--classes* ]]
    run prunebench synth out --sides 1024
    [ "$status" -eq 2 ]
    [[ $output == *"'1024' is not a width and a height"* ]]
    run synth out --sides 100x100
    [ "$status" -eq 2 ]
    [[ $output == *"exclude each other"* ]]
    run prunebench synth out --sides 40x100
    [ "$status" -eq 2 ]
    [[ $output == *40×100* ]]
    run prunebench synth
    [ "$status" -eq 2 ]
    [ ! -e out ]
}

@test "synth says when it cannot write" {
    touch file
    run synth file/out
    [ "$status" -ne 0 ]
    [[ $output == *file* ]]
}

@test "only synth loads what draws, and says what is wrong with it" {
    # Every other start of the program pays for no picture and no MATLAB library.
    run -0 ldd "$PRUNEBENCH_BUILD/prunebench"
    run ! grep -E 'libcairo|libmatio|libhdf5' <<<"$output"
    mkdir drawing
    ln -s "$PRUNEBENCH_BUILD/prunebench" moved
    PRUNEBENCH_PROGRAM=$PWD/moved run -1 prunebench synth out
    [[ $output == *"$PWD/drawing/synth.so: cannot open shared object file"*"build or install prunebench again"* ]]
    cp "$PRUNEBENCH_BUILD/plugins/criterion-random.so" drawing/synth.so
    PRUNEBENCH_PROGRAM=$PWD/moved run -1 prunebench synth out
    [[ $output == *"$PWD/drawing/synth.so: "*"belongs to another build"* ]]
    [ ! -e out ]
}
