#!/usr/bin/env bats
# Latency: one measurement for each distinct network of a run, the same figure in every document, kept from run to run.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    export PRUNEBENCH_PROC=$BATS_FILE_TMPDIR/quiet
    mkdir quiet busy
    printf 'cpu  10 0 0 10 0 0 0 0 0 0\nprocs_running 1\n' >quiet/stat
    printf 'cpu  10 0 0 10 0 0 0 0 0 0\nprocs_running 701\n' >busy/stat
    "$PRUNEBENCH_BUILD/prunebench" synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix 2 >m.xml
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o finished -j 2 --quiet 2>log || { cat log; return 1; }
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export PRUNEBENCH_PROC=$BATS_FILE_TMPDIR/quiet
    cp -r "$BATS_FILE_TMPDIR/finished" out
    cp "$BATS_FILE_TMPDIR/m.xml" .
    ln -s "$BATS_FILE_TMPDIR/sets" sets
}

# Two seeds, two criteria, two targets; $1: the larger batch.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="$1" runs="4"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  <criterion plugin="bn-scale"/><criterion plugin="random"/>
  <targets>0.3 0.5</targets>
  <seeds>1 2</seeds>
</matrix>
END
}

# Of all documents: networks (widths and batch) with the figures that they have. Fails where one network has two.
figures() {
    python3 - out/cells/*.xml <<'END'
import sys, xml.etree.ElementTree as tree
ns = "{urn:prunebench:result:1}"
found = {}
for path in sys.argv[1:]:
    cell = tree.parse(path).getroot()
    widths = {cost.get("stage"): cost.get("widths") for cost in cell.iter(ns + "cost")}
    rows = list(cell.iter(ns + "latency"))
    assert rows, path + " has no latency"
    for row in rows:
        assert int(row.get("runs")) >= 4 and float(row.get("spread")) >= 0, row.attrib
        figure = " ".join(row.get(name, "") for name in ("median-ms", "p95-ms", "min-ms", "runs", "threads", "spread", "noisy"))
        found.setdefault((widths[row.get("stage")], row.get("batch")), set()).add(figure)
for network, of in sorted(found.items()):
    assert len(of) == 1, (network, of)
    print(*network, *of, sep=" | ")
END
}

@test "each distinct network is measured once, and every document that has it gets the same figure" {
    figures >found
    cat found
    [ "$(ls out/cells | wc -l)" -eq 8 ]
    [ "$(wc -l <found)" -eq "$(ls out/latency/*.json | wc -l)" ] # nothing was measured twice
    base=$(sed -n 's/.*<cost stage="base".* widths="\([^"]*\)".*/\1/p' out/cells/*.random.*.r30.s1.xml)
    [ "$(grep -c "^$base | " found)" -eq 2 ] # one for each batch
    grep -q '^.* | 1 | ' found
    # the first document's child measured the unpruned network, the others took it
    [ "$(cat out/logs/*.log | grep -c 'latency of base, batch 1: [0-9.]* ms\(;.*\)\?$')" -eq 1 ]
    [ "$(cat out/logs/*.log | grep -c 'latency of base, batch 1: [0-9.]* ms (measured before)')" -eq 7 ]
}

@test "a new cell takes the figures of earlier runs, and those that are there stay" {
    figures >before
    sed -i 's|<targets>0.3 0.5|<targets>0.2 0.3 0.5|' m.xml
    run -0 prunebench run m.xml -o out --only '*.r20.s1' --only '*.r30.*' --only '*.r50.*'
    [[ $output == *"2 done, 8 were done before"* ]]
    figures >after
    [ "$(comm -23 <(sort before) <(sort after) | wc -l)" -eq 0 ]
    [ "$(wc -l <after)" -gt "$(wc -l <before)" ]
    [ "$(wc -l <after)" -eq "$(ls out/latency/*.json | wc -l)" ]
}

@test "a cell's latencies can be asked for by hand, again and again, and stay the same" {
    figures >before
    id=birds.vgg11-bcnn.random.one-shot.blis.r30.s2
    threads=$(sed -n 's/.*<latency .* threads="\([0-9]*\)".*/\1/p' out/cells/$id.xml | head -n 1)
    run -0 prunebench cell m.xml $id -o out --latency "$threads"
    [[ $output == *"latency of base, batch 1: "*" ms (measured before)"* ]]
    figures >after
    diff before after
    # without a run: it measures what is not there
    rm -r out/latency
    run -0 prunebench cell m.xml $id -o out --latency "$threads"
    [[ $output == *"latency of base, batch 2: "*" ms"* && $output != *"measured before"* ]]
    # then all are measured anew and agree
    prunebench run m.xml -o out --quiet
    figures >anew
    [ "$(wc -l <anew)" -eq "$(wc -l <before)" ]
}

