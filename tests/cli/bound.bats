#!/usr/bin/env bats
# Results are bound to the matrix that was run last in their folder: what run says, and what report shows.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# A matrix of small cells; $1: what to add.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="${NAME:-small}">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="${EPOCHS:-2}" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  $1
</matrix>
END
}

# Seeds behind the rows of the only schedule's results, the unpruned network's first: "2 2".
seeds() {
    prunebench report "$1" --quiet --format csv
    python3 -c 'import csv, sys
print(*(row["seeds"] for row in csv.DictReader(open(sys.argv[1], newline=""))))' "$1/report/tables/birds.one-shot.results.csv"
}

id=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30

@test "a copied document counts once and is named" {
    matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    prunebench run m.xml -o out --quiet
    cp out/cells/$id.s1.xml out/cells/copy.xml
    [ "$(seeds out)" = "1 1" ]
    grep -q '^copy.xml,copied or renamed,' out/report/tables/left-out.csv
    rm out/matrix-cells.txt # a folder of an earlier version
    [ "$(seeds out)" = "1 1" ]
    grep -q '^copy.xml,copied or renamed,' out/report/tables/left-out.csv
}

@test "a changed matrix: run says which cells run again and why, and no row mixes the two states" {
    matrix '<criterion plugin="bn-scale"/><targets>0.3</targets><seeds>1 2 3</seeds>' >m.xml
    prunebench run m.xml -o out --quiet
    EPOCHS=1 matrix '<criterion plugin="bn-scale"/><targets>0.3</targets><seeds>1 2 3</seeds>' >m.xml
    run prunebench run m.xml -o out --only '*.s2'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"$id.s2 is run again: training.epochs was 2 and is 1"* ]]
    [[ $output == *"2 results are left out of the tables, of an earlier state of the matrix: $id.s1.xml, $id.s3.xml"* ]]
    [ "$(seeds out)" = "1 1" ]
    [ "$(grep -c 'of an earlier state of the matrix' out/report/tables/left-out.csv)" -eq 2 ]
    run prunebench run m.xml -o out
    echo "$output"
    [[ $output == *"2 cells are run again ($id.s1 and others): training.epochs was 2 and is 1"* ]]
    [[ $output == *"2 done, 1 were done before"* ]]
    [ "$(seeds out)" = "3 3" ]
    grep -q ' left-out="0"' out/summary.xml
}

@test "a run of some cells leaves the results of the others where they are" {
    matrix '<criterion plugin="bn-scale"/><targets>0.3 0.5</targets>' >m.xml
    prunebench run m.xml -o out --quiet
    run prunebench run m.xml -o out --only '*.r50.*'
    [[ $output == *"2 of 2 cells done."* ]]
    [ "$(seeds out)" = "1 1 1" ]
    # and so does a matrix that changes only other cells
    matrix '<criterion plugin="bn-scale"/><targets>0.3 0.5</targets><override target="0.5"><retraining lr="0.01"/></override>' >m.xml
    run prunebench run m.xml -o out --only '*.r30.*'
    echo "$output"
    [[ $output == *"0 done, 1 were done before"* ]]
    [ "$(seeds out)" = "1 1" ]
    run prunebench run m.xml -o out
    [[ $output == *"${id%r30}r50.s1 is run again: retraining.0.5.lr was 0.05 and is 0.01"* ]]
    [[ $output == *"1 done, 1 were done before"* ]]
    [ "$(seeds out)" = "1 1 1" ]
}

@test "a matrix of another name keeps its results" {
    matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    prunebench run m.xml -o out --quiet
    grep -o '<\(accuracy\|cost\) .*' out/cells/$id.s1.xml >before
    NAME=renamed matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    run prunebench run m.xml -o out
    echo "$output"
    [[ $output == *"0 done, 1 were done before"* ]]
    [[ $output != *"run again"* ]]
    [[ $output != *"left out"* ]]
    grep -q '<option name="matrix" value="renamed"/>' out/cells/$id.s1.xml
    grep -o '<\(accuracy\|cost\) .*' out/cells/$id.s1.xml | diff before -
}

@test "the failure of a criterion that was removed counts no more" {
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
    matrix '<criterion plugin="bn-scale"/><criterion plugin="segfault"/><targets>0.3</targets>' >m.xml
    run prunebench run m.xml -o out --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    [ "$status" -eq 1 ]
    [[ $output == *"1 of 2 cells done; 1 did not end well"* ]]
    matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    run prunebench run m.xml -o out
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"1 result is left out of the tables, of another matrix: birds.vgg11-bcnn.segfault.one-shot.blis.r30.s1.xml"* ]]
    [[ $output == *"1 of 1 cells done; 1 document is left out"* ]]
    prunebench report out --quiet --format html,csv
    [ ! -e out/report/tables/failures.csv ]
    run ! grep -q 'id="failures"' out/report/index.html
    grep -q 'id="left-out"' out/report/index.html
}

@test "results gathered by hand: a row keeps the settings of most of its seeds, and names the others" {
    mkdir -p all/cells
    for epochs in 1 2; do
        EPOCHS=$epochs matrix '<criterion plugin="bn-scale"/><targets>0.3</targets><seeds>1 2 3</seeds>' >m.xml
        prunebench run m.xml -o out$epochs --quiet
    done
    cp out1/cells/$id.s[12].xml out2/cells/$id.s3.xml all/cells
    [ "$(seeds all)" = "2 2" ]
    grep -q "^$id.s3.xml,\"of another matrix, by their settings\",\"\?training.epochs is 2 here and 1 in '$id.s1' " all/report/tables/left-out.csv
}

@test "rebuilt code is computed from changed settings, and a failure that is tried again from both" {
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
    matrix '<criterion plugin="bn-scale"/><criterion plugin="segfault"/><targets>0.3</targets>' >m.xml
    run prunebench run m.xml -o out --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    sed -i 's/config-sha256="[0-9a-f]*"/config-sha256="0"/; s/last-stage="[0-9a-f]*"//; s/\(criterion-plugin="[^"]*sha256:\)[0-9a-f]*/\1 0/' out/cells/$id.s1.xml
    run prunebench run m.xml -o out --retry --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    echo "$output"
    [[ $output == *"$id.s1 is run again: the code of the criterion plugin 'bn-scale' has changed"* ]]
    [[ $output == *"birds.vgg11-bcnn.segfault.one-shot.blis.r30.s1 is run again: it failed or was blocked, and --retry is given"* ]]
}
