#!/usr/bin/env bats
# A run beside published results: the section appears when asked for, with differences only where the scale is the same.

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }
ROOT=$BATS_TEST_DIRNAME/../..

# The cells of a run's folder whose names match, as if they were of aircraft's published scale.
full_scale() { # folder, pattern
    # shellcheck disable=SC2086
    sed -i -e 's/name="model.image-size" value="64"/name="model.image-size" value="224"/' \
        -e 's/<data train="[0-9]*" validation="[0-9]*" test="[0-9]*" classes="[0-9]*"/<data train="6000" validation="667" test="3333" classes="100"/' \
        -e 's|</config>|<option name="model.pretrained" value="w"/><option name="model.name" value="vgg16-bcnn"/><option name="model.width-multiplier" value="1"/></config>|' \
        "$1"/cells/$2.xml
}

setup_file() {
    export OUT=$BATS_FILE_TMPDIR/out
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$OUT" 1 2 2
    cp -r "$OUT" "$OUT-full"
    full_scale "$OUT-full" '*'
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$OUT-mixed" 2 2 2
    full_scale "$OUT-mixed" 'aircraft.*'
}

@test "the reference document is what its script makes, and fits the schema" {
    diff "$ROOT/studies/thesis/published.xml" <("$ROOT/studies/thesis/make-published")
    xmllint --noout --nonet --schema "$ROOT/harness/schema/result-1.xsd" "$ROOT/studies/thesis/published.xml"
}

@test "without a reference there is no such section; the matrix or the command line asks for it" {
    prunebench report "$OUT" --format html,csv
    [ ! -e "$OUT/report/tables/thesis.4-4.one-shot.csv" ]
    [ "$(grep -c 'id="published"' "$OUT/report/index.html" || true)" -eq 0 ]
    sed -i 's|<dataset plugin="aircraft"/>|<report reference="thesis"/>&|' "$OUT/matrix.xml"
    prunebench report "$OUT" --format html,csv,latex,markdown
    grep -q 'id="published"' "$OUT/report/index.html"
    for ending in html tex md csv; do
        for name in 4-1.data 4-2.settings 4-3.ablation 4-4.one-shot 4-4.one-shot.work 4-5.iterative 4-6.soft; do
            [ -s "$OUT/report/tables/thesis.$name.$ending" ]
        done
    done
    [ ! -e "$OUT/report/tables/thesis.4-7.one-shot-heavier.csv" ] # nothing was run with a heavier penalty
    rm -r "$OUT/report/tables"
    prunebench report "$OUT" --format csv --reference none
    [ ! -e "$OUT/report/tables/thesis.4-4.one-shot.csv" ]
    run prunebench report "$OUT" --reference thesi
    [ "$status" -eq 2 ]
    [[ $output == *"no published results 'thesi'; known are 'thesis'"* ]]
}

@test "another scale is said and shows no difference; the same scale shows ours minus published" {
    prunebench report "$OUT" --format csv,markdown,html --reference thesis
    grep -q 'image size 64 instead of 224' "$OUT/report/index.html"
    grep -q 'Not the published scale, so no difference is shown: aircraft' "$OUT/report/tables/thesis.4-4.one-shot.md"
    [ "$(grep -c difference "$OUT/report/tables/thesis.4-4.one-shot.csv" || true)" -eq 0 ]
    prunebench report "$OUT-full" --format csv,markdown --reference thesis
    [ "$(grep -c 'Not the published scale' "$OUT-full/report/tables/thesis.4-4.one-shot.md" || true)" -eq 0 ]
    python3 - "$OUT-full/report/tables" <<'END'
import csv, sys
def rows(name):
    with open(f"{sys.argv[1]}/thesis.{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
near = lambda a, b: abs(float(a) - b) < 1e-9
size = [r for r in rows("4-4.one-shot") if r["criterion"] in ("unpruned", "bn-scale")]
published = {"0": (.8449, 40938000), "0.2": (.8551, 35119000), "0.4": (.8557, 30781000)}
seen = 0
for r in size:
    if r["removed"] not in published:
        continue
    top1, params = published[r["removed"]]
    assert near(r["top1_published"], top1) and near(r["params_published"], params), r
    assert near(r["top1_difference"], float(r["top1"]) - top1), r
    assert near(r["params_difference"], float(r["params"]) - params), r
    assert r["protocol"] == "" and r["protocol_published"] == "selection=test", r
    if r["removed"] != "0":
        assert near(r["params_reduction_published"], 1 - params / 40938000), r
    seen += 1
assert seen >= 2, [r["removed"] for r in size]
assert all(r["top1_published"] == "" for r in rows("4-4.one-shot") if r["criterion"] in ("random", "l1-norm"))
soft = rows("4-6.soft")
assert all(r["protocol"] == "zero=gamma-beta" for r in soft if r["removed"] != "0"), soft
END
}

@test "where one data set is of the published scale and another is not, only the first shows differences" {
    prunebench report "$OUT-mixed" --format csv,markdown,html --reference thesis
    for name in 4-3.ablation 4-4.one-shot 4-4.one-shot.work 4-5.iterative 4-6.soft; do
        [ "$(grep -c '^Not the published scale, so no difference is shown: birds\.$' "$OUT-mixed/report/tables/thesis.$name.md")" -eq 1 ]
    done
    grep -q '<li>birds: not the published scale (.*image size 64 instead of 224' "$OUT-mixed/report/index.html"
    [ "$(grep -c '<li>aircraft: not the published scale' "$OUT-mixed/report/index.html" || true)" -eq 0 ]
    python3 - "$OUT-mixed/report/tables" <<'END'
import csv, sys
def rows(name):
    with open(f"{sys.argv[1]}/thesis.{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
near = lambda a, b: abs(float(a) - b) < 1e-9 * max(1, abs(b))
for name, quantities in (("4-4.one-shot", ("top1", "params", "params_reduction")), ("4-6.soft", ("top1", "params", "params_reduction")),
                         ("4-4.one-shot.work", ("macs_thesis", "macs_thesis_reduction"))):
    seen = {"aircraft": 0, "birds": 0}
    for row in rows(name):
        for q in quantities:
            if row[q + "_published"] == "" or row[q] == "":
                continue
            seen[row["dataset"]] += 1
            if row["dataset"] == "aircraft":
                assert near(row[q + "_difference"], float(row[q]) - float(row[q + "_published"])), (name, q, row)
            else:
                assert row[q + "_difference"] == "", (name, q, row)
    assert min(seen.values()) >= len(quantities), (name, seen)
(row,) = rows("4-3.ablation")
assert near(row["aircraft_difference"], float(row["aircraft_top1"]) - .8449), row
assert near(row["birds_published"], .7350) and row["birds_difference"] == "", row
END
}

@test "a matrix that asks for an unknown reference is refused before anything runs" {
    cat >"$BATS_TEST_TMPDIR/m.xml" <<END
<matrix xmlns="urn:prunebench:matrix:1" name="m">
  <report reference="thesi"/>
  <model name="vgg11-bcnn"/><dataset plugin="birds" root="x"/><criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/><targets>0.3</targets>
</matrix>
END
    run prunebench check "$BATS_TEST_TMPDIR/m.xml"
    [ "$status" -eq 2 ]
    [[ $output == *"m.xml:2: <report>: there are no published results 'thesi'"* ]]
}
