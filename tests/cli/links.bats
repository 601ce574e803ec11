#!/usr/bin/env bats
# Every row and message of a report and of run leads to a document and a log that are there.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export DIR=$BATS_FILE_TMPDIR
    cd "$DIR" || return 1
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="2"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  <schedule plugin="iterative"/>
  <criterion plugin="bn-scale"/>
  <criterion plugin="random"/>
  <criterion plugin="abort"/>
  <seeds>1 2</seeds>
  <targets>0.3 0.5</targets>
</matrix>
END
    # what a criterion that has been removed leaves, a copy and half a document
    prunebench run m.xml -o out -j 2 --plugin-dir "$PRUNEBENCH_BUILD/tests/evil" >ran 2>&1 || echo $? >code
    first=out/cells/birds.vgg11-bcnn.bn-scale.one-shot.blis.r30
    cp $first.s1.xml 'out/cells/a copy, 100 %#1?.xml'
    truncate -s 1000 $first.s2.xml
    prunebench report out --quiet 2>warned
}

setup() { cd "$DIR" || return 1; }

@test "the log of a plugin that aborts says what ran, how it ended and where it was" {
    [ "$(cat code)" = 1 ]
    # which of its cells is the first depends on the order in which they start
    id=$(basename "$(grep -l 'status="crashed"' out/cells/birds.vgg11-bcnn.abort.*.s1.xml | head -n 1)" .xml)
    log=out/logs/$id.log
    cat "$log"
    head -1 "$log" | grep -q "^== 20..-..-..T..:..:..Z: the run of cell $id begins; prunebench .*, data set 'birds' .*, criterion 'abort' 1.0.0, schedule '.*' .*, backend 'blis' "
    tail -1 "$log" | grep -q "^== .*Z: cell $id ended after .*: its process died of SIGABRT.*; its last report was '.*', at .* % of its work$"
    # a cell that ended well has a log, too, and its latency has one
    grep -q '^== .*: the run of cell .* begins' out/logs/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.log
    grep -q '^== .*: latency of cell .* begins' out/logs/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.log
}

@test "every file that run names is there, and no report that is not" {
    cat ran
    grep -o 'out/[a-z]*/[^ ,;:)]*' ran | sort -u >named
    [ "$(grep -c '/logs/.*\.log' named)" -eq 8 ] # two that crashed, six that were blocked by them
    [ "$(grep -c '/cells/.*\.xml' named)" -eq 8 ]
    while read -r file; do [ -s "$file" ] || { echo "$file"; false; }; done <named
    run ! grep -q 'index.html' ran
}

@test "every link of the page and of the tables leads to something" {
    python3 - <<'PYTHON'
import glob, html.parser, os, urllib.parse
class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.hrefs, self.ids, self.rows, self.bare = [], set(), 0, []
        self.links = None
        self.feed(open(path, encoding="utf-8").read())
    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes: self.ids.add(attributes["id"])
        for key in ("href", "src"):
            if key in attributes and not attributes[key].startswith("data:"): self.hrefs.append(attributes[key])
        if tag == "tbody": self.links = 0
        if tag == "tr" and self.links is not None: self.links, self.where = 0, self.getpos()
        if tag == "a" and self.links is not None: self.links += 1
    def handle_endtag(self, tag):
        if tag == "tr" and self.links is not None:
            self.rows += 1
            if self.links == 0: self.bare.append(self.where)
        if tag == "tbody": self.links = None
pages = {path: Page(path) for path in
         ["out/report/index.html"] + glob.glob("out/report/tables/*.html") + glob.glob("out/report/cells/*.html")}
assert len(pages) > 8
documents, logs = set(), set()
for path, page in pages.items():
    for href in page.hrefs:
        file, _, fragment = href.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(file))) if file else path
        assert os.path.isfile(target) and os.path.getsize(target) > 0, (path, href)
        if "=" in fragment: # a permalink: the script finds the row that leads to the cell
            cell = "cells/" + fragment.removeprefix("cell=") + ".html"
            assert fragment.startswith("cell=") and cell in pages[target].hrefs, (path, href)
        elif fragment: assert fragment in pages[target].ids, (path, href)
        if path.endswith("index.html"):
            if "/cells/" in href: documents.add(target)
            if "/logs/" in href: logs.add(target)
# every document is linked, what was left out and damaged, too; every cell that has a log, with it
assert documents == set(glob.glob("out/cells/*.xml")), documents ^ set(glob.glob("out/cells/*.xml"))
cut = "out/logs/birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s2.log"
assert logs == set(glob.glob("out/logs/birds*.log")) - {cut}, logs ^ set(glob.glob("out/logs/birds*.log"))
# every cell whose document can be read has a page, and the list of all cells leads to it
own = {"out/report/" + href for href in pages["out/report/tables/runs.html"].hrefs if href.startswith("../cells/")}
own = {os.path.normpath(path.replace("/../", "/")) for path in own}
assert own == set(glob.glob("out/report/cells/*.html")) and len(own) == 23, own ^ set(glob.glob("out/report/cells/*.html"))
# every row of every table but that of the options leads on
for path, page in pages.items():
    if "/tables/" not in path: continue
    assert page.rows > 0 and not page.bare, (path, page.bare)
PYTHON
}
