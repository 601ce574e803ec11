#!/usr/bin/env bats
# Large matrices: what a cell costs does not depend on how many others there are.

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# A matrix of 20 cells for each of $1 seeds.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="growth">
  <seeds>$(seq -s ' ' "$1")</seeds>
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <criterion plugin="random"/>
  <schedule plugin="one-shot"/>
  <schedule plugin="iterative"/>
  <targets>0.1 0.2 0.3 0.4 0.5</targets>
</matrix>
END
}

# Of check's JSON: cells, stages, and the largest memory in MiB.
totals() {
    python3 -c 'import json, sys
d = json.load(sys.stdin)
print(len(d["cells"]), len(d["stages"]), round(d["total"]["memory_bytes"] / 1048576))'
}

@test "a cell of a large matrix is predicted to need the memory of one in a small matrix" {
    if grep -q __asan_init "$PRUNEBENCH_BUILD/prunebench"; then skip "resident memory means nothing under a sanitizer"; fi
    matrix 1 >small.xml
    matrix 250 >large.xml
    read -r cells stages small < <(prunebench check small.xml --json | totals)
    [ "$cells" -eq 20 ]
    read -r many more large < <(prunebench check large.xml --json | totals)
    [ "$many" -eq 5000 ]
    [ "$more" -eq $((250 * stages)) ] # every seed has its own stages
    echo "$small MiB, $large MiB"
    ((large <= small + 2 && small <= large + 2))
}

@test "a worker reads its own cell, also of a large matrix, and an unknown id is still answered with the closest" {
    matrix 250 >large.xml
    run prunebench cell large.xml birds.vgg11-bcnn.random.iterative.blis.r30.s250 -o out --latency 1
    [ "$status" -eq 2 ]
    [[ $output == *"out/cells/birds.vgg11-bcnn.random.iterative.blis.r30.s250.xml"* ]]
    run prunebench cell large.xml birds.vgg11-bcnn.random.iterative.blis.r35.s250 -o out
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'birds.vgg11-bcnn.random.iterative.blis.r"*".s250'?"* ]]
}
