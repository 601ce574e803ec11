#!/usr/bin/env bats
# prunebench plan --workers: a run on many workers, simulated.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    cd "$BATS_TEST_TMPDIR" || return
    ln -s "$sources/studies" studies
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
}

# 2 seeds, of each a base model that 2 criteria × 2 targets share; its data is not there.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="10" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="4"/>
  <dataset plugin="birds" root="nowhere"/>
  <criterion plugin="bn-scale"/>
  <criterion plugin="random"/>
  <schedule plugin="one-shot"/>
  <targets>0.3 0.5</targets>
  <seeds>1 2</seeds>
</matrix>
END
}

@test "one worker does all work, many take as long as the longest cell, and all time is worked, waited, away or free" {
    matrix >m.xml
    # about a day of work
    speed=$(prunebench plan m.xml --no-speed --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["totals"]["macs"] / 86400)')
    for hosts in '' '--preempt 3' '--lose 3'; do
        # shellcheck disable=SC2086
        prunebench plan m.xml --no-speed --json --worker-speed "$speed" --workers 1,2,50 $hosts >plan.json
        python3 - "$speed" $hosts <<'END'
import json, sys
plan = json.load(open("plan.json"))
speed, preempted, lost = float(sys.argv[1]), "--preempt" in sys.argv, "--lose" in sys.argv
simulation, macs = plan["simulation"], {stage["key"]: stage["macs"] for stage in plan["stages"]}
near = lambda a, b: abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1)
assert simulation["worker_speed"] == speed and simulation["preempt_hours"] == (3 if preempted else None)
assert simulation["lose_hours"] == (3 if lost else None)
alone = {cell["id"]: cell["macs"] / speed + 5 for cell in plan["cells"]}
assert near(simulation["longest_cell_seconds"], max(alone.values()))
assert near(alone[simulation["longest_cell"]], max(alone.values()))
work = plan["totals"]["macs"] / speed + 5 * 8
assert [row["workers"] for row in simulation["workers"]] == [1, 2, 50]
for row in simulation["workers"]:
    assert near(row["work_seconds"], work) and row["ended"] == 8
    assert near(row["workers"] * row["seconds"], sum(row[name + "_seconds"] for name in ("busy", "idle", "away", "left")))
    assert near(row["busy_seconds"], work + row["repeated_seconds"])
    assert row["seconds"] >= simulation["longest_cell_seconds"] - 1e-6
    assert (row["away_seconds"] > 0) == (row["repeated_seconds"] > 0) == (preempted or lost)
    assert (row["preempted"] > 0) == preempted and (row["lost"] > 0) == lost
    assert 0 < row["operations"] and row["peak_operations_per_minute"] < row["operations"]
one, two, fifty = (row["seconds"] for row in simulation["workers"])
if not preempted and not lost:
    assert near(one, work)
    # another cell of the same length may begin behind the base model's end: a look and its start later
    assert fifty <= max(alone.values()) + 10 + 5, (fifty, max(alone.values()))
    assert work / 2 <= two < one
END
    done
}

@test "the table says what the JSON says" {
    matrix >m.xml
    run -0 prunebench plan m.xml --no-speed --workers '1, 6' --worker-speed 1e6
    echo "$output"
    prunebench plan m.xml --no-speed --workers 1,6 --worker-speed 1e6 --json >plan.json
    python3 - "$output" <<'END'
import json, re, sys
simulation, text = json.load(open("plan.json"))["simulation"], sys.argv[1]
assert "\nsimulated, with workers of 1.00 M MACs per second:\n" in text
rows = re.findall(r"^ +(\d+) +(\d+) d (\d+) h +([\d.]+) % +([\d.]+) % +([\d.]+) % +([\d.e+]+) +([\d.e+]+) +(\d+) d (\d+) h$", text, re.M)
for shown, row in zip(rows, simulation["workers"], strict=True):
    all = row["workers"] * row["seconds"]
    assert int(shown[0]) == row["workers"]
    assert abs(int(shown[1]) * 24 + int(shown[2]) - row["seconds"] / 3600) <= 1
    assert abs(float(shown[3]) - 100 * row["work_seconds"] / all) <= 0.051
    assert abs(float(shown[4]) - 100 * row["idle_seconds"] / all) <= 0.051
    assert abs(float(shown[5]) - 100 * row["left_seconds"] / all) <= 0.051
    assert abs(float(shown[6]) / (row["operations"] / row["seconds"]) - 1) < 0.01
    assert abs(float(shown[7]) / (row["peak_operations_per_minute"] / 60) - 1) < 0.01
    assert abs(int(shown[8]) * 24 + int(shown[9]) - row["matrix_order_seconds"] / 3600) <= 1
assert re.search(rf"^no number of workers takes less than .*, for {re.escape(simulation['longest_cell'])} alone: base .*, retrain-30 ", text, re.M)
END
    [[ $output != *repeated* ]]
    run -0 prunebench plan m.xml --no-speed --workers 6 --worker-speed 1e6 --preempt 100
    [[ $output == *"repeated"*"away"* && $output == *"; each is preempted after 100 h on average:"* ]]
    run -0 prunebench plan m.xml --no-speed --workers 6 --worker-speed 1e6 --lose 200
    [[ $output == *"repeated"*"away"* && $output == *"; each loses its host after 200 h on average:"* ]]
    run -0 prunebench plan m.xml --no-speed
    [[ $output != *simulated* ]]
}

