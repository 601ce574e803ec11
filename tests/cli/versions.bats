#!/usr/bin/env bats
# Documents of earlier versions: a matrix is read, or refused with a sentence that says what to write; results are read.

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

@test "a setting's former value is refused with the one to write; results that hold it are reported and compared" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <ranking count="threshold"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
</matrix>
END
    prunebench run m.xml -o now --quiet
    cp -r now before
    sed -i 's/\(name="ranking.count" value=\|<ranking[^>]* count=\)"threshold"/\1"thesis"/' before/matrix.xml before/cells/*.xml
    [ "$(cat before/matrix.xml before/cells/*.xml | grep -c '"thesis"')" -eq 2 ]
    run -2 prunebench check before/matrix.xml
    [[ $output == *"<ranking>: count='thesis' is of an earlier version; write count=\"threshold\""* ]]
    run -0 prunebench report before --format csv
    [[ $output != *warning* ]]
    prunebench report now --format csv --quiet
    diff before/report/tables/values.csv now/report/tables/values.csv
    [ "$(wc -l <now/report/tables/values.csv)" -gt 5 ]
    run -0 prunebench compare before now
    echo "$output"
    [[ $output =~ option\ +ranking.count\ +thesis\ +threshold\ +all\ 1 ]]
    [[ $output == *"every number bit for bit"* ]]
}
