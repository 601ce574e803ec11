#!/usr/bin/env bats
# prunebench compare: equal nights, a flipped bit, a missing cell, a truncated result, changed options, what fails, two kernel sets of
# one network, names that are markup, wrong use.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r50.s1

matrix() { # seeds, schedule, backend
    local schedule=${2:-'<schedule plugin="one-shot"/>'}
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="$BATS_FILE_TMPDIR/sets/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  $schedule
  $3
  <targets>0.5</targets>
  <seeds>$1</seeds>
  <stages keep="all"/>
</matrix>
END
}

# Two cells, two seeds of one group; the second night is a run of its own.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix '1 2' >m.xml
    prunebench run m.xml -o one --threads 1 --quiet
    prunebench run m.xml -o two --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -a "$BATS_FILE_TMPDIR/one" "$BATS_FILE_TMPDIR/two" .
}

stage_of() { sed -nE "s/.*(^| )$2=\"([0-9a-f]{64})\".*/\2/p" "$1/cells/$ID.xml"; }

@test "equal nights: exit code 0, every cell identical, every stored network compared" {
    run -0 prunebench compare one two --fail-on quality=1pt,bits
    echo "$output"
    [[ ${lines[0]} == "Equal: all 2 cells are identical, every number bit for bit."*" 6 stored networks were compared byte for byte." ]]
    # two seeds can never reach the level
    [[ $output == *"Single groups are not tested where they cannot reach .05: 2 seeds cannot (p is 0.33 at least)."* ]]
    prunebench compare one two --json >found.json
    python3 - <<'END'
import json
found = json.load(open("found.json"))
assert [cell["state"] for cell in found["cells"]] == ["identical", "identical"], found["cells"]
assert found["networks_compared"] == 6 and found["cells_without_networks"] == 0, found
assert [cell["networks_compared"] for cell in found["cells"]] == [3, 3], found["cells"]
assert found["exit_code"] == 0 and not found["changes"] and not found["gaps"], found
END
    run -0 prunebench compare "one/cells/$ID.xml" "two/cells/$ID.xml"
    [[ ${lines[0]} == "Equal: all 1 cells are identical"* ]]
    run -3 prunebench compare one two --fail-on speed=5%
    [[ ${lines[1]} == "--fail-on cannot pass: speed cannot be judged"* ]]
    run -0 prunebench compare one two --markdown
    [[ $output == *"| group | seeds | bits |"* ]]
}

@test "one flipped low bit of one stored weight: exit code 1, cell and stage named" {
    python3 - "two/stages/$(stage_of two stage-pruned)/network.safetensors" <<'END'
import json, sys
with open(sys.argv[1], "r+b") as file:
    length = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(length))
    name = next(name for name in header if name.endswith(".weight"))
    file.seek(8 + length + header[name]["data_offsets"][0])
    low = file.read(1)
    file.seek(-1, 1)
    file.write(bytes([low[0] ^ 1]))
END
    for gate in '' --fail-on=quality=1pt --fail-on=bits; do
        # shellcheck disable=SC2086
        run -1 prunebench compare one two $gate
    done
    echo "$output"
    [[ ${lines[0]} == "A defect: 1 of 2 cells has other bits under the same stage key (the first: $ID, stage pruned)."* ]]
    [[ $output == *"$ID  pruned  'two/stages/"* ]]
}

@test "where no stored network can be compared it is said, on every kind of output" {
    said='No stored network was compared byte for byte; 2 of 2 cells have none under the same key on both sides.'
    rm -r two/stages
    run -0 prunebench compare one two --html page.html
    [[ ${lines[0]} == "Equal: all 2 cells are identical, every number bit for bit."*" $said" ]]
    grep -qF "$said" page.html
    run -0 prunebench compare one two --markdown
    [[ ${lines[0]} == "**"*" $said**" ]]
    prunebench compare one two --json >found.json
    SAID=$said python3 - <<'END'
import json, os
found = json.load(open("found.json"))
assert found["networks_compared"] == 0 and found["cells_without_networks"] == 2, found
assert found["sentence"].endswith(os.environ["SAID"]), found["sentence"]
END
    # of one cell the networks are gone
    cp -a "$BATS_FILE_TMPDIR/two" half
    for stage in base pruned retrained; do rm -r "half/stages/$(stage_of half stage-$stage)"; done
    run -0 prunebench compare one half
    [[ ${lines[0]} == *" 3 stored networks were compared byte for byte; 1 of 2 cells has none under the same key on both sides." ]]
    run -0 prunebench compare "one/cells/$ID.xml" "two/cells/$ID.xml"
    [[ ${lines[0]} == *" No stored network was compared byte for byte; 1 of 1 cells has none under the same key on both sides." ]]
}

