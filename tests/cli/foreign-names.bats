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
