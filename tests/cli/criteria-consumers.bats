#!/usr/bin/env bats
# Criteria that look at what reads the channels, layer by layer with their repairs, in cells from training to the record.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "thinet, channel-lasso and kron-obs prune layer by layer, and repair what reads each layer" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<'END'
<matrix xmlns="urn:prunebench:matrix:1" name="consumers">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <calibration batches="2" batch="4"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="thinet"><option name="repair" value="least-squares"/></criterion>
  <criterion plugin="channel-lasso"/>
  <criterion plugin="kron-obs"/>
  <schedule plugin="layer-by-layer"><option name="between" value="0"/><option name="repair" value="true"/></schedule>
  <targets>0.4</targets>
</matrix>
END
    run -0 prunebench run m.xml -o out -j 2
    python3 - <<'END'
import glob, xml.etree.ElementTree as tree
ns = "{urn:prunebench:result:1}"
lost = set()
for file in sorted(glob.glob("out/cells/*.xml")):
    cell = tree.parse(file).getroot()
    assert cell.get("status") == "ok", file
    prunings = list(cell.iter(ns + "pruning"))
    assert len(prunings) == 8 and abs(float(prunings[-1].get("achieved")) - 0.4) < 0.01, file
    # every convolution but the first reads a layer that was pruned; the head, which reads products of channels, is not repaired
    repairs = list(cell.iter(ns + "repair"))
    assert len(repairs) == 7, file
    for repair in repairs:
        assert float(repair.get("error-after")) < float(repair.get("error-before")), (file, repair.attrib)
    lost.add(tuple(repair.get("error-before") for repair in repairs))
assert len(lost) == 3, "two removed the same, or one of three cells is missing"
END
}
