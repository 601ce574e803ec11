#!/usr/bin/env bats
# Names that documents of others may hold: in figures, and in CSV files that a spreadsheet opens.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

# A made-up run whose criterion bn-scale has the name $1 in every document (escaped for XML and sed).
setup_run() {
    OUT=$BATS_TEST_TMPDIR/out
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$OUT" 1 2 2
    sed -i "s/name=\"criterion\" value=\"bn-scale\"/name=\"criterion\" value=\"$1\"/" "$OUT"/cells/*.xml
}

@test "']]>' in a name does not end the report" {
    setup_run 'a]]\&gt;b]]]\&gt;\&lt;c'
    sed -i 's/name="dataset" value="aircraft"/name="dataset" value="air]]\&gt;craft"/' "$OUT"/cells/*.xml
    prunebench report "$OUT" --quiet
    for svg in "$OUT"/report/figures/*.svg; do xmllint --noout --nonet "$svg"; done
    grep -q 'a]]›b]]]›' "$OUT"/report/figures/*.one-shot.accuracy-rate.svg
    grep -q 'a]]&gt;b' "$OUT/report/index.html"
}

@test "text that a spreadsheet would run is quoted in CSV, and numbers stay numbers" {
    setup_run '=HYPERLINK(\&quot;http:\/\/x\&quot;)'
    sed -i 's/name="schedule" value="soft"/name="schedule" value="@SUM(1)"/; s/name="schedule" value="iterative"/name="schedule" value="+1+cmd|x!A1"/' "$OUT"/cells/*.xml
    sed -i 's/name="criterion" value="random"/name="criterion" value="-2+3"/' "$OUT"/cells/*.xml
    prunebench report "$OUT" --quiet --format csv
    python3 - "$OUT" <<'PYTHON'
import csv, glob, sys
numbers, formulas = set(), set()
def is_number(text):
    try:
        return float(text) == float(text)
    except ValueError:
        return False
for path in glob.glob(sys.argv[1] + "/report/tables/*.csv"):
    raw = open(path, newline="", encoding="utf-8").read()
    for row in csv.reader(open(path, newline="", encoding="utf-8"), strict=True):
        for field in row:
            if field[:1] in ("=", "+", "-", "@", "\t", "\r"):
                assert is_number(field), (path, field) # whatever else begins so would be run
                numbers.add(field[0])
            if field.startswith("'"):
                assert field[1] in "=+-@" and '"' + field.replace('"', '""') + '"' in raw, (path, field)
                assert not is_number(field[1:]), (path, field)
                formulas.add(field[1])
assert "-" in numbers and formulas == set("=+-@"), (numbers, formulas)
PYTHON
    grep -q "\"'=HYPERLINK(\"\"http://x\"\")\"" "$OUT"/report/tables/*.results.csv
    grep -q "\"'@SUM(1)\"" "$OUT"/report/tables/*.csv
    grep -q "\"'+1+cmd|x!A1\"" "$OUT"/report/tables/*.csv
    grep -q "\"'-2+3\"" "$OUT"/report/tables/*.csv
    grep -Eq ",-[0-9.]+," "$OUT"/report/tables/*.csv
}

# Of a page: what would run in it, and its text with what it says in alt, title and aria-label. Lines "unsafe: …" and "missing: …".
look() { # names, page…
    cat >"$BATS_TEST_TMPDIR/look.py" <<'PYTHON'
import html.parser, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self.unsafe, self.script = [], [], None
    def handle_starttag(self, tag, attributes):
        own = dict(attributes)
        if tag == "script":
            self.script = own.get("src", "")
            if self.script not in ("", "../report.js"):
                self.unsafe.append(self.script)
        if tag in ("iframe", "object", "embed", "base", "form") or (tag == "img" and own["src"][:22] != "data:image/png;base64,"):
            self.unsafe.append((tag, own))
        self.unsafe += [(tag, key, value) for key, value in attributes if key.startswith("on") or (value or "").startswith("javascript:")]
        self.words += [value or "" for key, value in attributes if key in ("alt", "title", "aria-label")]
    handle_startendtag = handle_starttag
    def handle_endtag(self, tag):
        if tag == "script":
            self.script = None
    def handle_data(self, data):
        if self.script is None:
            self.words.append(data)
        elif data != open(sys.argv[1], encoding="utf-8").read():
            self.unsafe.append(data[:200])
all_words = ""
for path in sys.argv[3:]:
    page = Page()
    page.feed(open(path, encoding="utf-8").read())
    for unsafe in page.unsafe:
        print("unsafe:", path, unsafe)
    all_words += "\0".join(page.words) + "\0"
for line in open(sys.argv[2], encoding="utf-8").read().splitlines():
    of, _, name = line.partition("\t")
    if name not in all_words:
        print("missing:", of, name)
PYTHON
    python3 "$BATS_TEST_TMPDIR/look.py" "$BATS_TEST_DIRNAME/../../reports/report.js" "$@"
}

# A run whose documents have such names, and its report.
setup_foreign() {
    OUT=$BATS_TEST_TMPDIR/out
    names=$BATS_TEST_TMPDIR/names
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$OUT" 1 2 3 failures
    "$BATS_TEST_DIRNAME/../support/foreign-names" "$OUT" >"$names"
    (cd "$BATS_TEST_TMPDIR" && prunebench report out --quiet 2>/dev/null)
    [ ! -e "$BATS_TEST_TMPDIR/executed" ]
}

@test "names of every kind are text in the pages of a report" {
    setup_foreign
    run -0 look "$names" "$OUT"/report/index.html "$OUT"/report/cells/*.html "$OUT"/report/tables/*.html
    echo "$output"
    [ -z "$output" ]
}

@test "names of every kind are text in figures and in tables for other programs" {
    setup_foreign
    python3 - "$OUT/report" "$names" <<'PYTHON'
import csv, glob, sys, xml.etree.ElementTree as ET
report, names = sys.argv[1], [line.split("\t")[-1] for line in open(sys.argv[2], encoding="utf-8").read().splitlines()]
shown = ""
for path in glob.glob(report + "/figures/*.svg"):
    for element in ET.parse(path).iter():
        assert element.tag.rpartition("}")[2] not in ("script", "image", "foreignObject", "img"), path
        assert not [key for key in element.attrib if key.startswith("on")], (path, element.attrib)
    shown += "\n".join(ET.parse(path).getroot().itertext())
fields = set()
for path in glob.glob(report + "/tables/*.csv"):
    for row in csv.reader(open(path, newline="", encoding="utf-8"), strict=True):
        fields.update(row)
criteria = [name for name in names if name.startswith(("bn-scale", "l1-norm", "random"))]
assert len(criteria) == 3
for name in criteria:
    assert name in fields, name
    # what gnuplot cannot hold is replaced by what looks like it
    assert name.replace('"', "”").replace("\\", "∖").replace("]]>", "]]›") in shown, name
PYTHON
    grep -qF 'l1-norm\<script\>' "$OUT"/report/tables/*.md
    run ! grep -E '(^|[^\])<(script|img)' "$OUT"/report/tables/*.md
    grep -qF '\textbackslash{}write18\{touch' "$OUT"/report/tables/*.tex
    run ! grep -F '\write18' "$OUT"/report/tables/*.tex
}

@test "names, notes and what is known of a night are text on the front page and in a comparison" {
    setup_foreign
    bait=$(sed -n 's/^host\tbench-3//p' "$names")
    grep -E $'^(matrix|git|host)\t' "$names" >"$BATS_TEST_TMPDIR/shown"
    printf '%s\t%s%s\n' night one "$bait" note two "$bait" known three "$bait" >>"$BATS_TEST_TMPDIR/shown"
    history=$BATS_TEST_TMPDIR/history
    prunebench history add "$OUT" --history "$history" --name "one$bait" --note "two$bait" --quiet 2>/dev/null
    prunebench history annotate last "three$bait" --history "$history" --quiet
    prunebench history page "$BATS_TEST_TMPDIR/nights.html" --history "$history" --quiet
    run -0 look "$BATS_TEST_TMPDIR/shown" "$BATS_TEST_TMPDIR/nights.html"
    echo "$output"
    [ -z "$output" ]
    # against the run as it was made, whose names are others
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$BATS_TEST_TMPDIR/plain" 1 2 3
    run prunebench compare "$BATS_TEST_TMPDIR/plain" "$OUT" --html "$BATS_TEST_TMPDIR/compare.html"
    grep $'^failure\tlayer' "$names" >"$BATS_TEST_TMPDIR/shown" # values of inputs are cut there
    run -0 look "$BATS_TEST_TMPDIR/shown" "$BATS_TEST_TMPDIR/compare.html"
    echo "$output"
    [ -z "$output" ]
}

@test "classes may be called as they like" {
    cd "$BATS_TEST_TMPDIR" || return 1
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 48 --quiet
    python3 - <<'PYTHON'
import os
root = "sets/CUB_200_2011/"
def table(name):
    return dict(line.split(" ", 1) for line in open(root + name).read().splitlines())
NAMES = ["1<img src=x onerror=executed=1>", "2\"'`touch executed`]]>$(touch executed)", "3\\{x}$%&_#^~|<!--style-->"]
label, train = table("image_class_labels.txt"), table("train_test_split.txt")
for number, path in table("images.txt").items():
    folder = f"images/{'train' if train[number] == '1' else 'test'}/{NAMES[int(label[number]) - 1]}"
    os.makedirs(folder, exist_ok=True)
    os.link(root + "images/" + path, f"{folder}/{number}.jpg")
open("names", "w").write("".join(f"class\t{name}\n" for name in NAMES))
PYTHON
    cat >m.xml <<'END'
<matrix xmlns="urn:prunebench:matrix:1" name="own">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="folder" root="images"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
</matrix>
END
    prunebench run m.xml -o out --threads 1 --quiet
    prunebench report out --quiet
    [ ! -e executed ]
    cd "$BATS_TEST_DIRNAME/.." || return 1
    run -0 look "$BATS_TEST_TMPDIR/names" "$BATS_TEST_TMPDIR/out/report/index.html"
    echo "$output"
    [ -z "$output" ]
    # each row of the contact sheet has its name
    grep -qF '<li>1&lt;img src=x onerror=executed=1&gt;</li><li>2"' "$BATS_TEST_TMPDIR/out/report/index.html"
}
