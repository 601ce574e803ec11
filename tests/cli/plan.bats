#!/usr/bin/env bats
# prunebench plan: stages, which cells wait for which, costs, longest path.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
}

matrix() { # what to add
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" label="drawn" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <stages keep="all"/>
  $1
</matrix>
END
}

# Two criteria, two schedules, two targets and two seeds share stages of many kinds.
shared() { matrix '<criterion plugin="random"/><schedule plugin="iterative"/><targets>0.3 0.5</targets><seeds>1 2</seeds>'; }

@test "the JSON holds together: keys, parents, dependences, own and whole costs, and the totals are those of check" {
    shared >m.xml
    prunebench check m.xml --threads 1 --json >check.json
    for speed in --no-speed ''; do
        # shellcheck disable=SC2086
        prunebench plan m.xml --threads 1 --json $speed >plan.json
        # shellcheck disable=SC2086
        python3 - $speed <<'END'
import json, sys
plan, check = json.load(open("plan.json")), json.load(open("check.json"))
timed = len(sys.argv) == 1
stages, cells, totals = plan["stages"], plan["cells"], plan["totals"]
near = lambda a, b: abs(a - b) <= 1e-9 * max(a, b)
assert (plan["matrix"], plan["threads"], plan["only"]) == ("small", 1, None) and plan["version"]
by_key = {stage["key"]: stage for stage in stages}
assert len(by_key) == len(stages) == check["total"]["stages"] == totals["stages"]
assert [(s["key"], s["name"], s["macs"]) for s in stages] == [(s["key"], s["name"], s["macs"]) for s in check["stages"]]
seen = set()
for stage in stages:
    assert stage["parent"] is None or stage["parent"] in seen
    assert (stage["parent"] is None) == (stage["name"] == "base")
    assert stage["cells"] == sum(stage["key"] in cell["stages"] for cell in cells)
    assert (stage["seconds"] is not None) == timed and "stored" not in stage
    seen.add(stage["key"])
assert {(s["verb"], s["name"].split("-")[0]) for s in stages} == {("train", "base"), ("score", "score"), ("prune", "prune"), ("train", "retrain")}
assert sum(stage["name"] == "base" for stage in stages) == 2  # of two seeds

measure = "seconds" if timed else "macs"
ends, made_by = {}, {}
for cell, checked in zip(cells, check["cells"], strict=True):
    assert [cell[member] for member in ("id", "stages", "macs")] == [checked[member] for member in ("id", "stages", "macs")]
    assert abs(cell["memory"] - checked["memory_bytes"]) < 1 << 20  # what a process holds at its start differs a little
    own = [key for key in cell["stages"] if made_by.setdefault(key, cell["id"]) == cell["id"]]
    others = {made_by[key] for key in cell["stages"]} - {cell["id"]}
    assert cell["depends"] == [id for id in ends if id in others]
    assert cell["own_macs"] == cell["evaluation_macs"] + sum(by_key[key]["macs"] for key in own)
    assert cell["macs"] == cell["evaluation_macs"] + sum(by_key[key]["macs"] for key in cell["stages"])
    assert cell["memory"] == max(by_key[key]["memory"] for key in cell["stages"])
    assert not cell["open"] and cell["missing"] == "" and cell["reason"] is None
    ends[cell["id"]] = cell["own_" + measure] + max((ends[other] for other in cell["depends"]), default=0)
assert any(len(cell["depends"]) > 1 for cell in cells)
assert totals["cells"] == len(cells) == 16 and totals["unknown"] == 0
assert totals["macs"] == check["total"]["macs"] == sum(cell["own_macs"] for cell in cells)
assert totals["memory"] == max(cell["memory"] for cell in cells)
path = totals["critical_path"]
by_id = {cell["id"]: cell for cell in cells}
assert len(path["cells"]) > 1
assert path["stages"] == [key for id in path["cells"] for key in by_id[id]["stages"] if made_by[key] == id]
assert near(path[measure], max(ends.values())) and near(path[measure], ends[path["cells"][-1]])
assert path["macs"] == sum(by_id[id]["own_macs"] for id in path["cells"]) < totals["macs"]
for before, id in zip(path["cells"], path["cells"][1:]):
    assert before in by_id[id]["depends"]
if timed:
    assert near(totals["seconds"], sum(cell["own_seconds"] for cell in cells))
    assert near(totals["seconds"], sum(s["seconds"] for s in stages) + sum(cell["evaluation_seconds"] for cell in cells))
    speed, = (speed["macs_per_second"] for speed in plan["speeds"])
    assert all(near(cell[of + "seconds"] * speed, cell[of + "macs"]) for cell in cells for of in ("", "own_", "evaluation_"))
else:
    assert totals["seconds"] is path["seconds"] is cells[0]["seconds"] is cells[0]["own_seconds"] is None and plan["speeds"] == []
END
    done
}

