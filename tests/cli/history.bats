#!/usr/bin/env bats
# prunebench history, and compare with its names: what is added, listed, shown, annotated and pruned; wrong use.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

NAME="a 'night' <script>]]>\\"
ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r50.s1

# A run of one cell.
setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="$PWD/sets/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
  <stages keep="all"/>
</matrix>
END
    prunebench run m.xml -o one --threads 1 --quiet
}

# A second night that is the same run at another time.
setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -a "$BATS_FILE_TMPDIR/one" .
    cp -a one two
    began two 2030-01-01
    prunebench history add one --quiet
    prunebench history add two --name "$NAME" --note "a <b>note</b>" --quiet
}

began() { sed -i -E "s/ started=\"[^\"]*\"/ started=\"$2T02:00:00Z\"/" "$1"/cells/*.xml; }

@test "runs are listed and shown, as text and as JSON" {
    run -0 prunebench history list
    [[ ${lines[1]} =~ ^\ +000001\ +one\ +20.*\ good\ +1\ +0\  ]]
    [[ ${lines[2]} == *"000002  $NAME  2030-01-01T02:00:00Z"*"a <b>note</b>" ]]
    run -0 prunebench history show "$NAME"
    [[ $output == *"state: good"* ]]
    [[ $output == *"${ID%.s1}  1 "* ]]
    prunebench history show last --json >show.json
    prunebench history list --json >list.json
    prunebench history trend --json >trend.json
    NAME=$NAME python3 - <<'END'
import json, os
show, runs, trend = (json.load(open(name + ".json")) for name in ("show", "list", "trend"))
assert show["name"] == os.environ["NAME"] and show["cells"] == 1, show
assert 0 <= show["numbers"][0]["accuracy"] <= 1 and show["numbers"][0]["bytes"] > 0, show
assert [run["name"] for run in runs["runs"]] == ["one", os.environ["NAME"]], runs
assert trend["nights"] == 2 and trend["changes"] == [], trend
END
    run -0 prunebench history add one
    [[ $output == *"run 'one' is there already, as 000001_"* ]]
}

@test "compare takes names of the history, also when the folders are gone" {
    run -0 prunebench compare one "$NAME" --fail-on bits
    [[ ${lines[0]} == "Equal: all 1 cells are identical, every number bit for bit."*" stored networks were compared byte for byte." ]]
    sed -i -E 's/(stage="retrained" split="test"[^>]* loss=")[^"]*/\10.125/' one/cells/*.xml
    run -1 prunebench compare last one --fail-on bits
    [[ $output == *"$ID  retrained  accuracy loss is "*" before and 0.125 after"* ]]
    rm -r one two
    run -0 prunebench compare one last-good --fail-on bits
    [[ ${lines[1]} == "before: history/000001_"*"_one.run" ]]
    run -2 prunebench compare one oen
    [[ $output == *"no run is called 'oen'; did you mean 'one'?"* ]]
    run -2 prunebench compare one last --history elsewhere
    [[ $output == *"no history 'elsewhere' with a run of that name"* ]]
}

@test "one flipped low bit of a stored weight is found while the folder of a named run is there" {
    key=$(sed -nE 's/.* stage-pruned="([0-9a-f]{64})".*/\1/p' "one/cells/$ID.xml")
    python3 - "two/stages/$key/network.safetensors" <<'END'
import json, sys
with open(sys.argv[1], "r+b") as file:
    length = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(length))
    name = next(name for name in header if name.endswith(".weight"))
    file.seek(8 + length + header[name]["data_offsets"][0])
    low = file.read(1)
    file.seek(-1, 1)
    file.write(bytes([low[0] ^ 1]))
END
    run -1 prunebench compare 1 two --fail-on bits
    [[ $output == *"$ID  pruned  'two/stages/"* ]]
    mv one elsewhere
    run -0 prunebench compare 1 two --fail-on bits
    [[ ${lines[0]} == *" No stored network was compared byte for byte; 1 of 1 cells has none under the same key on both sides." ]]
}

@test "a run whose end is missing is skipped with a warning, and harms no other" {
    truncate -s -5 history/000002_*
    run -0 prunebench history list
    [[ $output == *"warning: history 'history': history/000002_"*"it is cut or damaged (skipped)"* ]]
    [[ $output == *"000001  one"* ]]
    run -0 prunebench compare one last
}

@test "a known change is said as known; pruned runs keep their numbers alone" {
    prunebench history annotate "$NAME" "a new recipe" --quiet
    run -0 prunebench history list
    [[ $output == *"a <b>note</b>; known: a new recipe"* ]]
    began two 2030-01-02
    prunebench history add two --quiet
    began two 2030-01-03
    prunebench history add two --state regression --quiet
    run -0 prunebench history prune --keep 1 --dry-run
    [[ $output == *"000003  two "*"everything (last-good)"* ]]
    prunebench history annotate last "slower on purpose" --quiet
    run -0 prunebench history prune --keep 1
    [[ $output == *"000003  two "*"its numbers"* ]]
    run -2 prunebench compare 3 4
    [[ $output == *"of run 'two' the numbers alone were kept"*"'$NAME' before, 'two.2' after"* ]]
    run -0 prunebench history show 3
    run -0 prunebench compare 2 4
    prunebench history annotate last $'caf\xe9' --quiet
    prunebench history list --json >list.json
    python3 -c 'import json; assert json.load(open("list.json"))["runs"][3]["known"].endswith("\ncaf?")'
}

