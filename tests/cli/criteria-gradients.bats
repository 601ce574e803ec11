#!/usr/bin/env bats
# The criteria of weights, gradients and curvature, each in a cell of its own: trained, scored, pruned, retrained.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "every criterion of weights, gradients and curvature prunes a cell of one matrix to its rate" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<'END'
<matrix xmlns="urn:prunebench:matrix:1" name="criteria">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.05"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <calibration batches="2" batch="4"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  <criterion plugin="fpgm" scope="global"/>
  <criterion plugin="lamp"/>
  <criterion plugin="group-norm"/>
  <criterion plugin="taylor"/>
  <criterion plugin="taylor-fo"/>
  <criterion plugin="obd"/>
  <criterion plugin="obd" label="obd-probes"><option name="estimator" value="hutchinson"/><option name="probes" value="2"/></criterion>
  <criterion plugin="snip"/>
  <criterion plugin="grasp"/>
  <criterion plugin="movement" scope="global"/>
  <criterion plugin="synflow"/>
  <criterion plugin="group-fisher"/>
  <criterion plugin="group-fisher" label="fisher-per-mac"><option name="cost" value="macs"/></criterion>
  <targets>0.5</targets>
</matrix>
END
    run -0 prunebench run m.xml -o out --threads 2
    echo "$output"
    [[ $output == *"13 done, 0 were done before, 0 failed, 0 blocked"* ]]
    python3 - out/cells/*.xml <<'END'
import sys, xml.etree.ElementTree as tree
ns = "{urn:prunebench:result:1}"
widths = {}
for path in sys.argv[1:]:
    cell = tree.parse(path).getroot()
    cost = next(cost for cost in cell.iter(ns + "cost") if cost.get("stage") == "pruned")
    widths[path.split(".")[2]] = list(map(int, cost.get("widths").split()))
    assert float(next(cell.iter(ns + "equivalence")).get("max-relative")) < 1e-4, path
print(widths)
assert len(widths) == 13 and all(sum(kept) == 139 - 70 and min(kept) > 0 for kept in widths.values())
# without coupled layers the two are one formula; what a channel costs changes the order
assert widths["taylor-fo"] == widths["group-fisher"] != widths["fisher-per-mac"]
assert len({tuple(kept) for kept in widths.values()}) >= 10
END
}
