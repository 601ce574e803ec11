#!/usr/bin/env bats
# The schedules of the literature as whole cells: on channels, and on single weights where they mask.
bats_require_minimum_version 1.5.0
load ../support/killed

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# four steps an epoch
matrix() { # CRITERION'S-ATTRIBUTES TARGETS SCHEDULE…
    local criterion=$1 targets=$2 schedule
    shift 2
    echo '<matrix xmlns="urn:prunebench:matrix:1" name="papers">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.1"/>
  <training epochs="4" batch="5" lr="0.05" validation="0.2"/>
  <latency runs="0"/><stages keep="all"/>
  <dataset plugin="birds" root="'"$SETS"'/CUB_200_2011"/>
  <criterion '"$criterion"'/>'
    for schedule; do echo "$schedule"; done
    echo "$targets</matrix>"
}
plain() { for name; do echo "<schedule plugin=\"$name\"/>"; done; }
cell() { echo out/cells/birds.vgg11-bcnn.*."$1".blis.*.s1.xml; }
epochs() { grep -c "<epoch stage=\"$1" "$2"; }

@test "every schedule of the literature prunes channels for real" {
    option() { echo "<option name=\"$1\" value=\"$2\"/>"; }
    mapfile -t schedules < <(plain gradual lottery-ticket scratch-e scratch-b prune-at-init layer-by-layer)
    schedules+=("<schedule plugin=\"netadapt\">$(option step 0.14)$(option brief 1)</schedule>"
        "<schedule plugin=\"halving\">$(option evaluations 4)</schedule>"
        "<schedule plugin=\"sensitivity\">$(option rates 2)</schedule>"
        "<schedule plugin=\"amc\">$(option episodes 3)$(option warmup 2)$(option hidden 8)</schedule>")
    matrix 'plugin="filter-norm" scope="global"' '<targets measure="channels">0.4</targets>' "${schedules[@]}" >m.xml
    run -0 prunebench run m.xml -o out -j 2
    for name in gradual lottery-ticket scratch-e scratch-b prune-at-init layer-by-layer netadapt halving sensitivity amc; do
        file=$(cell $name)
        # requested is achieved, to the channel
        python3 - "$file" <<'END'
import re, sys
text = open(sys.argv[1]).read()
channels = lambda stage: sum(map(int, re.search(rf'<cost stage="{stage}" [^>]*widths="([0-9 ]+)"', text)[1].split()))
assert channels("pruned") == round(channels("base") * 0.6), text
END
    done
    # 0.8² = 0.64 of the channels are left after two rounds; the third reaches the target
    [ "$(grep -c '<pruning ' "$(cell lottery-ticket)")" -eq 3 ]
    # scratch-b has the training's epochs times the measured ratio of MACs, twice as many at most
    [ "$(epochs retrain-40 "$(cell scratch-e)")" -eq 4 ]
    [ "$(epochs retrain-40 "$(cell scratch-b)")" -eq 8 ]
    # eight groups, one pruning each
    [ "$(grep -c '<pruning ' "$(cell layer-by-layer)")" -eq 8 ]
    grep -q '<pruning stage="prune-40" from="untrained"' "$(cell prune-at-init)"
    # the unpruned network, then each of eight groups alone at two rates
    [ "$(grep -c '<trial stage="prune-to' "$(cell sensitivity)")" -eq 16 ]
    grep -q '<trial stage="base" split="validation" .*images="[0-9]*"/>' "$(cell sensitivity)"
    [ "$(grep -c '<pruning ' "$(cell sensitivity)")" -eq 1 ]
    [ "$(grep -c '<trial ' "$(cell amc)")" -eq 3 ]
}

@test "scratch-b trains as many epochs as the measured ratio of MACs allows" {
    matrix 'plugin="filter-norm"' '<targets measure="channels">0.2 0.4</targets>' \
        '<schedule plugin="scratch-b"><option name="cap" value="0"/></schedule>' >m.xml
    run -0 prunebench run m.xml -o out -j 2
    python3 - out/cells/*.scratch-b.*.xml <<'END'
import re, sys
ratios = []
for path in sys.argv[1:]:
    text = open(path).read()
    macs = {stage: int(count) for stage, count in re.findall(r'<cost stage="(\w+)" [^>]*\bmacs="(\d+)"', text)}
    ratios.append(macs["base"] / macs["pruned"])
    assert text.count('<epoch stage="retrain') == 4 * macs["base"] // macs["pruned"], (macs, text)
assert 1.25 < ratios[0] < 2 < ratios[1], ratios
END
}

@test "gradual pruning of channels is exact at every cut, of all layers together and of each alone" {
    for scope in global layer; do
        matrix "plugin=\"filter-norm\" scope=\"$scope\"" '<targets measure="channels">0.6</targets>' \
            '<schedule plugin="gradual"><option name="unit" value="steps"/><option name="every" value="2"/><option name="cuts" value="4"/></schedule>' >m.xml
        rm -rf out
        run -0 prunebench run m.xml -o out
        python3 - "$(cell gradual)" $scope <<'END'
import re, sys
prunings = re.findall(r'<pruning .*?</pruning>', open(sys.argv[1]).read(), re.DOTALL)
assert len(prunings) == 4, prunings
whole = None
for pruning, share in zip(prunings, (.346875, .525, .590625, .6)):
    layers = [tuple(map(int, pair)) for pair in re.findall(r'<layer [^>]*before="(\d+)" after="(\d+)"', pruning)]
    whole = whole or [before for before, _ in layers]
    removed = [channels - after for channels, (_, after) in zip(whole, layers)]
    if sys.argv[2] == 'global':
        assert sum(removed) == round(share * sum(whole)), (share, whole, layers)
    else:
        assert removed == [round(share * channels) for channels in whole], (share, whole, layers)
END
    done
}

@test "gradual masking is exact at every cut" {
    matrix 'plugin="magnitude"' '<targets measure="weights">0.9</targets>' \
        '<schedule plugin="gradual"><option name="unit" value="steps"/><option name="every" value="2"/><option name="cuts" value="4"/></schedule>' >m.xml
    run -0 prunebench run m.xml -o out
    python3 - "$(cell gradual)" <<'END'
import re, sys
rows = re.findall(r'<masking [^>]*weights="(\d+)" masked="(\d+)"', open(sys.argv[1]).read())
assert len(rows) == 4, rows
for (weights, masked), share in zip(rows, (.5203125, .7875, .8859375, .9)):
    assert abs(int(masked) - share * int(weights)) <= 1, (masked, share)
END
}

@test "a search that was killed among its candidates proposes and measures the same again" {
    option() { echo "<option name=\"$1\" value=\"$2\"/>"; }
    matrix 'plugin="filter-norm"' '<targets measure="channels">0.4</targets>' \
        "<schedule plugin=\"halving\">$(option evaluations 12)$(option random 0.1)</schedule>" \
        "<schedule plugin=\"amc\">$(option episodes 12)$(option warmup 4)$(option hidden 8)</schedule>" >m.xml
    run -0 prunebench run m.xml -o out
    mv out whole
    for name in halving amc; do
        cell=$(basename "$(echo whole/cells/*."$name".*)")
        [ "$(grep -c '<trial ' "whole/cells/$cell")" -eq 12 ]
        rm -rf out
        prunebench run m.xml -o out --quiet --only "${cell%.xml}" # all stages of the cell, which are counted
        half=$(($(stored_stages) / 2)) hits=0
        kill_run "$half" "$cell" m.xml --only "${cell%.xml}"
        [ "$hits" -eq 1 ] # it was amid the search
        run -0 prunebench run m.xml -o out --quiet --only "${cell%.xml}"
        diff <(grep '<trial ' "whole/cells/$cell") <(grep '<trial ' "out/cells/$cell")
        diff <(grep '<cost stage="pruned"' "whole/cells/$cell") <(grep '<cost stage="pruned"' "out/cells/$cell")
    done
}