@test "a clock that ran backwards is warned of, and nights stay in the order in which they were added" {
    began two 1999-12-31
    run -0 --separate-stderr prunebench history add two --name third --quiet
    [[ $stderr == *"warning: history 'history': run 'third' began at 1999-12-31T02:00:00Z, before '$NAME' (2030-01-01T02:00:00Z)"* ]]
    run -0 --separate-stderr prunebench history add two --quiet # it is there already
    [ -z "$stderr" ]
    began two 2000-01-01
    run -0 --separate-stderr prunebench history add two --name fourth --quiet
    [ -z "$stderr" ]
    run -0 prunebench history list
    [[ ${lines[2]} == *"000002  $NAME  2030-01-01T02:00:00Z  "* ]]
    [[ ${lines[3]} =~ ^\ +000003\ +third\ +1999-12-31T02:00:00Z\ \(!\)\  ]]
    [[ ${lines[4]} =~ ^\ +000004\ +fourth\ +2000-01-01T02:00:00Z\ +good\  ]]
    [[ ${lines[5]} == "(!) began before the run above it: a clock ran backwards, or it was added later." ]]
    run -0 prunebench history show last
    [[ $output == *"name: fourth"* ]]
    run -0 prunebench history trend
    [[ $output == *"Nights are in the order in which they were added: 1 began before the one that was added before, as a clock ran backwards, or it was added later."* ]]
    run -0 prunebench history prune --keep 1 --dry-run # the newest is the one that was added last
    [[ $output == *"000002  $NAME  its numbers"*"000003  third "*"000004  fourth "*"everything"* ]]
    prunebench history list --json >list.json
    prunebench history trend --json >trend.json
    prunebench history page nights.html
    python3 - <<'END'
import json, re
runs = json.load(open("list.json"))["runs"]
assert [(run["number"], run["backwards"]) for run in runs] == [(1, False), (2, False), (3, True), (4, False)], runs
assert json.load(open("trend.json"))["backwards"] == 1
page = open("nights.html", encoding="utf-8").read()
table = page.partition('data-table="nights"')[2].partition("</table>")[0]
assert re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', table)[:2] == [
    ("fourth", "2000-01-01 02:00"), ("third", "1999-12-31 02:00 (!)")], table
assert "(!) began before the night below it: a clock ran backwards, or it was added later." in page
assert "; from 1999-12-31 to 2030-01-01. Generated" in page
assert '<p class="big">good<span> fourth</span></p>' in page
END
}

@test "a change of level is found in its night though every clock ran backwards" {
    for night in $(seq 16); do
        began two "$(printf '2026-01-%02d' $((30 - night)))"
        if ((night == 9)); then sed -i -E 's/(stage="retrained" split="test" top1=")[^"]*/\10.0625/' two/cells/*.xml; fi
        prunebench history add two --history backwards --name "night-$night" --quiet 2>/dev/null
    done
    prunebench history trend --history backwards --measure accuracy --json >trend.json
    python3 - <<'END'
import json
trend = json.load(open("trend.json"))
assert trend["nights"] == 16 and trend["backwards"] == 15, trend
assert [(change["first"], change["previous"], change["after"]) for change in trend["changes"]] == [
    ("night-9", "night-8", 0.0625)], trend
END
}

@test "the front page is one file, wherever it is put" {
    mkdir site
    run -0 prunebench history page site/nights.html
    [ "$output" = site/nights.html ]
    [ "$(ls site)" = nights.html ]
    grep -q "a 'night' &lt;script&gt;\]\]&gt;" site/nights.html
    run ! grep -q 'href="[^#]' site/nights.html
    run -2 prunebench history page
    [[ $output == *"usage: prunebench history page FILE"* ]]
    run -1 prunebench history page nowhere/nights.html
    [[ $output == *"nowhere"* ]]
}

@test "wrong use is named: exit code 2" {
    run -2 prunebench history
    run -2 prunebench history lst
    [[ $output == *"did you mean 'list'?"* ]]
    run -2 prunebench history list --keep 3
    [[ $output == *"history list takes no --keep"* ]]
    run -2 prunebench history add
    [[ $output == *"usage: prunebench history add OUT"* ]]
    began one 2030-01-04
    run -2 prunebench history add one --name one
    [[ $output == *"it has a run called 'one'"* ]]
    run -2 prunebench history add two --state fine
    [[ $output == *"good"* ]]
    run -2 prunebench history add none
    run -2 prunebench history show none
    run -2 prunebench history trend --measure speed
    [[ $output == *"no night has a measure 'speed'; there are accuracy, "* ]]
    run -2 prunebench history list --history none
    [[ $output == *"none: there is no such history; 'prunebench history add OUT' makes one"* ]]
}

@test "scripts/bench-history prints a row for each number of nights" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    run -0 "$BATS_TEST_DIRNAME/../../scripts/bench-history" "$PRUNEBENCH_BUILD" 8 12
    echo "$output"
    [ ${#lines[@]} -eq 4 ]
    [[ ${lines[2]} =~ ^\|\ 8\ \|(\ [0-9.]+\ \|){4}$ ]]
    [[ ${lines[3]} =~ ^\|\ 12\ \|(\ [0-9.]+\ \|){4}$ ]]
}
