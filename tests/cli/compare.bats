#!/usr/bin/env bats
# prunebench compare: equal nights, a flipped bit, a missing cell, a truncated result, changed options, wrong use.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r50.s1

# Two cells, two seeds of one group; the second night is a run of its own.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="$PWD/sets/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
  <seeds>1 2</seeds>
  <stages keep="all"/>
</matrix>
END
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
    [[ ${lines[0]} == "Equal: all 2 cells are identical, bit for bit."* ]]
    prunebench compare one two --json >found.json
    python3 - <<'END'
import json
found = json.load(open("found.json"))
assert [cell["state"] for cell in found["cells"]] == ["identical", "identical"], found["cells"]
assert found["networks_compared"] >= 6, found["networks_compared"]
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
    run -1 prunebench compare one two --fail-on bits
    echo "$output"
    [[ ${lines[0]} == "A defect: 1 of 2 cells has other bits under the same stage key (the first: $ID, stage pruned)."* ]]
    [[ $output == *"$ID  pruned  'two/stages/"* ]]
    run -0 prunebench compare one two
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