@test "the text says the same: a line for each name of stages, totals as check prints them, longest path" {
    shared >m.xml
    prunebench check m.xml --no-speed --threads 1 | sed -n '/^16 cells/,$p' >of_check
    run -0 prunebench plan m.xml --no-speed --threads 1
    echo "$output"
    prunebench plan m.xml --no-speed --json >plan.json
    grep -v '^memory:' of_check | diff - <(grep '^16 cells' <<<"$output")
    [ "$(wc -l <of_check)" -eq 2 ]
    python3 - "$output" <<'END'
import collections, json, re, sys
plan, text = json.load(open("plan.json")), sys.argv[1]
line = r"^(memory: the largest cell needs )(\d+)( MiB of this machine's \d+ MiB: it fits)$"
checked, planned = re.findall(line, open("of_check").read(), re.M), re.findall(line, text, re.M)
assert len(checked) == len(planned) == 1 and checked[0][::2] == planned[0][::2], (checked, planned)
# What a process holds at its start differs a little.
assert abs(int(checked[0][1]) - int(planned[0][1])) <= 1 and int(planned[0][1]) > 0, (checked, planned)
counts = collections.Counter(stage["name"] for stage in plan["stages"])
rows = dict(re.findall(r"^  ([a-z0-9-]+) +(\d+) +[\d.]+(?: [kMGT])?$", text, re.M))
assert rows == {**{name: str(count) for name, count in counts.items()}, "evaluations": "16"}, rows
path = re.search(r"^longest path: ([\d.]+) M MACs, in (\d+) cells one after another: (.*)$", text, re.M)
longest = plan["totals"]["critical_path"]
assert abs(float(path[1]) - longest["macs"] / 1e6) <= 0.5
assert path[3].split(", ") == longest["cells"] and int(path[2]) == len(longest["cells"])
END
    run -0 prunebench plan m.xml --threads 1
    [[ $output =~ 'stage '.*' MACs '.*'time' ]]
    [[ $output =~ 'longest path: '[^,]*' MACs, about ' ]]
    [ -z "$(prunebench plan m.xml --no-speed --quiet)" ]
}

@test "--only plans those cells alone: what they share is counted for the first of them" {
    shared >m.xml
    prunebench plan m.xml --no-speed --json --only '*.r50.s2' --only '*.random.one-shot.*.r30.s1' >plan.json
    python3 - <<'END'
import json
plan = json.load(open("plan.json"))
cells, totals = plan["cells"], plan["totals"]
assert [cell["id"].split("blis.")[1] for cell in cells] == ["r50.s2"] * 2 + ["r30.s1"] + ["r50.s2"] * 2, cells
assert plan["only"] == ["*.r50.s2", "*.random.one-shot.*.r30.s1"]
assert cells[0]["depends"] == cells[2]["depends"] == [] and cells[1]["depends"] == [cells[0]["id"]]
assert cells[0]["own_macs"] == cells[0]["macs"] and cells[2]["own_macs"] == cells[2]["macs"]
assert totals["cells"] == 5 and totals["unknown"] == 0
assert totals["macs"] == sum(cell["own_macs"] for cell in cells)
assert {key for cell in cells for key in cell["stages"]} == {stage["key"] for stage in plan["stages"]}
assert max(stage["cells"] for stage in plan["stages"]) == 4
END
    run -0 prunebench plan m.xml --no-speed --only '*.r50.s2'
    [[ $output == *$'\n'"4 cells, "* ]]
}

