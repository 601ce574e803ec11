#!/usr/bin/env bats
# What a ranking compares: check warns of raw scores across layers, a result of what came of it.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.5"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="filter-norm" label="l1-norm" $1/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
</matrix>
END
}

@test "raw norms compared across layers are warned of, in check, in the log and in the result" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix 'normalise="none" scope="global"' >m.xml
    run -0 prunebench check m.xml --threads 1
    [[ $output == *"warning: criterion 'l1-norm' (first cell 'birds.vgg11-bcnn.l1-norm.one-shot.blis.r50.s1') has raw scores of unlike layers compared"* ]]
    [[ $output != *"criterion 'bn-scale' (first"* ]]
    prunebench run m.xml -o out -j 2
    grep -q "<warning>criterion 'filter-norm' has raw scores of unlike layers compared: the median of layer 'conv1_1'" out/cells/*.l1-norm.*.xml
    grep -q "<warning>layer 'conv1_1' keeps 1 of its 32 channels (3.1 %)" out/cells/*.l1-norm.*.xml
    run ! grep -q "<warning>" out/cells/*.bn-scale.*.xml
    # the report lists them, with links to the cell
    run -0 prunebench report out
    python3 - <<'END'
import re
page = open("out/report/index.html").read()
part = re.search(r'<section id="warnings">.*?</section>', page, re.S).group(0)
assert "of 2 cells</summary>" in part, part
assert "has raw scores of unlike layers compared" in part and "keeps 1 of its 32 channels" in part, part
assert 'href="../cells/birds.vgg11-bcnn.l1-norm' in part and "bn-scale" not in part, part
END
    for good in 'normalise="none" scope="layer"' ''; do
        matrix "$good" >m.xml
        run -0 prunebench check m.xml --threads 1
        [[ $output != *"warning: criterion"* ]]
        prunebench run m.xml -o "good$good"
        run ! grep -q "<warning>" "good$good"/cells/*.xml
        run -0 prunebench report "good$good"
        run ! grep -q 'id="warnings"' "good$good/report/index.html"
    done
}
