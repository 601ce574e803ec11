#!/usr/bin/env bats
# Allocations and thresholds, from the matrix to the result and the report.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "allocations and thresholds are recorded with what they removed, and name the layer where they cannot be met" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<'END'
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.05"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="magnitude" allocation="erk"/>
  <criterion plugin="filter-norm" label="even" allocation="uniform"/>
  <criterion plugin="filter-norm" label="l1-norm"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.5 0.95</targets>
  <targets measure="weights">0.8</targets>
  <targets measure="threshold">0.001 0.95</targets>
  <exclude criterion="magnitude" target="r50 r95 t0p001 t0p95"/>
  <exclude criterion="even" target="w80 t0p001 t0p95"/>
  <exclude criterion="l1-norm" target="r50 r95 w80 t0p001"/>
  <exclude criterion="bn-scale" target="r50 r95 w80 t0p95"/>
</matrix>
END
    run -1 prunebench run m.xml -o out
    prunebench report out >/dev/null
    python3 - <<'END'
import xml.etree.ElementTree as tree
def cell(name):
    root = tree.parse(f"out/cells/birds.vgg11-bcnn.{name}.s1.xml").getroot()
    for element in root.iter():
        element.tag = element.tag.split("}")[1]
    return root
def setting(root, key):
    return next((s.get("value") for s in root.iter("option") if s.get("name") == key), None)
masked = cell("magnitude.one-shot.blis.w80")
assert setting(masked, "ranking.allocation") == "erk" and setting(masked, "ranking.scope") == "layer"
step = masked.find(".//masking")
layers = [(int(l.get("weights")), int(l.get("masked"))) for l in step.iter("layer")]
assert step.get("masked") == "20630" and sum(m for _, m in layers) == 20630, layers
assert layers[0][1] == 0 and layers[7][1] > 0.8 * layers[7][0], layers  # the first convolution is small, and stays whole
even = cell("even.one-shot.blis.r50").find(".//pruning")
before, after = [[int(l.get(key)) for l in even.iter("layer")] for key in ("before", "after")]
assert before == [3, 6, 13, 13, 26, 26, 26, 26] and sum(after) == 139 - 70, (before, after)
assert all(abs(b / 2 - a) <= .5 for b, a in zip(before, after)), (before, after)
below = cell("l1-norm.one-shot.blis.t0p95")
assert setting(below, "ranking.allocation") is None and setting(below, "target.measure") == "threshold"
step, cost = below.find(".//pruning"), below.find("cost[@stage='pruned']")
assert step.get("stage") == "prune-threshold" and step.get("requested") is cost.get("requested") is None
assert 0 < float(step.get("threshold")) < 0.95
left = sum(int(l.get("after")) for l in step.iter("layer"))
assert float(step.get("achieved")) == float(cost.get("achieved")) and abs(float(cost.get("achieved")) - (1 - left / 139)) < 1e-12
assert cell("even.one-shot.blis.r95").get("status") == cell("bn-scale.one-shot.blis.t0p001").get("status") == "failed"
message = "".join(cell("even.one-shot.blis.r95").itertext())
assert 'allocation="uniform" leaves layer \'conv1_1\' none of its 3 channels' in message, message
message = "".join(cell("bn-scale.one-shot.blis.t0p001").itertext())
assert "no channel has a score below the threshold 0.001: the lowest is" in message and "(layer 'conv" in message, message
page = open("out/report/index.html").read()
assert "even (uniform), magnitude (erk)" in page.replace("\n", ""), page[page.find("<b>Scope</b>"):][:900]
assert "score &lt; 0.95" in page
END
}
