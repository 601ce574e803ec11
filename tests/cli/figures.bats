#!/usr/bin/env bats
# What the report shows of a real run besides its results: sample images, γ before and after, pruning steps, revived channels.

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export DIR=$BATS_FILE_TMPDIR
    cd "$DIR" || return 1
    prunebench synth sets --sets birds,cars --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <report reference="thesis"/>
  <seeds>1 2</seeds>
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <dataset plugin="cars" root="sets/cars" label="my-cars"/>
  <schedule plugin="iterative"/>
  <schedule plugin="soft"><option name="zero" value="filters"/></schedule>
  <criterion plugin="bn-scale"/>
  <targets measure="channels">0.3 0.5</targets>
  <override schedule="soft"><retraining epochs="3" lr="0.3"/></override>
</matrix>
END
    prunebench run m.xml -o out --quiet >run.log
    prunebench report out >/dev/null
}

setup() { cd "$DIR" || return 1; }

# Python with: figures (by id: section, caption, rows, image's attributes), text of the page, cells of a data set by id
look() {
    cat >"$BATS_TEST_TMPDIR/look.py" <<'PYTHON'
import base64, csv, glob, html.parser, os, struct, sys, xml.etree.ElementTree as ET
r = "{urn:prunebench:result:1}"
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.figures, self.figure, self.section, self.into, self.images, self.text = {}, None, [], None, [], ""
    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "section": self.section.append(a["id"])
        if tag == "figure":
            self.figure = self.figures[a["id"]] = {"section": self.section[-1], "caption": "", "rows": [], "img": None}
        if tag == "img":
            self.images.append(a["src"])
            self.figure["img"] = a
        if tag == "li" and self.figure: self.figure["rows"].append("")
        if tag in ("figcaption", "li"): self.into = tag
    def handle_endtag(self, tag):
        if tag == "section": self.section.pop()
        if tag == "figure": self.figure = None
        if tag == self.into: self.into = None
    def handle_data(self, data):
        self.text += data
        if self.figure and self.into == "figcaption": self.figure["caption"] += data
        if self.figure and self.into == "li": self.figure["rows"][-1] += data
def read(path):
    page = Page()
    page.feed(open(path + "/index.html", encoding="utf-8").read())
    for image in page.images: assert len(picture(image)) > 100
    return page
def picture(source):
    kind, _, data = source.partition(",")
    assert kind == "data:image/png;base64", kind[:100]
    return base64.b64decode(data, validate=True)
def cells(prefix):
    found = [ET.parse(path).getroot() for path in sorted(glob.glob(f"out/cells/{prefix}*.xml"))]
    assert found, prefix
    return found
def key_of(prefix):
    keys = {cell.find(r + "provenance").get("samples") for cell in cells(prefix)}
    assert len(keys) == 1, keys
    return keys.pop()
PYTHON
    cat >>"$BATS_TEST_TMPDIR/look.py"
    python3 "$BATS_TEST_TMPDIR/look.py"
}

@test "each data set's sample images stand among the published tables, the folder being the one its documents name" {
    look <<'PYTHON'
page = read("out/report")
assert key_of("birds.") != key_of("my")
for prefix, label in (("birds.", "birds"), ("my", "my-cars")):
    key = key_of(prefix)
    for kind in ("samples", "augmented"):
        figure = page.figures[f"{kind}-{key}"]
        assert figure["section"] == "published", figure
        assert label in figure["caption"] and label in figure["img"]["alt"], figure
        data = picture(figure["img"]["src"])
        assert data == open(f"out/report/figures/{kind}.{key}.png", "rb").read() == open(f"out/samples/{key}/{kind}.png", "rb").read()
        size = struct.unpack(">II", data[16:24])
        assert size == (int(figure["img"]["width"]), int(figure["img"]["height"]))
        assert size == ((8 * 36 + 4, 3 * 36 + 4) if kind == "samples" else (6 * 36 + 4, 2 * 36 + 4)), size
    classes = open(f"out/samples/{key}/classes.txt", encoding="utf-8").read().splitlines()
    figure = page.figures["samples-" + key]
    assert len(classes) == 3 and figure["rows"] == classes
    assert all(name in figure["img"]["alt"] for name in classes)
    assert "4.1" in figure["caption"] and "3 of 3 classes" in figure["caption"] and "32 × 32 pixels" in figure["caption"]
    assert "3.1" in page.figures["augmented-" + key]["caption"]
assert len(page.images) == 4 and "No sample images" not in page.text
PYTHON
}

@test "without published results they stand under what was run, without numbers of another's figures" {
    cp -r out plain
    prunebench report plain --reference none --format html >/dev/null
    look <<'PYTHON'
page = read("plain/report")
for key in (key_of("birds."), key_of("my")):
    figure = page.figures["samples-" + key]
    assert figure["section"] == "run" and figure["caption"].startswith("Sample images of"), figure
gamma = page.figures["figure-birds.gamma"]
assert gamma["section"] == "birds" and gamma["caption"].startswith("Scale factors"), gamma
PYTHON
}

