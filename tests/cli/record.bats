#!/usr/bin/env bats
# What real cells leave on record: every pruning step, the masks of soft epochs, accuracies between.

setup_file() {
    export DIR=$BATS_FILE_TMPDIR
    cd "$DIR"
    "$PRUNEBENCH_BUILD/prunebench" synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <schedule plugin="iterative"/>
  <schedule plugin="soft"><option name="zero" value="filters"/></schedule>
  <criterion plugin="bn-scale"/>
  <targets>0.3 0.5</targets>
  <override schedule="soft"><retraining epochs="4" lr="0.3"/></override>
</matrix>
END
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --quiet >run.log
}

setup() { cd "$DIR" || return 1; }

look() { # cell, Python with `cell` (its root element) and `r` (the namespace)
    python3 - "out/cells/birds.vgg11-bcnn.bn-scale.$1.blis.r50.s1.xml" <<END
import sys, xml.etree.ElementTree as ET
r = "{urn:prunebench:result:1}"
cell = ET.parse(sys.argv[1]).getroot()
numbers = lambda text: [int(word) for word in text.split()]
$2
END
}

@test "each pruning step says what every layer was, became and was cut at, with γ before and after" {
    look iterative '
steps = cell.findall(r + "pruning")
assert [(s.get("stage"), s.get("from")) for s in steps] == [("prune-30", "base"), ("prune-50", "retrain-30")]
originals = {l.get("name"): (int(l.get("channels")), int(l.get("kept"))) for l in cell.findall(r + "layer")}
widths = {name: channels for name, (channels, kept) in originals.items()}
total = sum(widths.values())
for step, share in zip(steps, (0.3, 0.5)):
    assert float(step.get("requested")) == share
    assert float(step.get("equivalence")) < 1e-4
    layers = step.findall(r + "layer")
    assert [l.get("name") for l in layers] == list(widths)
    for layer in layers:
        before, after = int(layer.get("before")), int(layer.get("after"))
        assert before == widths[layer.get("name")], (layer.attrib, widths)
        widths[layer.get("name")] = after
        for when, count in (("gamma-before", before), ("gamma-after", after)):
            gamma = layer.find(r + when)
            bins = numbers(gamma.get("bins"))
            cumulated = numbers(gamma.get("cumulated"))
            assert len(bins) == 128 and sum(bins) == count == cumulated[-1], gamma.attrib
            assert all(cumulated[i] == sum(bins[:i + 1]) for i in range(128))
            assert abs(float(gamma.get("near-zero")) - bins[0] / count) < 1e-15
        if before > after: # |γ| is the score: what stays is above what the cut was at
            assert layer.get("threshold") == step.get("threshold")
    assert sum(widths.values()) == total - round(share * total)
    for when, count in (("gamma-before", sum(int(l.get("before")) for l in layers)), ("gamma-after", sum(widths.values()))):
        assert sum(numbers(step.find(r + when).get("bins"))) == count
assert widths == {name: kept for name, (channels, kept) in originals.items()}
assert numbers(cell.find(r + "gamma").get("bins")) == numbers(steps[0].find(r + "gamma-before").get("bins"))
'
}

@test "rounds before the last are measured on the test images too, under their own names" {
    look iterative '
stages = [a.get("stage") for a in cell.findall(r + "accuracy") if a.get("split") == "test"]
assert stages == ["base", "trained", "pruned", "retrained", "prune-30"], stages
'
    look soft '
stages = [a.get("stage") for a in cell.findall(r + "accuracy") if a.get("split") == "test"]
assert stages == ["base", "trained", "pruned", "retrained"], stages
'
}

@test "the mask of every soft epoch, and the channels that came back, agree with the counts" {
    look soft '
layers = [int(l.get("channels")) for l in cell.findall(r + "layer")]
epochs = cell.findall(r + "epoch")
assert all(e.get("mask") is None for e in epochs if e.get("stage") == "base")
soft = [e for e in epochs if e.get("stage") != "base"]
assert len(soft) == 4
def bits(epoch):
    words = epoch.get("mask").split()
    assert len(words) == len(layers)
    found = set()
    for layer, (word, channels) in enumerate(zip(words, layers)):
        assert len(word) == (channels + 3) // 4
        text = "".join(format(int(digit, 16), "04b") for digit in word)
        assert "1" not in text[channels:]
        found |= {(layer, c) for c in range(channels) if text[c] == "1"}
    return found
before = set()
for epoch in soft:
    masked = bits(epoch)
    assert len(masked) == int(epoch.get("masked")) == round(sum(layers) / 2), epoch.attrib
    assert len(before - masked) == int(epoch.get("revived")), epoch.attrib
    before = masked
assert any(int(e.get("revived")) for e in soft), "nothing came back: the test shows little"
'
}
