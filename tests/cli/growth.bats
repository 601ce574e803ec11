#!/usr/bin/env bats
# Large matrices: what a cell costs does not depend on how many others there are.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds,cars --classes 3 --train 8 --test 4 --size 64 --quiet
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

# The same on a second data set, too, whose folder is $2.
matrix_of_two() {
    matrix "$1" | sed "/<dataset /a <dataset plugin=\"cars\" root=\"$2\"/>"
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

@test "a child reads its own cell, also of a large matrix, and an unknown id is still answered with the closest" {
    matrix 250 >large.xml
    run prunebench cell large.xml birds.vgg11-bcnn.random.iterative.blis.r30.s250 -o out --latency 1
    [ "$status" -eq 2 ]
    [[ $output == *"out/cells/birds.vgg11-bcnn.random.iterative.blis.r30.s250.xml"* ]]
    run prunebench cell large.xml birds.vgg11-bcnn.random.iterative.blis.r35.s250 -o out
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'birds.vgg11-bcnn.random.iterative.blis.r"*".s250'?"* ]]
}

@test "a child fills its own cell and no other" {
    long=$(printf 'x%.0s' {1..64})
    matrix 1 | sed -E "s|plugin=\"(birds\|random\|one-shot)\"|& label=\"$long\"|" >m.xml
    run prunebench check m.xml
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"the cell's name '$long.vgg11-bcnn.$long.$long.blis.r10.s1' is longer than 200 characters"* ]]
    # the cells of this criterion cannot be made, those of the other can
    run prunebench cell m.xml "$long.vgg11-bcnn.bn-scale.$long.blis.r10.s1" -o out --latency 1
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"out/cells/$long.vgg11-bcnn.bn-scale.$long.blis.r10.s1.xml"* ]]
}

@test "run --only of one cell needs no data of other cells, and neither opens it nor works out their costs" {
    only=(--only 'birds.*bn-scale.one-shot*r10.s1' --threads 1)
    matrix_of_two 1 absent >absent.xml
    run -0 prunebench run absent.xml -o absent "${only[@]}"
    [[ $output == *"1 done, 0 were done before, 0 failed"* ]]
    [ "$(grep -c '^id ' absent/plans.txt)" -eq 40 ]
    [ "$(grep -c '^cell [1-9]' absent/plans.txt)" -eq 1 ] # multiply-accumulates: of the cell that is asked for
    # a folder that holds no cars at all would be warned of
    mkdir nothing
    matrix_of_two 1 nothing >nothing.xml
    run -0 prunebench run nothing.xml -o nothing-out "${only[@]}"
    [[ $output != *cars* ]]
    # of good ones, no file is read: files that were read are remembered
    for xml in <(matrix 1) <(matrix_of_two 1 "$SETS/cars"); do
        cat "$xml" >m.xml
        rm -rf cache out
        XDG_CACHE_HOME=$PWD/cache prunebench run m.xml -o out "${only[@]}" --quiet
        cat cache/prunebench/files-*.txt | wc -l >>read
    done
    [ "$(sort -u read | wc -l)" -eq 1 ]
    [ "$(head -n 1 read)" -gt 36 ] # 8 training and 4 test images of 3 classes, and what is said of them
}