# What results of four seeds say, changed: every value of an attribute times a factor. A loss of top-1 comes from other code.
change() { # folder, expression that finds a value, factor, code
    python3 - "$@" <<'END'
import glob, re, sys
folder, pattern, factor, code = sys.argv[1:]
for index, path in enumerate(sorted(glob.glob(folder + "/cells/*.xml"))):
    text = open(path).read()
    text, count = re.subn("(" + pattern + '")([^"]*)', lambda m: m[1] + f"{float(m[2]) * float(factor):.15g}", text)
    assert count == 1, (path, pattern, count)
    if code:
        text = re.sub(r'( stage-(?:base|pruned|retrained)=")[0-9a-f]{8}', r"\g<1>" + code, text)
        text = re.sub(r'( numerics=")[0-9a-f]{8}', r"\g<1>" + code, text)
    open(path, "w").write(text)
END
}

@test "--fail-on quality and memory: exit code 1, and without them 0" {
    matrix '1 2 3 4' >m.xml
    prunebench run m.xml -o four --threads 1 --quiet
    # peaks of their own: what several cells share counts once
    i=0
    for file in four/cells/*.xml; do
        i=$((i + 1))
        sed -i -E "s/ peak-rss-bytes=\"[0-9]*\"/ peak-rss-bytes=\"${i}0000000\"/" "$file"
        sed -i -E "s/(stage=\"retrained\" split=\"test\" top1=\")[^\"]*/\10.8$i/; s/ right=\"[^\"]*\"//" "$file"
    done
    cp -a four larger
    change larger ' peak-rss-bytes=' 1.5 ''
    run -1 prunebench compare four larger --fail-on memory=5%
    echo "$output"
    [[ ${lines[0]} == *"Larger: peak-memory of all cells is 1.5 times as large"* ]]
    run -0 prunebench compare four larger --fail-on memory=60%
    run -0 prunebench compare four larger --fail-on quality=1pt
    run -0 prunebench compare larger four --fail-on memory=5%
    cp -a four worse
    change worse 'stage="retrained" split="test" top1=' 0.8 0123abcd
    run -1 prunebench compare four worse --fail-on quality=1pt
    echo "$output"
    [[ ${lines[0]} == "Worse: 1 of 1 groups lost top-1, most of all ${ID%.s1}, -16.50 points "* ]]
    [[ $output == *"code  numerics"* ]]
    run -0 prunebench compare four worse --fail-on quality=20pt
    run -0 prunebench compare four worse --fail-on memory=5%
    run -0 prunebench compare worse four --fail-on quality=1pt
}

