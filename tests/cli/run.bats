#!/usr/bin/env bats
# prunebench run, cell and check with real training: resume after SIGKILL, evil criteria, bad input, full disks.
bats_require_minimum_version 1.5.0
load ../support/runs.bash

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }
teardown() { if mountpoint -q "$BATS_TEST_TMPDIR/out"; then umount "$BATS_TEST_TMPDIR/out"; fi; }

# A matrix of small cells; $1: what to add.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="${EPOCHS:-2}" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="${LATENCY_RUNS:-0}"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  $1
</matrix>
END
}

@test "a run trains, prunes, retrains and measures every cell; the same command again runs none" {
    export LATENCY_RUNS=2
    matrix '<criterion plugin="bn-scale"/><schedule plugin="iterative"/><targets>0.3 0.5</targets>' >m.xml
    run prunebench run m.xml -o out -j 2
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"4 done, 0 were done before, 0 failed, 0 blocked; results in out/cells"* ]]
    [ "$(ls out/cells | wc -l)" -eq 4 ]
    grep -q '<latency stage="pruned" batch="2" .*runs="[0-9]*"' out/cells/*.one-shot.blis.r50.s1.xml
    run prunebench run m.xml -o out -j 2
    [ "$status" -eq 0 ]
    [[ $output == *"0 done, 4 were done before, 0 failed, 0 blocked"* ]]
    # the resolved matrix is a matrix, of the same cells
    run prunebench run out/matrix.xml -o out
    [[ $output == *"0 done, 4 were done before, 0 failed, 0 blocked"* ]]
    # another target runs just its own cells, on the stages that are there
    matrix '<criterion plugin="bn-scale"/><schedule plugin="iterative"/><targets>0.2 0.3 0.5</targets><exclude schedule="iterative"/>' >m.xml
    run prunebench run m.xml -o out -j 2
    [[ $output == *"1 done, 2 were done before, 0 failed, 0 blocked"* ]]
}

@test "a run killed amid a training resumes to the same weights and results, bit for bit" {
    export EPOCHS=30
    matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    id=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1
    prunebench run m.xml -o whole --threads 1 --quiet
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o cut --threads 1 --quiet 3>&- &
    coordinator=$!
    for _ in $(seq 3000); do
        compgen -G 'cut/stages/*.partial/epoch.safetensors' >/dev/null && break
        sleep 0.01
    done
    kill -KILL $coordinator
    wait $coordinator || true
    [ ! -e cut/cells/$id.xml ]
    compgen -G 'cut/stages/*.partial/epoch.safetensors' # it was amid the training
    for _ in $(seq 100); do # its child dies with it
        pgrep -f "cell cut/matrix.xml $id -o cut" >/dev/null || break
        sleep 0.05
    done
    run -1 pgrep -f "cell cut/matrix.xml $id -o cut"
    prunebench run m.xml -o cut --threads 1 --quiet
    timeless whole/cells/$id.xml >whole.xml
    timeless cut/cells/$id.xml >cut.xml
    diff whole.xml cut.xml
    [ "$(cd whole/stages && ls -d [0-9a-f]*)" = "$(cd cut/stages && ls -d [0-9a-f]*)" ]
    for network in whole/stages/*/network.safetensors; do
        cmp "$network" "cut${network#whole}"
    done
}

@test "a criterion that segfaults, one that loops and one that gives NaN cost their own cells only" {
    matrix '<criterion plugin="segfault"/><criterion plugin="forever"/><criterion plugin="not-a-number"/>
            <criterion plugin="bn-scale"/><targets>0.3</targets>
            <override criterion="forever"><limits time="4s"/></override>' >m.xml
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0 # a sanitizer would turn the signal into an exit
    run prunebench run m.xml -o out -j 2 --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"1 done, 0 were done before, 3 failed, 0 blocked"* ]]
    cells=out/cells/birds.vgg11-bcnn
    grep -q ' status="crashed"' $cells.segfault.*.xml
    grep -q '<failure signal="SIGSEGV">' $cells.segfault.*.xml
    grep -q ' status="timed-out"' $cells.forever.*.xml
    grep -q ' status="failed"' $cells.not-a-number.*.xml
    grep -q 'NaN\|nan\|not finite\|no finite' $cells.not-a-number.*.xml
    grep -q ' status="ok"' $cells.bn-scale.*.xml
    # left alone the next time, and run again with --retry
    run prunebench run m.xml -o out --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    [ "$status" -eq 1 ]
    [[ $output == *"0 done, 1 were done before, 3 failed"* ]]
    run prunebench run m.xml -o out --plugin-dir "$PRUNEBENCH_BUILD/tests/evil" --retry --only '*not-a-number*'
    [ "$status" -eq 1 ]
    [[ $output == *"0 done, 0 were done before, 1 failed"* ]]
}

