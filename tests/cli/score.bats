#!/usr/bin/env bats
# Scoring a stored network outside a matrix: what the command says is what a cell with that criterion would do.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    echo '<matrix xmlns="urn:prunebench:matrix:1" name="score">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.05"/>
  <training epochs="1" batch="5" lr="0.05"/>
  <calibration batches="2" batch="8"/>
  <latency runs="0"/><stages keep="all"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="taylor-gate"/><criterion plugin="filter-norm" label="l1-norm"/>
  <schedule plugin="one-shot"/>
  <targets measure="channels">0.4</targets></matrix>' >m.xml
    prunebench run m.xml -o out --quiet
}

setup() { cd "$BATS_FILE_TMPDIR" || return 1; }

stage() { # RESULT NAME: the folder of a stage
    echo "out/stages/$(grep -oE "stage-$2=\"[0-9a-f]{64}\"" "$1" | cut -d'"' -f2)"
}

@test "the order of removal is that of a cell with the same criterion, from the same images" {
    for criterion in filter-norm taylor-gate; do
        cell=$(echo out/cells/*."${criterion/filter/l1}".*.xml)
        base=$(stage "$cell" base)
        prunebench score "$base" -c $criterion --dataset birds --root sets/CUB_200_2011 --images 16 --batch 8 --json >scores.json
        python3 - "$cell" scores.json <<'END'
import glob, json, re, sys
text, scored = open(sys.argv[1]).read(), json.load(open(sys.argv[2]))
# the very scores that a cell stored
stored = [json.load(open(path))["content"]["facts"].get("scores") for path in glob.glob("out/stages/*/stage.json")]
assert [layer["scores"] for layer in scored["layers"]] in stored
# as many of each layer go as the cell removed: the first of the order, or a share of each layer; its last channel stays
left, gone = {layer["layer"]: len(layer["scores"]) for layer in scored["layers"]}, 0
assert scored["scope"] == ("layer" if scored["criterion"] == "filter-norm" else "global")
share = {name: max(1, count - int(0.4 * count + 0.5)) for name, count in left.items()}
for name, channel in scored["order"]:
    if scored["scope"] == "global" and gone < round(len(scored["order"]) * 0.4) and left[name] > 1:
        left[name] -= 1
        gone += 1
    elif scored["scope"] == "layer" and left[name] > share[name]:
        left[name] -= 1
assert left == {layer: int(kept) for layer, kept in re.findall(r'<layer name="([\w.]+)" channels="\d+" kept="(\d+)"', text)}
for layer in scored["layers"]:
    order = sorted(range(len(layer["scores"])), key=lambda c: (layer["normalised"][c], layer["scores"][c], c))
    assert layer["order"] == order
END
    done
}

@test "single weights are scored; of images only what a criterion looks at is asked for" {
    base=$(stage "$(echo out/cells/*.l1-norm.*.xml)" base)
    run -0 prunebench score "$base/network.safetensors" --criterion magnitude --weights
    [[ $output == *"criterion 'magnitude' on vgg11-bcnn, 3 classes"* ]]
    [[ ${lines[2]} =~ ^conv1_1\ +81\  ]] # 3 filters of 3×3×3
    run -0 prunebench score "$base" -c filter-norm -o p=2 -o folded=true
    [[ ${lines[0]} != *images* ]]
    run -2 prunebench score "$base" -c apoz
    [[ $output == *"criterion 'apoz' looks at training images; give --dataset and --root"* ]]
    run -2 prunebench score "$base" -c magnitude
    [[ $output == *"scores single weights alone; give --weights"* ]]
    run -2 prunebench score "$base" -c filter-norm --weights
    [[ $output == *"scores no single weights"* ]]
}

@test "layers are compared as the criterion declares, unless --scope says otherwise" {
    base=$(stage "$(echo out/cells/*.l1-norm.*.xml)" base)
    run -0 prunebench plugins describe criterion/fpgm
    [[ $output == *"scope: layer; "* ]]
    scope() { prunebench score "$base" "$@" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["scope"])'; }
    [ "$(scope -c fpgm)" = layer ]
    [ "$(scope -c fpgm --scope global)" = global ]
    [ "$(scope -c filter-norm)" = layer ]
    [ "$(scope -c bn-scale)" = global ]
}

@test "bad input is named: folders without a network, rules, options, images, other classes" {
    base=$(stage "$(echo out/cells/*.l1-norm.*.xml)" base)
    refused() { # WORDS, ARGUMENTS…
        local words=$1
        shift
        run -2 prunebench score "$@"
        [[ $output == *"$words"* ]]
    }
    mkdir -p empty
    refused "folder 'empty' holds no network" empty -c filter-norm
    refused "score needs --criterion" "$base"
    refused "unknown criterion 'l1norm'" "$base" -c l1norm
    refused "--scope: 'all' is none of global, layer" "$base" -c filter-norm --scope all
    refused "option 'folded': 'maybe' is not true or false" "$base" -c filter-norm -o folded=maybe
    refused "--images: 20 are no whole number of batches of 16" "$base" -c apoz --images 20
    prunebench synth others --sets birds --classes 2 --train 2 --test 1 --size 64 --quiet
    refused "the data set has 2 classes and the network 3" "$base" -c apoz --dataset birds --root others/CUB_200_2011
    refused "--images: the data set has 21 training images" "$base" -c apoz --dataset birds --root sets/CUB_200_2011 --images 32
}