@test "two kernel sets of one network: not comparable, exit code 3, and its answers are compared image by image" {
    grep -qw avx2 /proc/cpuinfo || skip "this processor has one kernel set"
    # a schedule that does not train: both kernel sets evaluate the same network
    for kernels in haswell generic; do
        matrix 1 '<schedule plugin="odd"><option name="does" value="untrained"/></schedule>' \
            "<backend plugin=\"blis\"><option name=\"kernels\" value=\"$kernels\"/></backend>" | sed s/bn-scale/filter-norm/ >$kernels.xml
        prunebench run $kernels.xml -o $kernels --threads 1 --quiet --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    done
    cell=birds.vgg11-bcnn.filter-norm.odd.blis.r50.s1
    run -3 prunebench compare haswell generic --fail-on bits
    echo "$output"
    [[ ${lines[0]} == "Not comparable as a whole: the kernels differ in 1 cell (backend-detail)."* ]]
    [[ $output == *"Two inference paths of one network, image by image (McNemar): not about two trainings"* ]]
    [[ $output =~ "$cell"\ +12\ +[0-9]+\ +[0-9]+\ +[0-9.]+ ]]
    prunebench compare haswell generic --json >found.json || true
    CELL=$cell python3 - <<'END'
import base64, json, os, re
found = json.load(open("found.json"))
def right(folder):
    text = open(f"{folder}/cells/{os.environ['CELL']}.xml").read()
    return int.from_bytes(base64.b64decode(re.search(r' stage="pruned"[^>]* right="([^"]*)"', text)[1]), "little")
before, after = right("haswell"), right("generic")
(row,) = found["paths"]
assert row["cell"] == os.environ["CELL"] and row["images"] == 12 and 0 < row["p"] <= 1, row
assert row["only_before"] == (before & ~after).bit_count() and row["only_after"] == (after & ~before).bit_count(), row
assert found["exit_code"] == 3 and found["verdict"] == "not-comparable", found
assert [c["kind"] for c in found["changes"] if not c["comparable"]] == ["kernels"], found["changes"]
END
    # two trainings are never compared so
    prunebench compare "$BATS_FILE_TMPDIR/one" "$BATS_FILE_TMPDIR/two" --json | python3 -c 'import json, sys; assert json.load(sys.stdin)["paths"] == []'
}