@test "a result cut in half is warned about and run again; no other is lost" {
    matrix '<criterion plugin="bn-scale"/><targets>0.3 0.5</targets>' >m.xml
    prunebench run m.xml -o out --quiet
    result=out/cells/birds.vgg11-bcnn.bn-scale.one-shot.blis.r50.s1.xml
    truncate -s 1000 $result
    run prunebench run m.xml -o out
    [ "$status" -eq 0 ]
    [[ $output == *"warning: $result:"*": not well-formed XML: "*"; the cell is run again"* ]]
    [[ $output == *"1 done, 1 were done before, 0 failed"* ]]
    sed -i '1a <!DOCTYPE cell>' $result
    run prunebench run m.xml -o out
    [[ $output == *"warning: $result:2: a DOCTYPE is not accepted; remove it; the cell is run again"* ]]
    [[ $output == *"1 done, 1 were done before, 0 failed"* ]]
}

@test "two runs on one folder: the second is refused with the first one's pid" {
    matrix '<criterion plugin="forever"/><targets>0.3</targets>' >m.xml
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --quiet --plugin-dir "$PRUNEBENCH_BUILD/tests/evil" 3>&- &
    first=$!
    for _ in $(seq 500); do
        [ -s out/lock ] && break
        sleep 0.02
    done
    run prunebench run m.xml -o out --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "prunebench: 'out/lock' is locked by process $first on host '"* ]]
    # the first one ends when it is told to, as a program that a signal ended
    kill -TERM $first
    code=0
    wait $first || code=$?
    [ $code -eq 143 ]
    [ ! -e out/cells/birds.vgg11-bcnn.forever.one-shot.blis.r30.s1.xml ]
}

