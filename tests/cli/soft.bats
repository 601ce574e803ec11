#!/usr/bin/env bats
# Soft pruning: what its masks leave is what is removed, and its random control says how it drew.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# A matrix of soft cells; $1: what to add.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="3" batch="8" lr="0.05" validation="0.2"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <schedule plugin="soft"/>
  $1
  <targets>0.3</targets>
</matrix>
END
}

@test "the channels that the returned epoch masked are those that go, whatever was drawn and however" {
    matrix '<criterion plugin="random"/><criterion plugin="random" label="anew" redraw="each-scoring"/>
            <criterion plugin="bn-scale" label="shuffled" permute="true" redraw="each-scoring"/><criterion plugin="bn-scale"/>
            <criterion plugin="movement" scope="global"/><criterion plugin="thinet"/>' >m.xml
    prunebench run m.xml -o out -j 2
    python3 - <<'END'
import glob, xml.etree.ElementTree as tree
r = "{urn:prunebench:result:1}"
masks = {}
for path in glob.glob("out/cells/*.xml"):
    cell = tree.parse(path).getroot()
    option = {o.get("name"): o.get("value") for o in cell.iter(r + "option")}
    label = option["criterion"]
    assert option["ranking.redraw"] == ("each-scoring" if label in ("anew", "shuffled") else "once"), option["ranking.redraw"]
    epochs = [e for e in cell.iter(r + "epoch") if e.get("stage").startswith("soft")]
    best = max(epochs, key=lambda e: float(e.get("validation")))  # the first of several, as the training returns it
    after = [int(layer.get("after")) for layer in cell.find(r + "pruning").iter(r + "layer")]
    before = [int(layer.get("before")) for layer in cell.find(r + "pruning").iter(r + "layer")]
    masked = [bin(int(word, 16)).count("1") for word in best.get("mask").split()]
    assert [b - a for b, a in zip(before, after)] == masked, (label, before, after, masked)
    # what is removed outputs nothing but zeros, so that nothing changes
    accuracy = {a.get("stage"): (a.get("top1"), float(a.get("loss"))) for a in cell.iter(r + "accuracy") if a.get("split") == "test"}
    assert accuracy["pruned"][0] == accuracy["trained"][0], (label, accuracy)
    assert abs(accuracy["pruned"][1] - accuracy["trained"][1]) < 1e-4 * accuracy["trained"][1], (label, accuracy)
    masks[label] = [e.get("mask") for e in epochs]
    if label in ("random", "anew"):
        assert (len(set(masks[label])) == 3) == (label == "anew"), masks[label]
assert masks["random"] != masks["anew"] and masks["shuffled"] != masks["bn-scale"]
END
    prunebench report out
    grep -q 'criterion="anew" .*redraw="each-scoring"' out/summary.xml
    grep -q 'criterion="random" .*redraw="once"' out/summary.xml
    grep -q 'Where it was to be drawn anew (anew, shuffled), it had another mask after every epoch' out/report/index.html
    grep -q 'Under soft pruning it keeps one mask for the whole training' out/report/index.html
    # each comparison says it for the control that it is against
    grep '<comparison .* control="true"' out/summary.xml >comparisons
    [ -s comparisons ]
    run ! grep -vE 'b="(anew|shuffled)" .*redraw="each-scoring"|b="random" .*redraw="once"' comparisons
}
