#!/usr/bin/env bats
# A training that diverges fails its cell by name, and a retry does not resume from what it broke.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "a learning rate that is too large is named with epoch, step, rate and layer, also by a retry" {
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125" batch-norm="false"/>
  <training epochs="3" batch="8" lr="1000" validation="0.2"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="filter-norm" label="l1-norm"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
</matrix>
END
    said="base: the training diverged at step [12] of epoch [1-3], at a learning rate of 1000: .*the first value that is not finite.* is in .*'[a-z0-9_.]+'(, channel [0-9]+)?; try a smaller learning rate"
    for retry in '' --retry; do
        run -1 prunebench run m.xml -o out $retry
        [[ $output =~ $said ]]
        grep -q 'status="failed"' out/cells/*.xml
        grep -qE "<message>.*$said" out/cells/*.xml
        run ! grep -q 'out of memory' out/cells/*.xml
        [ -z "$(compgen -G 'out/stages/*/stage.json')" ] # nothing of it is taken for a result
    done
}
