#!/usr/bin/env bats
# prunebench check --diff: what a changed matrix would run anew in a folder of results, and why.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=drawn.vgg11-bcnn.bn-scale.one-shot.blis.r50.s

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" label="drawn" root="$PWD/sets/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
  <seeds>1 2</seeds>
  <stages keep="all"/>
</matrix>
END
    prunebench run m.xml -o out --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -a "$BATS_FILE_TMPDIR/out" "$BATS_FILE_TMPDIR/m.xml" .
}

everything() { find out -type f -exec sha256sum {} + | sort; }

@test "the same matrix: every cell stays, nothing is written" {
    before=$(everything)
    run -0 prunebench check m.xml --diff out
    echo "$output"
    [[ $output == *"stays:"*"  2 cells (${ID}1, ${ID}2): nothing has changed"* ]]
    [[ ${lines[-1]} == "0 of 2 cells are run anew, 2 stay, 0 failed, 0 results no longer belong" ]]
    sed -i 's/name="small"/name="renamed"/' m.xml
    run -0 prunebench check m.xml --diff out
    [[ $output == *": none of its stages depends on what has changed: matrix was small and is renamed"* ]]
    [ "$(everything)" == "$before" ]
    run -0 prunebench check m.xml --diff out --quiet
    [ -z "$output" ]
}

@test "a changed setting, a new seed and one that is gone: run does what was said" {
    sed -i 's/<retraining epochs="1"/<retraining epochs="2"/; s/<seeds>1 2/<seeds>1 3/' m.xml
    run -0 prunebench check m.xml --diff out
    echo "$output"
    [[ $output == *"run anew:"*"  1 cell (${ID}3): it has no result"*"  1 cell (${ID}1): retraining.0.5.epochs was 1 and is 2"* ]]
    [[ $output == *"no longer in the matrix"*"  ${ID}2"* ]]
    prunebench check m.xml --diff out --json >diff.json
    python3 - "$ID" <<'END'
import json, sys
diff = json.load(open("diff.json"))
assert [(cell["id"], cell["state"]) for cell in diff["cells"]] == [(sys.argv[1] + "1", "run"), (sys.argv[1] + "3", "run")]
assert diff["gone"] == [sys.argv[1] + "2"], diff
total = diff["total"]
assert (total["run"], total["stay"], total["gone"]) == (2, 0, 1), total
# The base of seed 1, its scores and its pruned network are stored; seed 3 has nothing.
assert 0 < total["stored"] < total["stages"] and total["macs"] > 0, total
END
    run -0 prunebench run m.xml -o out --threads 1
    [[ $output == *"${ID}1 is run again: retraining.0.5.epochs was 1 and is 2"* ]]
    run -0 prunebench check m.xml --diff out
    [[ ${lines[-1]} == "0 of 2 cells are run anew, 2 stay, 0 failed, 1 result no longer belongs" ]]
    touch out/cells/$'a\xff'.xml # a name that JSON cannot hold
    prunebench check m.xml --diff out --json | python3 -c 'import json, sys; assert "a?" in json.load(sys.stdin)["gone"]'
}

@test "changed code of a plugin, other images, a damaged result and a failure are named" {
    sed -i -E 's/(criterion-plugin="[^"]*sha256:)..../\10000/; s/config-sha256="[^"]*"/config-sha256="0"/; s/last-stage="[^"]*"/last-stage="0"/' \
        "out/cells/${ID}1.xml"
    sed -i 's/ status="ok"/ status="timed-out"/' "out/cells/${ID}2.xml"
    run -0 prunebench check m.xml --diff out
    echo "$output"
    [[ $output == *"(${ID}1): the code of the criterion plugin 'bn-scale' has changed"* ]]
    [[ $output == *"failed, and stays so"*"(${ID}2): "* ]]
    sed -i -E 's/inputs-sha256="[^"]*"/inputs-sha256="0"/' "out/cells/${ID}1.xml"
    head -c 900 "out/cells/${ID}1.xml" >"out/cells/${ID}2.xml"
    run -0 prunebench check m.xml --diff out
    [[ $output == *"(${ID}1): its images, labels, pretrained weights or teacher have changed"* ]]
    [[ $output == *"(${ID}2): its result cannot be read"* ]]
}

@test "a folder that is not there is wrong input" {
    run -2 prunebench check m.xml --diff none
    [[ $output == *"none: there is no such folder"* ]]
}
