#!/usr/bin/env bats
# Criteria that read activations, in cells from training to the record: each prunes what was asked, and by its own scores.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "every criterion of activations prunes a small network by finite scores, none as another does" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<'END'
<matrix xmlns="urn:prunebench:matrix:1" name="activations">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <calibration batches="2" batch="4"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="apoz"/>
  <criterion plugin="activation"/>
  <criterion plugin="hrank"><option name="tolerance" value="0.1"/></criterion>
  <criterion plugin="chip"/>
  <schedule plugin="one-shot"/>
  <targets>0.4</targets>
</matrix>
END
    run -0 prunebench run m.xml -o out -j 2
    python3 - <<'END'
import glob, xml.etree.ElementTree as tree
ns = "{urn:prunebench:result:1}"
losses = {}
for file in sorted(glob.glob("out/cells/*.xml")):
    cell = tree.parse(file).getroot()
    assert cell.get("status") == "ok", file
    pruning = next(cell.iter(ns + "pruning"))
    criterion = file.split(".")[2]
    options = {option.get("name"): option.get("value") for option in cell.iter(ns + "option")}
    assert options["ranking.scope"] == ("global" if criterion == "activation" else "layer"), (criterion, options)
    assert abs(float(pruning.get("achieved")) - 0.4) < 0.01, pruning.attrib
    assert float(next(cell.iter(ns + "equivalence")).get("max-relative")) < 1e-4
    layers = cell.findall(ns + "layer")
    assert len(layers) == 8
    pruned = next(accuracy for accuracy in cell.iter(ns + "accuracy") if accuracy.get("stage") == "pruned")
    losses[criterion] = pruned.get("loss")
assert len(losses) == 4, list(losses)
assert len(set(losses.values())) == 4, "two criteria removed the same"
END
    run -0 prunebench report out
    grep -q 'lost the same share: apoz, hrank, chip\. .*: activation (l2)\.' out/report/index.html
}