@test "a damaged figure is measured again, for all documents" {
    figures >before
    file=$(ls out/latency/*.json | head -n 1)
    old=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).read()[65:])["median_ms"])' "$file")
    sed -i 's/"median_ms": [0-9]*/"median_ms": 99/' "$file"
    run -0 prunebench run m.xml -o out
    echo "$output"
    [[ $output == *"warning: '$file' is damaged; the network is measured again"* ]]
    [[ $output == *"0 done, 8 were done before"* ]]
    figures >after
    [ "$(wc -l <after)" -eq "$(wc -l <before)" ]
    run ! grep ' 99\.' after
    # only that one network's figure is new
    [ "$(diff before after | grep -c '^>')" -eq 1 ]
    diff before after | grep '^< ' | grep -F " | $old "
    # and nothing is measured when the command is given again
    prunebench run m.xml -o out --quiet
    figures | diff after -
}

@test "a run that ended amid measuring resumes with the documents that lack figures" {
    figures >before
    for id in random.one-shot.blis.r30.s1 bn-scale.one-shot.blis.r50.s2; do
        sed -i '/<latency /d; s/ latency-setup="[^"]*"//' out/cells/birds.vgg11-bcnn.$id.xml
    done
    : >out/latency/.half.json.0123456789abcdef.tmp # what a killed process leaves
    run -0 prunebench run m.xml -o out
    figures >after
    diff before after
}

@test "another batch, or another count of threads, is measured; a matrix without changes is not" {
    before=$(cat out/cells/*.xml | sha256sum)
    prunebench run m.xml -o out -j 2 --quiet
    [ "$before" = "$(cat out/cells/*.xml | sha256sum)" ]
    matrix 3 >m.xml
    run -0 prunebench run m.xml -o out -j 2
    [[ $output == *"0 done, 8 were done before"* ]]
    run ! grep -l '<latency .*batch="2"' out/cells/*.xml
    [ "$(grep -l '<latency .*batch="3"' out/cells/*.xml | wc -l)" -eq 8 ]
    prunebench run m.xml -o out --threads 1 --quiet
    run ! grep '<latency .*threads="[^1]' out/cells/*.xml
    figures >after
}

@test "cells that ask for more runs than a figure has get a new one, and so do all others that share it" {
    figures >before
    sed -i 's|</matrix>|<override criterion="random"><latency batch="2" runs="200"/></override></matrix>|' m.xml
    run -0 prunebench run m.xml -o out -j 2
    figures >after
    [ "$(wc -l <after)" -eq "$(wc -l <before)" ]
    base=$(sed -n 's/.*<cost stage="base".* widths="\([^"]*\)".*/\1/p' out/cells/*.random.*.r30.s1.xml)
    [ "$(grep "^$base | 1 | " after | sed 's/.* | //' | cut -d' ' -f 4)" -ge 200 ]
    prunebench run m.xml -o out -j 2 --quiet
    figures | diff after -
}

@test "figures of a busy machine are marked in every document, and --retry on a quiet one measures them again" {
    rm -r out/latency
    PRUNEBENCH_PROC=$BATS_FILE_TMPDIR/busy run -0 prunebench run m.xml -o out
    echo "$output"
    networks=$(ls out/latency/*.json | wc -l)
    [[ $output == *"$networks of $networks latencies are marked as noisy; "*"--retry"* ]]
    [ "$(cat out/cells/*.xml | grep -c '<latency ')" -eq "$(cat out/cells/*.xml | grep -c '<latency .* noisy="true"')" ]
    grep -q '; noisy: 700.0 other processes were running' out/logs/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.log
    # the same command leaves them
    prunebench run m.xml -o out --quiet
    [ "$(cat out/cells/*.xml | grep -c '<latency .* noisy="true"')" -gt 0 ]
    figures >busy
    prunebench run m.xml -o out --retry --quiet
    figures >quiet
    [ "$(comm -12 <(sort busy) <(sort quiet) | wc -l)" -eq 0 ]
    run ! grep -q 'other processes' out/latency/*.json
}

@test "a document of an earlier version, without graphs, says how its latency can be measured" {
    sed -i '/<graph>/d' out/cells/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.xml
    rm -r out/latency
    run prunebench run m.xml -o out -j 2
    [ "$status" -eq 1 ]
    grep -q "delete 'out/cells/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.xml', and the next run makes it" out/logs/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.log
    rm out/cells/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.xml
    prunebench run m.xml -o out -j 2
    figures
}