@test "a disk that is full when results are written: exit code 1, a message, no finished cell lost" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a tmpfs"
    mkdir out
    mount -t tmpfs -o size=12m tmpfs out || skip "no tmpfs can be mounted here"
    matrix '<criterion plugin="bn-scale"/><targets>0.3 0.5</targets>' >m.xml
    prunebench run m.xml -o out --quiet --only '*r30*'
    before=$(sha256sum out/cells/*r30*.xml)
    dd if=/dev/zero of=out/ballast bs=4k 2>/dev/null || true
    run prunebench run m.xml -o out
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"No space left on device"* ]]
    [ "$before" = "$(sha256sum out/cells/*r30*.xml)" ]
    rm out/ballast
    run prunebench run m.xml -o out --retry
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"1 done, 1 were done before, 0 failed"* ]]
}

@test "bad matrices get file, line and advice, and exit code 2" {
    refused() { # MESSAGE
        run prunebench check m.xml
        echo "$output"
        [ "$status" -eq 2 ]
        [[ $output == "prunebench: m.xml:$1"* ]]
        run prunebench run m.xml -o out
        [ "$status" -eq 2 ]
        [[ $output == "prunebench: m.xml:$1"* ]]
        [ ! -e out ]
    }
    echo "epochs = 3" >m.xml
    refused "1: not well-formed XML: "
    matrix '<criterion plugin="bn-scal"/><targets>0.3</targets>' >m.xml
    refused "8: unknown criterion 'bn-scal'; did you mean 'bn-scale'?"
    matrix '<criterion plugin="bn-scale"/><target>0.3</target>' >m.xml
    refused "8: <matrix>: unknown element <target>; did you mean <targets>?"
    matrix '<criterion plugin="bn-scale"/><schedule plugin="soft"><option name="zer" value="filters"/></schedule><targets>0.3</targets>' >m.xml
    refused "8: schedule 'soft': unknown option 'zer'; did you mean 'zero'?"
    { echo '<!DOCTYPE matrix>'; matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>'; } >m.xml
    refused "1: a DOCTYPE is not accepted; remove it"
    run prunebench check nowhere.xml
    [ "$status" -eq 2 ]
    [[ $output == *"nowhere.xml"* ]]
}

@test "data that is not here is no error to check, and an input error to run" {
    SETS=nowhere matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    run prunebench check m.xml --threads 1
    [ "$status" -eq 0 ]
    [[ $output == *"not here: data set 'nowhere/CUB_200_2011' is not there"* ]]
    run prunebench run m.xml -o out
    [ "$status" -eq 2 ]
    [[ $output == "prunebench: m.xml:6: dataset 'birds': there is no folder 'nowhere/CUB_200_2011'; "* ]]
}

@test "check lists cells and shared stages with what they cost, also as JSON" {
    matrix '<criterion plugin="bn-scale"/><criterion plugin="random"/><targets>0.3 0.5</targets>' >m.xml
    prunebench check m.xml --threads 1 --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["total"]["cells"] == 4 and len(d["cells"]) == 4, d["total"]
base = [s for s in d["stages"] if s["name"] == "base"]
assert len(base) == 1 and base[0]["cells"] == 4, base
# 2 epochs over 18 training images, forward and backward, and 6 of validation, forward
forward = 2609152
assert base[0]["macs"] == 2 * forward * (3 * 18 + 6), base
assert all(c["seconds"] > 0 and c["memory_bytes"] > 0 and c["missing"] == "" for c in d["cells"]), d["cells"]
assert d["total"]["macs"] < sum(c["macs"] for c in d["cells"]), "shared stages are counted once"
'
    run prunebench check m.xml --threads 1
    [[ $output == *"4 cells, "*" stages ("*" shared), "*" MACs, about "* ]]
}

@test "check predicts what a cell's process has in memory at its peak, within 5 %" {
    if grep -q __asan_init "$PRUNEBENCH_BUILD/prunebench"; then skip "resident memory means nothing under a sanitizer"; fi
    local evil="$PRUNEBENCH_BUILD/tests/evil"
    larger() { EPOCHS=1 matrix "$1" | sed 's/image-size="32" width-multiplier="0.125"/image-size="64"/'; }
    larger '<criterion plugin="bn-scale"/><criterion plugin="taylor-gate"/><targets>0.5</targets>' >m.xml
    # strengths of single weights take as much as the parameters, on the host and on the device; in the second epoch, what a
    # penalty is shown comes on top of all that a step touches
    larger '<penalty plugin="penalises" lambda="1e-5"><option name="does" value="weights"/></penalty>
        <criterion plugin="filter-norm" label="l1-norm"/><targets>0.5</targets>' | sed 's/<training epochs="1"/<training epochs="2"/' >penalised.xml
    for criterion in bn-scale taylor-gate l1-norm; do
        if [ $criterion = l1-norm ]; then mv penalised.xml m.xml; fi
        prunebench check m.xml --threads 2 --plugin-dir "$evil" --json >check.json
        id=birds.vgg11-bcnn.$criterion.one-shot.blis.r50.s1
        rm -rf out # a stored stage would not be made, and cost nothing
        prunebench cell m.xml $id -o out --threads 2 --plugin-dir "$evil"
        python3 - "$id" <<'END'
import json, re, sys
predicted = next(c["memory_bytes"] for c in json.load(open("check.json"))["cells"] if c["id"] == sys.argv[1])
peak = int(re.search(r'peak-rss-bytes="(\d+)"', open(f"out/cells/{sys.argv[1]}.xml").read()).group(1))
print(sys.argv[1], predicted, peak)
assert peak > 200e6 and abs(predicted / peak - 1) < 0.05
END
    done
}

@test "check says whether a training fits the memory, and tells it for a backend that cannot be created here" {
    matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    run prunebench check m.xml --threads 1
    [[ $output == *"memory: the largest cell needs "*" MiB of this machine's "*" MiB: it fits"* ]]
    SETS=nowhere matrix '<criterion plugin="bn-scale"/><backend plugin="blis"><option name="kernels" value="generic"/><option name="algorithm" value="direct"/></backend><targets>0.3</targets>' |
        sed 's/image-size="32"/image-size="2048"/; s/batch="8"/batch="60000"/' >m.xml
    run prunebench check m.xml --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *" MiB  ?"* ]]
    [[ $output == *"it does not fit; train smaller batches"* ]]
    [[ $output == *"not here: backend 'blis': "*"needs AVX2 and FMA"* ]]
}

@test "one cell by hand; an id that is misspelt gets a suggestion; an unwritable folder is named" {
    matrix '<criterion plugin="bn-scale"/><targets>0.3</targets>' >m.xml
    run prunebench cell m.xml birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s2 -o out
    [ "$status" -eq 2 ]
    [[ $output == "prunebench: m.xml has no cell 'birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s2'; did you mean 'birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1'?" ]]
    prunebench cell m.xml birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1 -o out
    grep -q ' status="ok"' out/cells/birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1.xml
    run prunebench run m.xml -o out
    [[ $output == *"0 done, 1 were done before, 0 failed"* ]]
    run prunebench run m.xml -o /proc/nothing/out
    [ "$status" -eq 1 ] || [ "$status" -eq 2 ]
    [[ $output == "prunebench: "*"/proc/nothing"* ]]
}
