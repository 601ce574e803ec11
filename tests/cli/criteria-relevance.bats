#!/usr/bin/env bats
# The criterion of relevance, in a cell from training to the record.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "lrp prunes a small bilinear network by its relevance" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<'END'
<matrix xmlns="urn:prunebench:matrix:1" name="relevance">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <calibration batches="2" batch="4"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="lrp"><option name="abs" value="value"/></criterion>
  <schedule plugin="one-shot"/>
  <targets>0.4</targets>
</matrix>
END
    run -0 prunebench run m.xml -o out
    python3 - <<'END'
import glob, xml.etree.ElementTree as tree
ns = "{urn:prunebench:result:1}"
file, = glob.glob("out/cells/*.xml")
cell = tree.parse(file).getroot()
assert cell.get("status") == "ok", cell.attrib
assert abs(float(next(cell.iter(ns + "pruning")).get("achieved")) - 0.4) < 0.01
assert len(cell.findall(ns + "layer")) == 8
END
}
