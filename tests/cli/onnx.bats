#!/usr/bin/env bats
# A user's own trained network, from an ONNX file: counted, pruned, retrained and refused where it does not fit.
bats_require_minimum_version 1.5.0
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    prunebench synth "$BATS_FILE_TMPDIR/sets" --sets birds --classes 7 --train 8 --test 4 --size 64 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    ln -s "$BATS_FILE_TMPDIR/sets" sets
    cp "$BATS_TEST_DIRNAME/../golden/onnx/residual.onnx" net.onnx
}

# $1: attributes of its model
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="onnx" label="mine" $1/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  <criterion plugin="bn-scale"/>
  <targets>0.3</targets>
  <stages keep="all"/>
</matrix>
END
}

@test "a network from a file is counted" {
    prunebench count --model net.onnx --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["classes"] == 7 and d["image_size"] == 32 and d["params"] == 5715, d
assert d["layers"][1]["name"] == "conv1" and d["layers"][1]["op"] == "conv2d", d["layers"][1]'
}

@test "a network from a file is trained, pruned and retrained" {
    matrix 'image-size="32" pretrained="net.onnx"' >m.xml
    prunebench run m.xml -o out --quiet
    log=$(cat out/logs/*.log)
    [[ $log == *"pretrained weights from 'net.onnx'"* ]]
    python3 - out/cells/*.xml <<'END'
import re, sys
text = open(sys.argv[1]).read()
assert 'status="ok"' in text, text[:400]
params = [int(n) for n in re.findall(r'params="(\d+)"', text)]
assert max(params) == 5715 and min(params) < 5000, params
END
}

@test "a network from a file that does not fit is refused before anything runs" {
    matrix 'image-size="48" pretrained="net.onnx"' >m.xml
    run -2 prunebench run m.xml -o out
    [[ $output == *"m.xml:2: model 'mine': 'net.onnx': its network takes images of 32×32 pixels, not of 48×48; set image-size to that"* ]]
    matrix 'image-size="32" width-multiplier="0.5" pretrained="net.onnx"' >m.xml
    run -2 prunebench run m.xml -o out
    [[ $output == *"leave widths and multiplier out"* ]]
    matrix 'image-size="32" head="bilinear" pretrained="net.onnx"' >m.xml
    run -2 prunebench run m.xml -o out
    [[ $output == *"a network from a file keeps its head"* ]]
    matrix 'image-size="32"' >m.xml
    run -2 prunebench run m.xml -o out
    [[ $output == *'takes its network from a file; give it pretrained="net.onnx"'* ]]
    run ! compgen -G "out/cells/*.xml"
}