@test "sheets that are gone leave a sentence and no dangling image" {
    cp -r out less
    rm -r less/samples/birds-*
    prunebench report less >/dev/null
    look <<'PYTHON'
page = read("less/report")
assert len(page.images) == 2 and "samples-" + key_of("my") in page.figures
assert "No sample images came with the results of birds." in page.text
assert not glob.glob("less/report/figures/*" + key_of("birds.") + "*")
PYTHON
    rm less/samples/cars-*/augmented.png # half of them
    sed -i 's/ samples="birds-[0-9a-f]*"/ samples="..\/..\/out\/samples\/'"$(basename out/samples/birds-*)"'"/' less/cells/birds.*
    prunebench report less >/dev/null
    look <<'PYTHON'
page = read("less/report")
assert not page.images
assert "No sample images came with the results of birds and my-cars." in page.text
PYTHON
}

@test "a variant that looks otherwise to the network has sheets of its own, distinguished by their captions" {
    sed -e 's|<dataset plugin="cars".*||' -e 's|<seeds>1 2|<seeds>1|' -e 's|<schedule plugin="soft"><option name="zero" value="filters"/></schedule>||' -e 's|<override schedule="soft".*||' \
        -e 's|<targets|<variant label="plain"/><variant label="turned"><augment rotate="40"/></variant><targets|' m.xml >v.xml
    prunebench run v.xml -o varied --quiet >>run.log
    prunebench report varied --format html >/dev/null
    look <<'PYTHON'
page = read("varied/report")
captions = [f["caption"] for id, f in page.figures.items() if id.startswith(("samples-", "augmented-"))]
assert len(captions) == 4 and sum("plain" in c for c in captions) == 2 and sum("turned" in c for c in captions) == 2, captions
PYTHON
}

@test "γ before and after pruning: the first network's counts and those of what is left, over both seeds" {
    look <<'PYTHON'
page = read("out/report")
figure = page.figures["figure-birds.gamma"]
assert figure["section"] == "published" and figure["caption"].startswith("4.2 "), figure
assert "iterative, bn-scale, 50 % of channels removed" in figure["caption"] and "n = 2 seeds" in figure["caption"], figure
blocks = open("out/report/data/birds.gamma.tsv").read().split("\n\n\n")
bins = [[float(v) for v in line.split("\t")] for line in blocks[0].splitlines()]
total = sum(int(l.get("channels")) for l in cells("birds.")[0].findall(r + "layer"))
left = total - round(total / 2)
assert len(bins) == 128
assert abs(sum(b[1] for b in bins) - 100) < 1e-9 and abs(sum(b[2] for b in bins) - 100 * left / total) < 1e-9
curve = [[float(v) for v in line.split("\t")] for line in blocks[1].splitlines()]
assert len(curve) == 129 and all(abs(v - 100) < 1e-9 for v in curve[-1][1:])
assert all(a[i] <= b[i] + 1e-9 for a, b in zip(curve, curve[1:]) for i in (1, 2))
PYTHON
}

@test "the table of pruning steps says what the documents say, over both seeds" {
    look <<'PYTHON'
rows = list(csv.DictReader(open("out/report/tables/birds.iterative.steps.csv", newline="", encoding="utf-8")))
assert [(x["asked"], x["step"], x["from"]) for x in rows] == [
    ("0.3", "prune-30", "base"), ("0.5", "prune-30", "base"), ("0.5", "prune-50", "retrain-30")]
for row, target, index in zip(rows, ("r30", "r50", "r50"), (0, 0, 1)):
    steps = [c.findall(r + "pruning")[index] for c in cells("birds.vgg11-bcnn.bn-scale.iterative.blis." + target)]
    assert len(steps) == 2 and row["seeds"] == "2"
    mean = lambda values: sum(values) / len(values)
    layers = lambda key: mean([sum(int(l.get(key)) for l in s.findall(r + "layer")) for s in steps])
    expected = {"channels_before": layers("before"), "channels_after": layers("after"), "at_threshold": layers("ties"),
                "floored": mean([float(s.get("floored")) for s in steps]),
                "threshold": mean([float(s.get("threshold")) for s in steps]),
                "reached": mean([float(s.get("achieved")) for s in steps]),
                "equivalence": max(float(s.get("equivalence")) for s in steps)}
    for key, value in expected.items(): assert abs(float(row[key]) - value) < 1e-9, (key, row[key], value)
    assert float(row["threshold_sd"]) > 0
assert "revived" not in rows[0]
PYTHON
}

@test "channels that came back in soft epochs: a figure by epoch, sums in the table" {
    look <<'PYTHON'
page = read("out/report")
assert page.figures["figure-birds.soft.revived"]["section"] == "birds.soft"
assert "figure-birds.iterative.revived" not in page.figures
epochs = [[int(e.get("revived")) for e in c.findall(r + "epoch") if int(e.get("masked"))]
          for c in cells("birds.vgg11-bcnn.bn-scale.soft.blis.r50")]
assert len(epochs) == 2 and all(len(e) == 3 for e in epochs) and sum(map(sum, epochs)) > 0
lines = open("out/report/data/birds.soft.revived.tsv", encoding="utf-8").read().splitlines()
assert lines[0] == '"bn-scale 50 %"', lines
assert [tuple(map(float, l.split("\t"))) for l in lines[1:]] == [
    (n + 1, (epochs[0][n] + epochs[1][n]) / 2) for n in range(3)], lines
rows = list(csv.DictReader(open("out/report/tables/birds.soft.steps.csv", newline="", encoding="utf-8")))
assert float(rows[-1]["revived"]) == sum(map(sum, epochs)) / 2, rows
PYTHON
}