@test "workers for which no cell waits are free; those that wait look ever less often; cells that are left out are not run" {
    matrix >m.xml
    prunebench plan m.xml --no-speed --worker-speed 1e6 --workers 8,50,1000 --json >many.json
    prunebench plan m.xml --no-speed --worker-speed 1e6 --workers 1 --only '*.s1' --json >one.json
    python3 - <<'END'
import json
many, one = (json.load(open(name + ".json")) for name in ("many", "one"))
# all 8 cells are begun when the base models and then the scores are stored, and somebody has looked
longest = lambda name: max(stage["macs"] for stage in many["stages"] if stage["name"] == name)
begun = 2 * (5 + 10) + (longest("base") + longest("score")) / 1e6
eight, fifty, thousand = many["simulation"]["workers"]
for row in (fifty, thousand):
    assert row["left_seconds"] >= (row["workers"] - 8) * (row["seconds"] - begun)
    assert 0 < row["idle_seconds"] <= (row["workers"] - 2) * begun
# a worker that waits for hours makes one look in 10 s, after 138 in its first nine minutes, and little else
looks = 138 + begun / 10
assert 0.9 < (thousand["operations"] - fifty["operations"]) / (950 * looks) < 1.2
row = one["simulation"]["workers"][0]
assert row["ended"] == 4 and abs(row["seconds"] - (one["totals"]["macs"] / 1e6 + 20)) < 1e-3
END
}

@test "what is stored is not made again" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix | sed 's|nowhere|sets/CUB_200_2011|; s|epochs="10"|epochs="1"|; s|epochs="4"|epochs="1"|' >m.xml
    prunebench run m.xml -o out --only '*.bn-scale.*.r30.s1' --threads 1 --quiet
    prunebench plan m.xml --no-speed --json --workers 1 --worker-speed 1000 -o out >plan.json
    python3 - <<'END'
import json
plan = json.load(open("plan.json"))
missing = sum(stage["macs"] for stage in plan["stages"] if not stage["stored"])
evaluations = sum(cell["evaluation_macs"] for cell in plan["cells"])
assert 0 < missing < sum(stage["macs"] for stage in plan["stages"])
row, = plan["simulation"]["workers"]
assert abs(row["seconds"] - (missing + evaluations) / 1000 - 5 * 8) < 1e-3
END
}

@test "the document's tables are what its commands print" {
    found=0
    while IFS= read -r line; do
        $line | sed -n '/^  workers /,$p' | grep '^ ' >printed
        awk -v command="$line" '$0 == command { open = 1; next } /^```$/ { open = 0 } open' "$sources/docs/scaling.md" >shown
        diff shown printed
        found=$((found + 1))
    done < <(grep '^prunebench plan ' "$sources/docs/scaling.md")
    [ "$found" -ge 2 ]
}

@test "numbers that are none, options without workers, and hosts that let nothing end are wrong input" {
    matrix >m.xml
    for workers in 0 1.5 x '' 1,-2 200000; do
        run -2 prunebench plan m.xml --no-speed --worker-speed 1e6 --workers "$workers"
        [[ $output == *"--workers: '$workers' is no list of whole numbers from 1 to 100000"* ]]
    done
    run -2 prunebench plan m.xml --no-speed --workers 4
    [[ $output == *"with --no-speed, give --worker-speed, too" ]]
    for option in preempt lose; do
        run -2 prunebench plan m.xml --no-speed --$option 4
        [[ $output == *"--$option: it is of a simulation; give --workers, too" ]]
        run -2 prunebench plan m.xml --no-speed --workers 4 --worker-speed 1e6 --$option 0
        run -2 prunebench plan m.xml --no-speed --workers 4 --worker-speed 1e4 --$option 0.01
        [[ $output == *"an epoch of stage 'base' takes "*"it would hardly ever be stored"* ]]
    done
}
