#!/usr/bin/env bats
# prunebench report: every file it promises, whole and well formed, from a made-up run with failures in it.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export OUT=$BATS_FILE_TMPDIR/out
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$OUT" 1 2 2 failures
    mkdir -p "$OUT/report/tables"
    touch "$OUT/report/tables/of-an-earlier-matrix.csv"
    mkdir "$OUT/report/cells"
    touch "$OUT/report/cells/of-an-earlier-matrix.html"
    prunebench report "$OUT" >"$BATS_FILE_TMPDIR/said" 2>"$BATS_FILE_TMPDIR/warned"
}

# Magic bytes of a file.
magic() { head -c "$2" "$1" | od -An -c | tr -d ' \n'; }

@test "report prints the path of the page and warns of the document that was cut" {
    [ "$(cat "$BATS_FILE_TMPDIR/said")" = "$OUT/report/index.html" ]
    grep -q 'warning: .*/cells/cut.xml:3: not well-formed XML' "$BATS_FILE_TMPDIR/warned"
    [ "$(wc -l <"$BATS_FILE_TMPDIR/warned")" -eq 1 ]
}

@test "results and summary fit their schemas by another validator" {
    for cell in "$OUT"/cells/*.s1.xml; do
        xmllint --noout --nonet --schema ../harness/schema/result-1.xsd "$cell" 2>>"$BATS_TEST_TMPDIR/log"
    done
    xmllint --noout --nonet --schema ../harness/schema/summary-1.xsd "$OUT/summary.xml"
}

@test "every figure is there as SVG, PDF and PNG" {
    count=0
    for id in aircraft.one-shot aircraft.iterative aircraft.soft; do
        for kind in accuracy-rate accuracy-params accuracy-macs accuracy-latency layers curves; do
            [ -s "$OUT/report/figures/$id.$kind.svg" ]
        done
        for kind in results criteria; do [ -s "$OUT/report/figures/table.$id.$kind.svg" ]; done
    done
    for name in overview aircraft.panels aircraft.gamma aircraft.pareto aircraft.timeline table.aircraft.costs table.aircraft.speed table.data; do
        [ -s "$OUT/report/figures/$name.svg" ]
    done
    for svg in "$OUT"/report/figures/*.svg; do
        xmllint --noout --nonet "$svg"
        [ "$(magic "${svg%.svg}.pdf" 5)" = '%PDF-' ]
        [ "$(magic "${svg%.svg}.png" 4)" = '211PNG' ]
        count=$((count + 1))
    done
    [ "$count" -eq 32 ]
    [ "$(find "$OUT/report/figures" -type f | wc -l)" -eq $((3 * count)) ]
}

@test "every method in the overview says its value to the pointer, without an interval where two seeds give none" {
    grep -oE '<title>[a-z0-9-]+‡?, [a-z-]+: [0-9.]+ %(; control)?</title>' "$OUT/report/figures/overview.svg" >"$BATS_TEST_TMPDIR/said"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/said")" -eq "$(sed '/^$/,$d' "$OUT/report/data/overview.tsv" | wc -l)" ]
    grep -q '; control<' "$BATS_TEST_TMPDIR/said"
}

@test "a method that was run alone is said to be ahead of none" {
    alone=$BATS_TEST_TMPDIR/alone
    mkdir -p "$alone/cells"
    cp "$OUT"/cells/*.bn-scale.one-shot.*.xml "$alone/cells"
    prunebench report "$alone" --quiet
    grep -q ' is ahead with ' "$OUT/report/index.html"
    grep -q 'No other method was run\.' "$alone/report/index.html"
    run ! grep ' is ahead with ' "$alone/report/index.html"
}

@test "the first line counts models and variants where there are several" {
    several=$BATS_TEST_TMPDIR/several
    mkdir -p "$several/cells"
    cp "$OUT"/cells/*.one-shot.*.xml "$several/cells"
    for cell in "$several"/cells/*; do
        sed 's/vgg16-bcnn/vgg11-bcnn/g' "$cell" >"${cell/vgg16/vgg11}"
    done
    prunebench report "$several" --quiet
    lead() { python3 -c 'import re, sys; print(*re.findall("cells done: [^.]*", open(sys.argv[1]).read()))' "$1/report/index.html"; }
    [ "$(lead "$OUT")" = "cells done: 1 data set × 3 criteria × 3 schedules × 2 targets × 2 seeds" ]
    [ "$(lead "$several")" = "cells done: 1 data set × 2 models × 3 criteria × 1 schedule × 2 targets × 2 seeds" ]
}

@test "every table is there in every format, and nothing of an earlier report" {
    for name in data failures runs aircraft.costs aircraft.speed aircraft.soft.results aircraft.soft.criteria \
        aircraft.soft.differences; do
        for ending in html tex md csv; do [ -s "$OUT/report/tables/$name.$ending" ]; done
    done
    [ ! -e "$OUT/report/tables/of-an-earlier-matrix.csv" ]
}

@test "CSV tables are rectangles that a reader of CSV agrees with" {
    python3 - "$OUT" <<'PYTHON'
import csv, glob, sys
out = sys.argv[1]
for path in glob.glob(out + "/report/tables/*.csv"):
    rows = list(csv.reader(open(path, newline="", encoding="utf-8"), strict=True))
    assert len(rows) > 1 and len({len(row) for row in rows}) == 1, path
    assert open(path, "rb").read().endswith(b"\r\n"), path
rows = list(csv.DictReader(open(out + "/report/tables/aircraft.iterative.results.csv", newline="", encoding="utf-8")))
assert [(r["removed"], r["criterion"], r["seeds"]) for r in rows] == [("0", "unpruned", "2")] + [
    (rate, c, "2") for rate in ("0.2", "0.4") for c in ("bn-scale", "l1-norm", "random")]
assert all(0 < float(r["top1"]) < 1 and float(r["top1_sd"]) >= 0 and float(r["params"]) > 1000 for r in rows)
soft = list(csv.DictReader(open(out + "/report/tables/aircraft.soft.results.csv", newline="", encoding="utf-8")))
assert {r["protocol"] for r in soft[1:]} == {"zero=gamma-beta"}
speed = list(csv.DictReader(open(out + "/report/tables/aircraft.speed.csv", newline="", encoding="utf-8")))
batches = [name for name in speed[0] if name.startswith("latency_ms_batch_") and not name.endswith("_sd")]
for b in batches:
    measured = [r for r in speed if r["seeds"] != "0"]
    assert len(measured) > 3 and all(0 < float(r[b]) < float(r[b.replace("_ms", "_p95_ms")]) for r in measured)
assert batches
PYTHON
}

@test "the page is well formed, stands alone and can be read aloud" {
    page=$OUT/report/index.html
    xmllint --html --noout --nonet "$page" 2>&1 | grep -vE 'Tag [a-zA-Z]+ invalid|^ *\^$|^<|^.{200,}' | grep error && false
    python3 - "$page" <<'PYTHON'
import base64, hashlib, html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
class Page(html.parser.HTMLParser):
    VOID = {"meta", "br", "hr", "img", "link", "input", "col"}
    def __init__(self):
        super().__init__()
        self.policy = ""
        self.open, self.ids, self.hrefs, self.tags, self.bad = [], [], [], {}, []
    def handle_starttag(self, tag, attributes, closed=False):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for key, value in attributes:
            if key == "id": self.ids.append(value)
            if key in ("href", "src", "xlink:href", "srcset", "data", "action", "poster"): self.hrefs.append(value)
            if key.startswith("on"): self.bad.append(key)
            if value and "url(" in value and not re.search(r"url\(#", value): self.bad.append(value)
        if tag == "meta" and dict(attributes).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attributes)["content"]
        if tag == "th": assert dict(attributes).get("scope") in ("col", "row")
        if tag == "svg": assert dict(attributes)["role"] == "img" and len(dict(attributes)["aria-label"]) > 20
        if not closed and tag not in self.VOID: self.open.append(tag)
    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes, closed=True)
    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag
page = Page()
page.feed(text)
assert not page.open and not page.bad, (page.open, page.bad)
assert len(page.ids) == len(set(page.ids)), "ids collide"
local = set(page.ids)
for href in page.hrefs:
    assert href[1:] in local if href.startswith("#") else re.fullmatch(r"(figures|data|tables|cells|\.\./cells)/[\w.-]+", href), href
assert page.tags["svg"] == 11 and page.tags["figcaption"] == 11 and "img" not in page.tags
# one script, our own, and nothing else may run or be fetched
script = text.partition("<script>")[2].partition("</script>")[0]
assert page.tags["script"] == 1 and script == open("../reports/report.js", encoding="utf-8").read()
digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
assert page.policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
without_figures = re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)
assert len(without_figures) < 3e6 / 10
assert "@import" not in text and not re.search(r'url\(\s*["\']?(https?:|//)', text)
for word in ("n = 2 seeds", "made-up", "bench-3", "blis 0.9.0 skx", "32 of 36 cells done"):
    assert word in text, word
PYTHON
}

@test "every cell has a page with its settings, stages, curves and widths, that names its other seeds" {
    cells=$OUT/report/cells
    [ "$(find "$cells" -name '*.html' | wc -l)" -eq 36 ]
    page=$cells/aircraft.vgg16-bcnn.random.iterative.blis.r40.s2.html
    python3 - "$page" "$OUT/cells/aircraft.vgg16-bcnn.random.iterative.blis.r40.s2.xml" <<'PYTHON'
import html.parser, sys, xml.etree.ElementTree as ET
text, r = open(sys.argv[1], encoding="utf-8").read(), "{urn:prunebench:result:1}"
cell = ET.parse(sys.argv[2]).getroot()
class Page(html.parser.HTMLParser):
    words, points, hrefs = "", [], []
    def handle_starttag(self, tag, attributes):
        self.points += [dict(attributes)["points"].split()] if tag == "polyline" else []
        self.hrefs += [dict(attributes)["href"]] if tag == "a" else []
    def handle_data(self, data): self.words += data + "|"
page = Page()
page.feed(text)
for option in cell.iter(r + "option"):
    assert f"|{option.get('name')}|" in page.words and f"|{option.get('value') or '–'}|" in page.words, option.attrib
for layer in cell.findall(r + "layer"):
    assert f"|{layer.get('name')}|{layer.get('channels')}|{layer.get('kept')}|" in page.words, layer.attrib
final = cell.findall(r + "accuracy")[-1]
assert f"|retrained|test|{100 * float(final.get('top1')):.2f}|" in page.words
assert "bench-3" in page.words and "|base|20|" in page.words and "|retrain-20|6|" in page.words
epochs = cell.findall(r + "epoch")
assert len(epochs) == 32 and [len(points) for points in page.points] == [32] * 4
assert page.points[0][0] == f"0,{150 * (1 - float(epochs[0].get('top1'))):.1f}".removesuffix(".0")
assert page.points[1][-1].startswith("600,") and page.points[2][-1].startswith("600,")
one = "aircraft.vgg16-bcnn.random.iterative.blis.r40.s"
assert page.hrefs == [f"../index.html#cell={one}2", f"../../cells/{one}2.xml", f"{one}1.html"], page.hrefs
PYTHON
    grep -q '<b>Message</b>: its process ended with signal SIGSEGV' "$cells"/aircraft.*.l1-norm.one-shot.*.s1.html
    grep -q 'retraining &lt;after&gt; the prune &amp; before' "$cells"/aircraft.*.l1-norm.one-shot.*.s1.html
}

@test "one CSV has an accuracy for each cell and seed, as the documents have it" {
    python3 - "$OUT" <<'PYTHON'
import csv, glob, os, sys, xml.etree.ElementTree as ET
r = "{urn:prunebench:result:1}"
rows = list(csv.DictReader(open(sys.argv[1] + "/report/tables/cells-long.csv", newline="", encoding="utf-8")))
assert len(rows) == 36 == len({row["cell"] for row in rows})
for row in rows:
    cell = ET.parse(f"{sys.argv[1]}/cells/{row['cell']}.xml").getroot()
    config = {o.get("name"): o.get("value") for o in cell.iter(r + "option")}
    for name in ("dataset", "model", "backend", "variant", "criterion", "schedule", "target", "seed"):
        assert row[name] == config[name], (row, name)
    assert row["status"] == cell.get("status") and float(row["asked"]) == float(config["target.amount"])
    test = {a.get("stage"): a.get("top1") for a in cell.iter(r + "accuracy") if a.get("split") == "test"}
    assert (row["top1"], row["top1_base"], row["top1_pruned"]) == tuple(test.get(s, "") for s in ("retrained", "base", "pruned"))
    params = {c.get("stage"): c.get("params") for c in cell.iter(r + "cost")}
    assert row["params"] == params.get("pruned", "")
assert sum(row["status"] == "ok" for row in rows) == 32
PYTHON
}

@test "the page says what failed, with the reason and the end of the log" {
    page=$OUT/report/index.html
    grep -q 'its process ended with signal SIGSEGV' "$page"
    grep -q 'retraining &lt;after&gt; the prune &amp; before' "$page"
    grep -q 'cut.xml' "$page"
    grep -q '‡' "$page"
}

@test "LaTeX tables balance their braces and use what booktabs has" {
    for table in "$OUT"/report/tables/*.tex; do
        parts=$(grep -c '^\\begin{table\*\?}' "$table")
        [ "$parts" -ge 1 ]
        [ "$(grep -c '^\\end{table\*\?}' "$table")" -eq "$parts" ]
        [ "$(grep -c '^\\toprule' "$table")" -eq "$parts" ]
        [ "$(grep -c '^\\bottomrule' "$table")" -eq "$parts" ]
        [ "$(grep -c '^\\label' "$table")" -eq 1 ]
        [ "$(sed 's/\\[{}]//g' "$table" | tr -dc '{' | wc -c)" -eq "$(sed 's/\\[{}]//g' "$table" | tr -dc '}' | wc -c)" ]
    done
    # short and narrow ones are within a column of two, wide ones across both
    grep -q '^\\begin{table}' "$OUT/report/tables/aircraft.iterative.criteria.tex"
    grep -q '^\\begin{table\*}' "$OUT/report/tables/aircraft.iterative.results.tex"
}

# Sets every table of a report in a class; none may be wider than its column or longer than a page.
set_tables() { # OUT, class
    {
        echo "\\documentclass$2\\usepackage{booktabs,graphicx}\\begin{document}text"
        for table in "$1"/report/tables/*.tex; do echo "\\input{$table}\\clearpage"; done
        echo '\end{document}'
    } >all.tex
    pdflatex -interaction=nonstopmode -halt-on-error all.tex >log 2>&1 || {
        tail -n 20 log
        return 1
    }
    run -1 grep -E '^Overfull .hbox|Float too large' log
}

@test "LaTeX sets the tables in one column and in two, none wider than its column or longer than a page" {
    command -v pdflatex >/dev/null || skip "pdflatex is not installed (scripts/setup documents)"
    cd "$BATS_TEST_TMPDIR" || return 1
    for class in '{article}' '[twocolumn]{article}'; do
        set_tables "$OUT" "$class"
    done
}

@test "LaTeX sets the tables in IEEEtran, for journals and for conferences" {
    command -v pdflatex >/dev/null || skip "pdflatex is not installed (scripts/setup documents)"
    kpsewhich IEEEtran.cls ptmr7t.tfm >/dev/null || skip "IEEEtran is not installed (scripts/setup documents)"
    cd "$BATS_TEST_TMPDIR" || return 1
    for class in '{IEEEtran}' '[conference]{IEEEtran}'; do
        set_tables "$OUT" "$class"
    done
}

@test "LaTeX shows names of criteria and data sets that hold its specials" {
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir specials
    cp -r "$OUT/cells" specials
    rm specials/cells/cut.xml
    sed -i -E 's/(name="criterion" value=")l1-norm"|(name="dataset" value=")aircraft"/\1\2# $ % \&amp; _ { } ~ ^ \\ $x"/' specials/cells/*.xml
    prunebench report specials --format latex >/dev/null
    grep -lF '\# \$ \% \& \_ \{ \} \textasciitilde{} \textasciicircum{} \textbackslash{} \$x' specials/report/tables/*.tex >shown
    [ "$(wc -l <shown)" -gt 5 ]
    command -v pdflatex >/dev/null || skip "pdflatex is not installed (scripts/setup documents)"
    for class in '{article}' '[twocolumn]{article}'; do
        set_tables specials "$class"
    done
}

@test "LaTeX breaks a path in a reason that is longer than the line" {
    command -v pdflatex >/dev/null || skip "pdflatex is not installed (scripts/setup documents)"
    long=$BATS_TEST_TMPDIR/a-folder-with-a-long-name/and-another_in_it/and.one.more.in.that
    mkdir -p "$long"
    cp -r "$OUT/cells" "$long/cells"
    prunebench report "$long" --format latex 2>/dev/null
    grep -q 'cells/.*cut' "$long/report/tables/failures.tex"
    cd "$BATS_TEST_TMPDIR" || return 1
    echo '\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}' \
        "\\input{$long/report/tables/failures.tex}\\end{document}" >one.tex
    pdflatex -interaction=nonstopmode -halt-on-error one.tex >log 2>&1
    run grep '^Overfull' log
    echo "$output"
    [ "$status" -eq 1 ]
}

# The lines of docs/report.md in one language, of this run, then more of them.
example() { # language
    sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" ../docs/report.md | sed "/^\`\`\`/d; s|OUT/|$OUT/|"
}

# What an example has found: the mean and standard deviation of one group, by Python alone.
expect_group() { # mean, sd
    python3 - "$OUT/report/tables/cells-long.csv" "$1" "$2" <<'END'
import csv, statistics, sys
rows = [row for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")) if row["status"] == "ok"]
values = [float(row["top1"]) for row in rows
          if (row["dataset"], row["schedule"], row["criterion"], row["target"]) == ("aircraft", "one-shot", "random", "r40")]
assert len(values) == 2, values
assert abs(statistics.mean(values) - float(sys.argv[2])) < 1e-9, (values, sys.argv)
assert abs(statistics.stdev(values) - float(sys.argv[3])) < 1e-9, (values, sys.argv)
END
}

@test "pandas reads the CSV as the documents say" {
    for python in python3 /usr/bin/python3 none; do # Debian's package is for Debian's Python
        [ "$python" != none ] || skip "pandas is not installed (scripts/setup documents)"
        if "$python" -c 'import pandas' 2>/dev/null; then break; fi
    done
    {
        example python
        echo 'found = ok.groupby(["dataset", "schedule", "criterion", "target"])["top1"].agg(["mean", "std"])'
        echo 'print("%.12f %.12f" % tuple(found.loc[("aircraft", "one-shot", "random", "r40")]))'
    } >"$BATS_TEST_TMPDIR/example.py"
    "$python" "$BATS_TEST_TMPDIR/example.py" >"$BATS_TEST_TMPDIR/said"
    grep -q 'mean *std *count' "$BATS_TEST_TMPDIR/said"
    # shellcheck disable=SC2046
    expect_group $(tail -n 1 "$BATS_TEST_TMPDIR/said")
}

@test "R reads the CSV as the documents say" {
    command -v Rscript >/dev/null || skip "R is not installed (scripts/setup documents)"
    {
        example r | sed '$s/^/found <- /'
        echo 'one <- subset(found, dataset == "aircraft" & schedule == "one-shot" & criterion == "random" & target == "r40")'
        echo 'cat(sprintf("%.12f %.12f\n", one$top1[, "mean"], one$top1[, "sd"]))'
    } >"$BATS_TEST_TMPDIR/example.r"
    Rscript "$BATS_TEST_TMPDIR/example.r" >"$BATS_TEST_TMPDIR/said"
    # shellcheck disable=SC2046
    expect_group $(tail -n 1 "$BATS_TEST_TMPDIR/said")
}

@test "formats can be chosen" {
    rm -rf "$BATS_TEST_TMPDIR/out"
    mkdir "$BATS_TEST_TMPDIR/out"
    cp -r "$OUT/cells" "$BATS_TEST_TMPDIR/out/cells"
    rm "$BATS_TEST_TMPDIR/out/cells/cut.xml"
    run prunebench report "$BATS_TEST_TMPDIR/out" --format csv,latex
    [ "$status" -eq 0 ]
    [ "$output" = "$BATS_TEST_TMPDIR/out/report/tables" ]
    [ -s "$BATS_TEST_TMPDIR/out/report/tables/data.csv" ]
    [ -s "$BATS_TEST_TMPDIR/out/report/tables/data.tex" ]
    [ ! -e "$BATS_TEST_TMPDIR/out/report/tables/data.md" ]
    [ ! -e "$BATS_TEST_TMPDIR/out/report/index.html" ]
    run prunebench report "$BATS_TEST_TMPDIR/out" --format latx
    [ "$status" -eq 2 ]
    [[ $output == *"unknown format 'latx'; did you mean 'latex'?"* ]]
}

@test "a stylesheet of one's own is applied to the summary" {
    cat >"$BATS_TEST_TMPDIR/own.xsl" <<'XSL'
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:s="urn:prunebench:summary:1">
  <xsl:output method="text"/>
  <xsl:template match="/"><xsl:value-of select="count(//s:row)"/> rows</xsl:template>
</xsl:stylesheet>
XSL
    prunebench report "$OUT" --stylesheet "$BATS_TEST_TMPDIR/own.xsl" --output "$BATS_TEST_TMPDIR/own.txt" 2>/dev/null
    [ "$(cat "$BATS_TEST_TMPDIR/own.txt")" = "18 rows" ]
    run prunebench report "$OUT" --stylesheet "$BATS_TEST_TMPDIR/own.xsl"
    [ "$status" -eq 2 ]
    [[ $output == *"--output"* ]]
    run prunebench report "$OUT" --stylesheet "$OUT/report/tables/data.csv" --output "$BATS_TEST_TMPDIR/x"
    [ "$status" -eq 2 ]
    [[ $output == *"data.csv:1: "* ]]
}

@test "a page whose tables would have too many rows leads to the long ones" {
    cat >"$BATS_TEST_TMPDIR/small.xsl" <<END
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:import href="$(realpath ../reports/index.xsl)"/>
  <xsl:variable name="page-rows" select="10"/>
  <xsl:variable name="long-rows" select="20"/>
</xsl:stylesheet>
END
    python3 - "$OUT" >"$BATS_TEST_TMPDIR/long" <<'END'
import csv, pathlib, sys
for table in sorted(pathlib.Path(sys.argv[1], "report/tables").glob("*.html")):
    rows = len(list(csv.reader(table.with_suffix(".csv").open(encoding="utf-8")))) - 1
    if rows > 20:
        print(table.stem, rows)
END
    [ "$(wc -l <"$BATS_TEST_TMPDIR/long")" -ge 1 ]
    prunebench report "$OUT" --stylesheet "$BATS_TEST_TMPDIR/small.xsl" -o "$BATS_TEST_TMPDIR/page.html"
    while read -r name rows; do
        grep -q "<a href=\"tables/$name.html\">All $rows rows, on a page of their own</a>" "$BATS_TEST_TMPDIR/page.html"
    done <"$BATS_TEST_TMPDIR/long"
    [ "$(grep -c 'on a page of their own' "$BATS_TEST_TMPDIR/page.html")" -eq "$(wc -l <"$BATS_TEST_TMPDIR/long")" ]
    run ! grep -q 'on a page of their own' "$OUT/report/index.html"
}

@test "a folder without results, and a missing gnuplot, get a message that helps" {
    run prunebench report "$BATS_TEST_TMPDIR"
    [ "$status" -eq 2 ]
    [[ $output == *"/cells: no such folder; "* ]]
    PRUNEBENCH_GNUPLOT=/nonexistent/gnuplot run prunebench report "$OUT" --format figures
    [ "$status" -eq 1 ]
    [[ $output == *"install the package gnuplot-nox"* ]]
}

setup() { cd "$(dirname "$BATS_TEST_FILENAME")/.." || return 1; }