@test "--markdown stays a table whatever names and messages hold" {
    evil=$'a|b`c`\n| x | y |\n|---|---|\n<b>*_[]#&'
    mv one "$evil"
    sed -i 's/name="training.lr" value="0.05"/name="training.lr" value="|a`b\&#10;| c |\&#13;|---|"/' two/cells/*.xml
    sed -i 's/ status="ok"/ status="failed"/; s|  <config>|<failure><message>no \| more\n\| x \|\n`</message></failure>&|' "two/cells/$ID.xml"
    run -4 prunebench compare "$evil" two --markdown
    echo "$output"
    python3 - <<'END' "$output"
import re, sys
tables, rows = [], []
lines = sys.argv[1].split("\n")
assert [line for line in lines if line.startswith("before: ") and line.rstrip().endswith("\\#\\&")], lines[:4]
for line in lines + [""]:
    if line.startswith("|"):
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]])
    elif rows:
        tables.append(rows)
        rows = []
assert len(tables) >= 3, tables
for table in tables:
    assert len(table) >= 3 and all(re.fullmatch("-+:?", cell) for cell in table[1]), table
    assert len({len(row) for row in table}) == 1, table
    assert not [cell for row in table for cell in row if re.search(r"(?<!\\)[`<*_\[]", cell)], table
assert [table[0][0] for table in tables][:2] == ["failed cell", "kind"], tables
assert [row[2:4] for row in tables[1] if row[1] == "training.lr"] == [["0.05", r"\|a\`b \| c \| \|---\|"]], tables[1]
END
}

@test "a document of another kind and a result of a newer format are refused by name" {
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"/>' >pom.xml
    sed 's/urn:prunebench:result:1/urn:prunebench:result:2/' "one/cells/$ID.xml" >newer.xml
    run -2 prunebench compare pom.xml "one/cells/$ID.xml"
    [[ $output == *"pom.xml:1: <project> of 'http://maven.apache.org/POM/4.0.0' is no result of prunebench"* ]]
    run -2 prunebench compare "one/cells/$ID.xml" newer.xml
    [[ $output == *"newer.xml:2: a result of format 2; prunebench "*" reads format 1"* ]]
    # among the results of a run each is listed, and the rest is not called the whole
    cp newer.xml "two/cells/$ID.xml"
    run -3 prunebench compare one two
    [[ $output == *"after  unreadable  $ID.xml  "*"a result of format 2"* ]]
    cp "one/cells/$ID.xml" "two/cells/$ID.xml"
    cp pom.xml two/cells/
    run -3 prunebench compare one two
    [[ $output == *"after  "*"  pom.xml  "* ]]
}

@test "a missing cell and a truncated result are named: exit code 3" {
    rm "two/cells/$ID.xml"
    run -3 prunebench compare one two --fail-on quality=1pt
    [[ ${lines[0]} == "Not comparable as a whole: 1 cell is missing on one side."* ]]
    [[ $output == *"after  missing  $ID  "* ]]
    head -c 900 "one/cells/$ID.xml" >"two/cells/$ID.xml"
    run -3 prunebench compare one two
    [[ $output == *"after  unreadable  $ID.xml  "* ]]
    run -2 prunebench compare "one/cells/$ID.xml" "two/cells/$ID.xml"
    [[ $output == *"two/cells/$ID.xml:"* ]]
}

@test "a cell that failed is listed: exit code 4" {
    sed -i 's/ status="ok"/ status="timed-out"/' "two/cells/$ID.xml"
    run -4 prunebench compare one two
    [[ $output == *"$ID  ok      timed-out"* ]]
}

@test "a changed option of all cells is one line; other images cannot be compared" {
    sed -i 's/name="training.lr" value="0.05"/name="training.lr" value="0.06"/' two/cells/*.xml
    run -0 prunebench compare one two
    [ "$(grep -c 'training.lr' <<<"$output")" -eq 1 ]
    [[ $output =~ option\ +training.lr\ +0.05\ +0.06\ +all\ 2 ]]
    sed -i -E 's/inputs-sha256="[^"]*"/inputs-sha256="others"/' two/cells/*.xml
    run -3 prunebench compare one two
    [[ ${lines[0]} == "Not comparable as a whole: the images, labels or pretrained weights differ in 2 cells (inputs-sha256)."* ]]
}

# The page as the parser of a browser sees it: names that are shown, and every element.
parse() {
    python3 - "$1" <<'END'
import html.parser, sys
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "br"):
            self.open.append(tag)
    def handle_startendtag(self, tag, attributes):
        assert tag in ("meta", "br"), tag # a browser ignores the slash of all others
        self.handle_starttag(tag, attributes)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.text += data
page = Page()
source = open(sys.argv[1], encoding="utf-8").read()
page.feed(source)
page.close()
assert page.open == [], page.open
tags = [tag for tag, _ in page.elements]
assert not {"script", "img", "link", "iframe"} & set(tags), tags
assert tags.count("h1") == 1 and ("html", {"lang": "en"}) in page.elements
assert not [a for _, a in page.elements for name in a if name.startswith("on") or name in ("src", "href", "style")]
assert "prefers-color-scheme: dark" in source and "//" not in source.replace("<!DOCTYPE html>", "").split("<main>")[0]
assert all(a.get("aria-label") for tag, a in page.elements if a.get("role") == "region")
assert all(a.get("scope") == "col" for tag, a in page.elements if tag == "th")
print(" ".join(page.text.split()))
END
}

@test "--html writes one page: what Markdown says, and names are text" {
    evil='a<script>alert(1)<|script>"&'"'"'\\]]>'
    mv one "$evil"
    sed -i 's/name="training.lr" value="0.05"/name="training.lr" value="\&lt;b onclick=\&quot;x\&quot;>]]\&gt;\&amp;lt;"/' two/cells/*.xml
    run -0 prunebench compare "$evil" two --html page.html
    echo "$output"
    first=${lines[0]}
    [[ $output == *"before: $evil"* ]]
    parse page.html >shown.txt
    cat shown.txt
    grep -qF -- "$first" shown.txt
    grep -qF -- "before: $evil after: two" shown.txt
    grep -qF -- '<b onclick="x">]]>&lt;' shown.txt
    grep -qF -- '95 % interval' shown.txt
    run -0 prunebench compare "$evil" two --quiet --html again.html
    [ -z "$output" ]
    cmp page.html again.html
    run -1 prunebench compare "$evil" two --html none/page.html
}

@test "wrong use is named: exit code 2" {
    for wrong in quality speed=5 quality=1% qualty=1pt bits=1 memory=-1% quality=0pt speed=x% '' bits,; do
        run -2 prunebench compare one two --fail-on "$wrong"
        [[ $output == *"--fail-on: "* ]] || { echo "$wrong: $output"; false; }
    done
    run -2 prunebench compare one two --fail-on qualty=1pt
    [[ $output == *"did you mean 'quality'?"* ]]
    run -2 prunebench compare one none
    [[ $output == *"none: there is no such folder or file"* ]]
    run -2 prunebench compare one "two/cells/$ID.xml"
    [[ $output == *"is a run and"* ]]
    run -2 prunebench compare one two --json --markdown
    run -2 prunebench compare one
}
