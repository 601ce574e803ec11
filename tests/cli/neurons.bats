#!/usr/bin/env bats
# Neurons of hidden fully connected layers: pruned where the matrix says so, hard and soft, with their latency measured.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    "$PRUNEBENCH_BUILD/prunebench" synth "$BATS_FILE_TMPDIR/sets" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# $1: attributes of the model, $2: what follows the schedules.
matrix() {
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="neurons">
  <model $1/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <calibration batches="2" batch="4"/>
  <latency batch="2" runs="2"/>
  <dataset plugin="birds" root="$BATS_FILE_TMPDIR/sets/CUB_200_2011"/>
  $2
</matrix>
END
}

# Of a cell's document: widths before and after, the layers that were ranked, the check of the pruned network.
facts() {
    python3 - "$1" <<'END'
import json, sys, xml.etree.ElementTree as tree
ns = "{urn:prunebench:result:1}"
cell = tree.parse(sys.argv[1]).getroot()
costs = {cost.get("stage"): cost for cost in cell.iter(ns + "cost")}
assert float(next(cell.iter(ns + "equivalence")).get("max-relative")) < 1e-4
assert {row.get("stage") for row in cell.iter(ns + "latency")} == {"base", "pruned"}
graph = json.loads(costs["pruned"].findtext(ns + "graph"))
shown = [str(node["channels"]) for node in graph["nodes"] if node["op"] in ("conv2d", "linear") and not node.get("fixed")]
assert shown[:-1] == costs["pruned"].get("widths").split(), (shown, costs["pruned"].attrib)
print(costs["base"].get("widths"), "|", *(layer.get("name") for layer in cell.findall(ns + "layer")))
before, after = (list(map(int, costs[stage].get("widths").split())) for stage in ("base", "pruned"))
print("removed", sum(before) - sum(after), "of", sum(before), "; of neurons", sum(before[8:]) - sum(after[8:]))
END
}

@test "prunable='all' ranks neurons beside filters; a hard and a soft schedule remove some of both" {
    matrix 'name="vgg11" image-size="32" widths="conv1_1=5 fc6=24 fc7=30" width-multiplier="0.0625" prunable="all"' \
        '<schedule plugin="one-shot"/><schedule plugin="soft"/><criterion plugin="filter-norm" label="l1-norm" normalise="mean"/><targets>0.4</targets>'
    run prunebench run m.xml -o out --threads 2
    echo "$output"
    [ "$status" -eq 0 ]
    for schedule in one-shot soft; do
        run facts out/cells/birds.vgg11.l1-norm.$schedule.blis.r40.s1.xml
        echo "$output"
        [ "$status" -eq 0 ]
        [[ ${lines[0]} == "5 8 16 16 32 32 32 32 24 30 | conv1_1 conv2_1 conv3_1 conv3_2 conv4_1 conv4_2 conv5_1 conv5_2 fc6 fc7" ]]
        [[ ${lines[1]} == "removed 91 of 227 "* ]] # 0.4 of them
        [[ ${lines[1]} != *"of neurons 0" ]]
    done
}

@test "AlexNet loses neurons where all may be pruned, and none by default" {
    matrix 'name="alexnet" image-size="63" width-multiplier="0.05" batch-norm="false" prunable="all"' \
        '<schedule plugin="one-shot"/><criterion plugin="random"/><criterion plugin="filter-norm" label="l2-norm"><option name="p" value="2"/></criterion><targets>0.3</targets>'
    run prunebench run m.xml -o out --threads 2
    echo "$output"
    [ "$status" -eq 0 ]
    grep -q '<layer name="fc7"' out/cells/birds.alexnet.random.one-shot.blis.r30.s1.xml
    grep -q '<layer name="fc6"' out/cells/birds.alexnet.l2-norm.one-shot.blis.r30.s1.xml
    sed -i 's/ prunable="all"//' m.xml
    prunebench run m.xml -o whole --threads 2 --only '*l2-norm*'
    run -1 grep -q '<layer name="fc6"' whole/cells/birds.alexnet.l2-norm.one-shot.blis.r30.s1.xml
}

@test "a criterion that needs batch norms names the fully connected layer that has none" {
    matrix 'name="vgg11" image-size="32" width-multiplier="0.0625" prunable="all"' \
        '<schedule plugin="one-shot"/><criterion plugin="bn-scale"/><targets>0.4</targets>'
    run prunebench run m.xml -o out --threads 2
    [ "$status" -eq 1 ]
    grep -q "layer 'fc6' has none; choose another criterion or prunable=" out/cells/birds.vgg11.bn-scale.one-shot.blis.r40.s1.xml
}

@test "prunable='trunk' leaves a head's convolutions whole, which have no batch norm to rank them by" {
    matrix 'name="vgg11" head="low-rank" head-reduction="6" head-rank="2" image-size="32" width-multiplier="0.0625"' \
        '<schedule plugin="one-shot"/><criterion plugin="bn-scale"/><targets>0.4</targets>'
    sed -i -E 's/(training [^>]*)lr="[0-9.]+"/\1lr="0.001"/' m.xml
    run prunebench run m.xml -o out --threads 2
    echo "$output"
    [ "$status" -eq 1 ]
    grep -q "layer 'reduce' has none; choose another criterion or prunable=&quot;trunk&quot;" out/cells/birds.vgg11.bn-scale.one-shot.blis.r40.s1.xml
    sed -i 's/ image-size/ prunable="trunk"&/' m.xml
    run prunebench run m.xml -o out --threads 2
    echo "$output"
    [ "$status" -eq 0 ]
    grep -q '<layer name="conv5_2"' out/cells/birds.vgg11.bn-scale.one-shot.blis.r40.s1.xml
    run -1 grep -q '<layer name="reduce"' out/cells/birds.vgg11.bn-scale.one-shot.blis.r40.s1.xml
}