@test "--output says which stages are stored, and writes nothing" {
    matrix '<targets>0.3 0.5</targets>' >m.xml
    prunebench run m.xml -o out --only '*.r50.*' --threads 1 --quiet
    find out -type f -exec sha256sum {} + | sort >before
    prunebench plan m.xml --no-speed --json -o out >plan.json
    find out -type f -exec sha256sum {} + | sort | diff before -
    python3 - <<'END'
import json
stages = json.load(open("plan.json"))["stages"]
assert {stage["name"]: stage["stored"] for stage in stages} == {
    "base": True, "score": True, "prune-30": False, "retrain-30": False, "prune-50": True, "retrain-50": True}, stages
END
    run -0 prunebench plan m.xml --no-speed -o out
    [[ $output =~ 'stored'.*'base '\ *1\ *1\ .*'prune-30 '\ *1\ *0\  ]]
    # data that is not here: nothing that is stored is known to be of it
    sed "s|$SETS/CUB_200_2011|$PWD/nowhere|" m.xml >other.xml
    prunebench plan other.xml --no-speed --json -o out >plan.json
    python3 -c 'import json; assert all(s["provisional"] and not s["stored"] for s in json.load(open("plan.json"))["stages"])'
}

@test "an adaptive cell is open, data that is not here is named, and a cell that cannot be planned says why" {
    matrix '<targets>0.4</targets>' | sed 's|<schedule plugin="one-shot"/>|<schedule plugin="netadapt"/>|' >m.xml
    prunebench plan m.xml --no-speed --json | python3 -c 'import json, sys; assert [c["open"] for c in json.load(sys.stdin)["cells"]] == [True]'
    run -0 prunebench plan m.xml --no-speed
    [[ $output == *$'\n'"1 cell is adaptive: counted up to the first measurement" ]]
    matrix '<targets>0.4</targets>' | sed 's|root="[^"]*"|root="nowhere"|' >m.xml
    prunebench plan m.xml --no-speed --json |
        python3 -c 'import json, sys; cell, = json.load(sys.stdin)["cells"]; assert "nowhere" in cell["missing"] and cell["macs"] > 0'
    matrix '<schedule plugin="odd" label="exits"><option name="does" value="exits"/></schedule><targets>0.4</targets>' >m.xml
    run -1 --separate-stderr prunebench plan m.xml --no-speed --json --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    [[ $stderr == *"schedule 'exits' "* ]]
    python3 - "$output" <<'END'
import json, sys
good, bad = json.loads(sys.argv[1])["cells"]
assert good["reason"] is None and good["macs"] > 0
assert "schedule 'exits' " in bad["reason"] and bad["stages"] == bad["depends"] == []
assert bad["macs"] is bad["own_macs"] is bad["memory"] is bad["seconds"] is None
END
}

@test "globs that name no cell, matrices and folders that are not there are wrong input" {
    matrix '<targets>0.4</targets>' >m.xml
    run -2 prunebench plan m.xml --only 'nothing*'
    [[ $output == *"'nothing*' names no cell"* ]]
    run -2 prunebench plan none.xml
    [[ $output == *"none.xml"* ]]
    run -2 prunebench plan m.xml -o none
    [[ $output == *"none: there is no such folder"* ]]
    run -2 prunebench plan m.xml --threads 0
    run -2 prunebench plan
}

