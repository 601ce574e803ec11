#!/usr/bin/env bats
# Documents of version 1: a matrix is read, or refused with a sentence that says what to write.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "the first version's default matrix is refused by line with what to write, and then read" {
    prunebench synth data --classes 2 --train 24 --test 2 --size 64 --quiet
    cp "$BATS_TEST_DIRNAME/../golden/matrix-1.xml" m.xml
    run -2 prunebench check m.xml --no-speed
    [[ $output == *"m.xml:15: criterion 'l1-norm' is of an earlier version; write plugin=\"filter-norm\" label=\"l1-norm\""* ]]
    sed -i 's/plugin="l1-norm"/plugin="filter-norm" label="l1-norm"/' m.xml
    run -0 prunebench check m.xml --no-speed
    [[ $output == *"54 cells, "* ]]
    [[ $output == *"cars.vgg11-bcnn.l1-norm.soft.blis.r60.s1"* ]]
}
