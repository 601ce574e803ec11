#!/usr/bin/env bats
# prunebench status and show: of a run under way, one that was killed, one that a signal ended, and a finished one.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    evil=$PRUNEBENCH_BUILD/tests/evil
    cells=birds.vgg11-bcnn
    end=one-shot.blis.r30.s1
}

matrix() { # CRITERIA [EPOCHS]
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="${2:-1}" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  $1
  <targets>0.3</targets>
</matrix>
END
}

# A value of the state as JSON: field PYTHON-EXPRESSION over d.
field() { prunebench status out --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"; }

# Waits until the expression over the state of the run is true.
wait_until() {
    for _ in $(seq 600); do
        if [ -e out/running.json ] && [ "$(field "$1")" = True ]; then return; fi
        sleep 0.05
    done
    echo "never: $1"
    prunebench status out
    return 1
}

@test "a run under way shows stage, epoch and time; killed, it is interrupted; the command that is printed resumes it" {
    matrix '<criterion plugin="bn-scale"/><criterion plugin="forever"/><criterion plugin="random"/>' >"it's m.xml"
    "$PRUNEBENCH_BUILD/prunebench" run "it's m.xml" -o out --threads 1 --quiet --plugin-dir "$evil" 3>&- &
    coordinator=$!
    wait_until 'd["phase"] == "running" and d["ok"] == 1 and d["running"] != [] and d["running"][0]["stage"] == "score"'
    [ "$(field 'd["process"]')" = $coordinator ]
    [ "$(field '[c["id"] for c in d["running"]]')" = "['$cells.forever.$end']" ]
    [ "$(field '0 < d["running"][0]["share"] < 1 and d["running"][0]["seconds"] > 0')" = True ]
    [ "$(field '[d[k] for k in ("cells", "ok", "failed", "blocked", "running_now", "waiting")]')" = "[3, 1, 0, 0, 1, 1]" ]
    run -0 prunebench status out
    [[ ${lines[0]} == "out: running for "*"(process $coordinator on "*")" ]]
    [[ ${lines[1]} == "1 of 3 cells are ok, 0 failed, 0 blocked, 1 running, 1 waiting; "*" % of the work"* ]]
    run -0 prunebench show out $cells.forever
    [[ ${lines[0]} == "$cells.forever.$end: running, score" ]]
    [[ $output == *"document: none yet"* ]]

    # watching ends with the run
    "$PRUNEBENCH_BUILD/prunebench" status out --watch >watched 3>&- &
    watcher=$!
    kill -KILL $coordinator
    wait $coordinator || true
    wait $watcher
    grep -q '^resume with: ' watched

    run -0 prunebench status out
    [[ ${lines[0]} == "out: interrupted: its process $coordinator on "*" has ended without a word"* ]]
    [[ ${lines[1]} == "1 of 3 cells are ok, 0 failed, 0 blocked, 0 running, 2 waiting" ]]
    [[ ${lines[2]} == "resume with: prunebench run 'it'\\''s m.xml' -o out --threads 1 --plugin-dir "* ]]
    mkdir elsewhere
    cd elsewhere
    run -0 prunebench status ../out
    [[ ${lines[2]} == "resume with: cd "*" && prunebench run "* ]]
    cd ..

    # what the next run would do, without writing anything
    find out -type f -exec sha256sum {} + | sort >before
    run -0 prunebench run "it's m.xml" -o out --threads 1 --plugin-dir "$evil" --dry-run
    echo "$output"
    [[ $output == *"stays:"*"  1 cell ($cells.bn-scale.$end): nothing has changed"* ]]
    [[ $output == *"2 of 3 cells are run anew, 1 stay, 0 failed, 0 results no longer belong"* ]]
    [[ $output == *"2 of them resume:"*"  $cells.forever.$end: 1 of 4 stages are stored; next is score"* ]]
    [[ ${lines[-1]} == "about "*" here with 1 threads, one cell at a time"* ]]
    prunebench run "it's m.xml" -o out --threads 1 --plugin-dir "$evil" --dry-run --only '*random*' --json >dry.json
    python3 -c 'import json; d = json.load(open("dry.json"));
assert [c["state"] for c in d["cells"]] == ["left-out", "left-out", "run"], d
assert d["total"]["run"] == d["total"]["resumed"] == 1 and d["total"]["seconds"] > 0 and d["cells"][2]["stored"] == 1, d'
    run -2 prunebench run "it's m.xml" -o out --plugin-dir "$evil" --dry-run --only nothing
    [[ $output == *"--only 'nothing' names no cell of "* ]]
    find out -type f -exec sha256sum {} + | sort | diff before -
    prunebench run "it's m.xml" -o new --threads 1 --plugin-dir "$evil" --dry-run --quiet
    [ ! -e new ]

    # as it is printed, with the endless criterion left out
    resume=$(field 'd["resume"]')
    sed -i 's|<criterion plugin="forever"/>||' "it's m.xml"
    PATH=$PRUNEBENCH_BUILD:$PATH bash -c "$resume" >printed 2>progress
    [ ! -e out/running.json ]
    grep -qE "^\[2/2\] $cells.random.$end: ok, [0-9.]+ % \((±|−|\+)[0-9.]+\), [0-9]+ % of MACs removed, " progress
    run -0 prunebench status out
    [[ ${lines[0]} == "out: finished" ]]
    [[ ${lines[1]} == "2 of 2 cells are ok, 0 failed, 0 blocked, 0 running, 0 waiting" ]]
}

@test "while a training runs, the JSON has its stage, its epoch of how many and the time left, and why a cell is blocked" {
    matrix '<criterion plugin="segfault"/><criterion plugin="bn-scale"/>' |
        sed 's|<retraining epochs="1"/>|<retraining epochs="2000"/>|; s|<targets>0.3</targets>|<targets>0.3 0.5</targets>|' >m.xml
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 --quiet --plugin-dir "$evil" --only '*segfault*' --only '*bn-scale*r30*' 3>&- &
    coordinator=$!
    wait_until 'd["blocked"] == 1 and d["running"] != [] and (d["running"][0]["epoch"] or 0) > 1 and d["running"][0]["seconds_left"] is not None'
    prunebench status out --json >state.json
    run -0 prunebench status out
    kill -TERM $coordinator
    wait $coordinator || true
    echo "$output"
    cat state.json
    [[ $output =~ $cells.bn-scale.$end\ +retrain-30\ +epoch\ [0-9]+\ of\ 2000\ +[0-9]+\ % ]]
    python3 - "$cells" <<'END'
import json, math, sys
d, cells = json.load(open("state.json")), sys.argv[1]
(cell,) = d["running"]
assert (cell["id"], cell["stage"], cell["epochs"]) == (f"{cells}.bn-scale.one-shot.blis.r30.s1", "retrain-30", 2000), cell
assert 1 < cell["epoch"] < 2000 and 0 < cell["share"] < 1 and cell["seconds"] > 0, cell
assert abs(cell["share"] - cell["epoch"] / 2000) < 0.05, cell # the other stages are next to nothing beside 2000 epochs
assert math.isfinite(cell["seconds_left"]) and cell["seconds_left"] > 0, cell
assert math.isfinite(d["seconds_left"]) and d["seconds_left"] > 0, d
(blocked,) = [one for one in d["not_ok"] if one["status"] == "blocked"]
(crashed,) = [one for one in d["not_ok"] if one["status"] == "crashed"]
assert {blocked["id"], crashed["id"]} == {f"{cells}.segfault.one-shot.blis.r{share}.s1" for share in (30, 50)}, d
assert "score" in blocked["message"] and crashed["id"] in blocked["message"], blocked
END
}

@test "SIGINT ends a run with 130; its end as JSON and the state say so; failures are listed" {
    matrix '<criterion plugin="segfault"/><criterion plugin="forever"/>' >m.xml
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
    env --default-signal=INT "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 --json --plugin-dir "$evil" >end.json 2>progress 3>&- &
    coordinator=$!
    wait_until 'd["failed"] == 1 and d["running_now"] == 1'
    [ "$(field '[(c["id"], c["status"]) for c in d["not_ok"]]')" = "[('$cells.segfault.$end', 'crashed')]" ]
    kill -INT $coordinator
    code=0
    wait $coordinator || code=$?
    [ $code -eq 130 ]
    python3 - <<'END'
import json
d = json.load(open("end.json"))
assert (d["exit_code"], d["signal"], d["failed"], d["not_run"]) == (130, "SIGINT", 1, 1), d
assert [c["status"] for c in d["cells"]] == ["crashed", "waiting"], d
assert "SIGSEGV" in d["cells"][0]["message"] and d["cells"][0]["top1"] is None, d
END
    run -0 prunebench status out
    [[ ${lines[0]} == "out: interrupted by SIGINT at "* ]]
    [[ ${lines[1]} == "0 of 2 cells are ok, 1 failed, 0 blocked, 0 running, 1 waiting" ]]
    [[ $output == *"$cells.segfault.$end  crashed  its process died of SIGSEGV"* ]]
    # on a terminal of 40 columns and 4 lines no line wraps, and none scrolls
    if command -v script >/dev/null; then script -qc "stty cols 40 rows 4; '$PRUNEBENCH_BUILD/prunebench' status out --watch" /dev/null >screen; fi
    [ ! -e screen ] || [ "$(grep -c $'\e\[K' screen)" -eq 3 ]
    [ ! -e screen ] || [ -z "$(sed 's/\x1b\[[0-9]*[A-Z]//g' screen | tr -d '\r' | grep -E '^.{41}')" ]
    run -0 prunebench show out $cells.segfault.$end
    [[ ${lines[0]} == "$cells.segfault.$end: crashed"* ]]
    [[ $output == *"the log's end"* ]]
}

@test "a finished cell is shown whole, also as JSON; an unknown one gets a suggestion; state that others wrote is text" {
    matrix '<criterion plugin="bn-scale"/><criterion plugin="random"/>' >m.xml
    prunebench run m.xml -o out --threads 1 --json >end.json 2>progress
    python3 - <<'END'
import json
d = json.load(open("end.json"))
assert (d["exit_code"], d["signal"], d["done"], d["failed"]) == (0, None, 2, 0), d
assert all(0 <= c["top1"] <= 1 and 0 < c["macs_removed"] < 1 and c["seconds"] > 0 and c["ran"] for c in d["cells"]), d
END
    run -0 prunebench show out $cells.bn
    echo "$output"
    [[ ${lines[0]} == "$cells.bn-scale.$end: ok, "*" % of MACs removed, "* ]]
    key=$(sed -n 's/.* last-stage="\([0-9a-f]*\)".*/\1/p' out/cells/$cells.bn-scale.$end.xml)
    [[ $output == *"retrain-30  $key  stored"* ]]
    [[ $output == *"prune-30  base "* ]]
    prunebench show out $cells.bn --json >cell.json
    python3 - $cells.bn-scale.$end <<'END'
import json, sys, xml.etree.ElementTree as tree
d = json.load(open("cell.json"))
assert (d["id"], d["state"], d["of_this_matrix"]) == (sys.argv[1], "ok", True), d
r, x = d["result"], tree.parse(d["document"]).getroot()
name = lambda element: element.tag.split("}")[1]
for kind in ("cost", "accuracy", "layer", "pruning", "epoch"): # as many as the document has
    assert len(r[kind]) == sum(name(e) == kind for e in x) > 0, kind
accuracy = [e for e in x if name(e) == "accuracy"]
assert [a["top1"] for a in r["accuracy"]] == [float(e.get("top1")) for e in accuracy]
assert r["config"]["training.epochs"] == "1" and r["provenance"]["last-stage"] == d["stages"][-1]["key"]
END
    # a report as JSON: what it wrote, and the accuracies of its best row
    prunebench report out --format csv --json >report.json
    python3 - <<'END'
import json, os, xml.etree.ElementTree as tree
d = json.load(open("report.json"))
written = {os.path.join(folder, name) for folder, _, names in os.walk("out/report") for name in names} | {"out/summary.xml"}
assert set(d["files"]) == written and len(d["files"]) == len(written), d["files"]
section, = d["sections"]
best = section["best"]
assert (section["id"], section["cells"], section["ok"], best["verdict"]) == ("birds", 2, 2, "few-seeds"), d
cell, = [c for c in json.load(open("end.json"))["cells"] if f'.{best["criterion"]}.' in c["id"]]
assert (best["top1"], best["top1_unpruned"]) == (cell["top1"], cell["top1_unpruned"]), d
END
    touch -d '2 hours ago' out/report/tables/*
    prunebench report out --format html --json | python3 -c 'import json, sys; assert not any(".csv" in f for f in json.load(sys.stdin)["files"])'

    run -2 prunebench show out $cells
    [[ $output == *"'$cells' is the beginning of 2 cells of 'out': $cells.bn-scale.$end, $cells.random.$end" ]]
    run -2 prunebench show out $cells.bn-scala.$end
    [[ $output == *"'out' has no cell '$cells.bn-scala.$end'; did you mean '$cells.bn-scale.$end'?" ]]
    run -2 prunebench status "$SETS"
    [[ $output == *"there is no run in '$SETS'"* ]]

    # a result of another state of the matrix is none
    matrix '<criterion plugin="bn-scale"/>' 2 >m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    run -0 prunebench show out $cells.random
    [[ ${lines[1]} == "the matrix that was run last has no such cell: "* ]]
    sed -i "s/^[0-9a-f]\{64\} /$(printf '%064d' 0) /" out/matrix-cells.txt
    run -0 prunebench status out
    [[ ${lines[0]} == "out: not running, and not every cell has a result" ]]
    [[ ${lines[2]} == "resume with: prunebench run out/matrix.xml -o out" ]]

    # what a foreign coordinator wrote
    cat >out/running.json <<'END'
{"phase": "running", "owner": "000000-00000000-1-00000000", "host": "<script>\u001b[2J", "started": "", "updated": "2020-01-01T00:00:00Z",
 "folder": null, "command": "rm '\u001b]0;x", "process": 1, "signal": 0, "total": 1, "ok": 0, "failed": 1, "blocked": 0, "running": 0,
 "waiting": 0, "left_out": 0, "before": 0, "planned": 0, "share": null, "seconds": 1, "seconds_left": null,
 "cells": [{"id": "\"a\"</script>\u001b[31m", "status": "running", "text": "]]> \\", "share": 0.5, "seconds": 1, "seconds_left": null}]}
END
    sed -i 's/"left_out": 0/"left_out": 1/' out/running.json
    run -0 prunebench status out # counted from the documents, which do not tell what --only named
    [[ ${lines[1]} == "0 of 1 cells are ok, 0 failed, 0 blocked, 0 running, 1 waiting" ]]
    rm out/matrix-cells.txt # so that its own counts are printed
    run -0 prunebench status out
    [[ ${lines[0]} == "out: interrupted: its process 1 on <script>?[2J has ended"* ]] # silent since 2020
    [[ $output == *'"a"</script> [31m  ]]> \'* ]]
    [[ $output != *$'\e'* ]]
    prunebench status out --json | python3 -c 'import json, sys; assert json.load(sys.stdin)["running"][0]["stage"] == "]]> \\"'
    truncate -s 100 out/running.json
    run -2 prunebench status out
    [[ $output == *"out/running.json"*"not the state of a run"* ]]
}