@test "the rules of plan-to-snakemake, run in the order of their inputs, make every cell, each on stages that are stored" {
    export PATH=$PRUNEBENCH_BUILD:$PATH
    matrix '<criterion plugin="random"/><targets>0.3 0.5</targets><seeds>1 2</seeds>' >"a {matrix}.xml"
    prunebench plan "a {matrix}.xml" --threads 1 --json --only '*.s1' >plan.json
    "$BATS_TEST_DIRNAME/../../scripts/examples/plan-to-snakemake" "a {matrix}.xml" out <plan.json >Snakefile
    python3 - <<'END'
import ast, json, os, re, subprocess
plan = json.load(open("plan.json"))
rules = {}
for name, body in re.findall(r"^rule (\w+):\n((?: .*\n)+)", open("Snakefile").read(), re.M):
    files = lambda title: [ast.literal_eval(file) for file in re.findall(r"^        (?:ancient\()?('[^']*')\)?,$",
                           (re.findall(rf"^    {title}:\n((?:        .*\n)+)", body, re.M) or [""])[0], re.M)]
    shell = ast.literal_eval(re.search(r"^    shell: (.*)$", body, re.M)[1])
    rules[name] = files("input"), files("output"), shell.format(), re.search(r"^    resources: (.*)$", body, re.M)
last = rules.pop("all")
assert len(rules) == len(last[0]) == len(plan["cells"]) == 4
by_output = {f"out/cells/{cell['id']}.xml": cell for cell in plan["cells"]}
left = list(reversed(rules.values()))  # the order is that of the inputs, not of the file
while left:
    inputs, (output,), shell, resources = ready = next(rule for rule in left if all(map(os.path.exists, rule[0])))
    left.remove(ready)
    cell = by_output.pop(output)
    stored = [os.path.isdir(f"out/stages/{key}") for key in cell["stages"]]
    assert stored == sorted(stored, reverse=True) and any(stored) == bool(inputs), (cell["id"], stored)
    assert int(re.search(r"mem_mb=(\d+)", resources[1])[1]) << 20 >= cell["memory"]
    assert int(re.search(r"runtime=(\d+)", resources[1])[1]) * 60 >= cell["own_seconds"]
    subprocess.run(shell, shell=True, check=True)
    assert os.path.exists(output)
assert {name for name in os.listdir("out/stages") if len(name) == 64} == {stage["key"] for stage in plan["stages"]}
said = subprocess.run(last[2], shell=True, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8").stdout
assert "0 done, 4 were done before, 0 failed, 0 blocked" in said, said
END
    run -1 "$BATS_TEST_DIRNAME/../../scripts/examples/plan-to-snakemake"
    [[ $output == *"usage: "* ]]
    run -1 "$BATS_TEST_DIRNAME/../../scripts/examples/plan-to-snakemake" m.xml 'o{u}t' <plan.json
    [[ $output == "plan-to-snakemake: 'o{u}t': "* ]]
    run -1 "$BATS_TEST_DIRNAME/../../scripts/examples/plan-to-snakemake" m.xml out </dev/null
    [[ $output == "plan-to-snakemake: standard input is not "* ]]
}

@test "plan-to-snakemake leaves out a cell that cannot be planned, and says so" {
    matrix '<schedule plugin="odd" label="exits"><option name="does" value="exits"/></schedule><targets>0.4</targets>' >m.xml
    run -1 --separate-stderr prunebench plan m.xml --no-speed --json --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"
    run -0 --separate-stderr "$BATS_TEST_DIRNAME/../../scripts/examples/plan-to-snakemake" m.xml out <<<"$output"
    [[ $stderr == "plan-to-snakemake: no rule for drawn.vgg11-bcnn.bn-scale.exits."*"schedule 'exits' "* ]]
    [ "$(grep -c '^rule cell_' <<<"$output")" -eq 1 ]
    run ! grep -F runtime= <<<"$output" # no speed was measured
}
