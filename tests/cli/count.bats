#!/usr/bin/env bats
# prunebench count: published networks, JSON, and what wrong usage gets.

bats_require_minimum_version 1.5.0
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$(dirname "$BATS_TEST_FILENAME")/.." || return 1; }

@test "count reproduces every published network to the unit" {
    python3 - "$PRUNEBENCH_BUILD/prunebench" <<'PYTHON'
import json, subprocess, sys
rows = [line.rstrip("\n").split("\t") for line in open("golden/thesis-costs.tsv") if not line.startswith("#")]
assert len(rows) == 11
for name, classes, size, widths, params, macs, thesis, *_ in rows:
    out = json.loads(subprocess.check_output([sys.argv[1], "count", "--model", "vgg16-bcnn", "--classes", classes,
                                              "--image-size", size, "--widths", widths, "--study", "thesis", "--json"]))
    assert (out["params"], out["macs"], out["counted"]) == (int(params), int(macs), int(thesis)), name
PYTHON
}

@test "count knows VGG-16 with its own head" {
    out=$(prunebench count --model vgg16 --classes 1000 --no-batch-norm --json)
    [[ $out == *'"params": 138357544,'*'"macs": 15470264320,'* ]]
    out=$(prunebench count --model vgg16 --classes 1000 --json)
    [[ $out == *'"params": 138365992,'*'"macs": 15470264320,'* ]]
}

@test "widths that an addition cannot bring together are refused with both nodes named" {
    run -2 prunebench count --model resnet50 --classes 10 --widths layer1.0.conv3=200
    [[ $output == *"node 'layer1.0.add' (add): its inputs differ in shape: 'layer1.0.bn3' has 56×56×200, 'layer1.0.downsample.1' 56×56×256"* ]]
    run -2 prunebench count --model mobilenet_v2 --classes 10 --widths features.3.conv.2=20
    [[ $output == *"'features.3.conv.3' has 56×56×20, 'features.2.conv.3' 56×56×24"* ]]
}

@test "widths by name change their layers alone, and go with a multiplier" {
    prunebench count --model alexnet --classes 10 --no-batch-norm --widths conv2=7,fc6=100 --width-multiplier 0.5 --json | python3 -c '
import json, sys
widths = {row["name"]: row["shape"][2] for row in json.load(sys.stdin)["layers"]}
assert [widths[name] for name in ("conv1", "conv2", "conv3", "fc6", "fc7", "fc8")] == [32, 7, 192, 100, 2048, 10], widths'
    out=$(prunebench count --model alexnet --classes 1000 --no-batch-norm --json)
    [[ $out == *'"params": 61100840,'*'"macs": 714188480,'* ]]
}

@test "the rows of --json add up to its totals" {
    prunebench count --model vgg11-bcnn --classes 7 --image-size 32 --width-multiplier 0.25 --study thesis --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
for key in ("params", "macs", "counted"):
    assert sum(row[key] for row in d["layers"]) == d[key], key
assert d["layers"][1] == {"name": "conv1_1", "op": "conv2d", "inputs": ["input"], "kernel": [3, 3], "stride": [1, 1],
                          "pad": [1, 1], "dilation": [1, 1], "groups": 1, "depthwise": False, "bias": True, "channels": 16,
                          "shape": [32, 32, 16], "params": 3*9*16 + 16, "macs": 27*16*1024,
                          "counted": 28*16*1024}, d["layers"][1]'
}

@test "the table names layers, totals and formula" {
    run prunebench count --model vgg16-bcnn --classes 100
    [ "$status" -eq 0 ]
    [[ $output == *"conv5_3"*"bilinear"*"total"*"40937636"*"15424225280"* && $output != *"15433056256"* ]]
    [[ $output == *"FLOPs = 2·MACs = 30848450560"* ]]
    [[ $output == *"k²·Cin·Cout·H·W"* ]]
    run -0 prunebench count --model vgg16-bcnn --classes 100 --study thesis
    [[ $output == *"MACs "*"thesis"*"total"*"40937636"*"15424225280"*"15433056256"*"studies/thesis/counting.xml"* ]]
}

@test "wrong usage is exit code 2 and says what to do" {
    run prunebench count --model vgg16-bcn --classes 10
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'vgg16-bcnn'?"* ]]
    run prunebench count --model vgg16-bcnn --classes 10 --image-size 15
    [ "$status" -eq 2 ]
    [[ $output == *"the smallest size is 16"* ]]
    run prunebench count --model vgg16-bcnn --classes 10 --widths 1,2,3
    [ "$status" -eq 2 ]
    [[ $output == *"3 widths were given for its 13 convolutions"* ]]
    run prunebench count --model vgg16-bcnn --classes 10 --widths 1,2.5
    [ "$status" -eq 2 ]
    [[ $output == *"2.5"* ]]
    run prunebench count --model vgg16-bcnn --classes 10 --widths 1 --width-multiplier 2
    [ "$status" -eq 2 ]
    [[ $output == *"exclude each other"* ]]
    run prunebench count --model vgg16-bcnn --classes 10 --widths conv1_3=1
    [ "$status" -eq 2 ]
    [[ $output == *"model 'vgg16-bcnn': 'conv1_3' is no layer whose width can be given; did you mean 'conv1_1'?"* ]]
    run -2 prunebench count --model vgg16-bcnn --classes 10 --study thesi
    [[ $output == *"no study 'thesi' has a counting.xml"* ]]
    run prunebench count --classes 10
    [ "$status" -eq 2 ]
    [[ $output == *"--model"* ]]
    run prunebench count --model vgg16 --classes 0
    [ "$status" -eq 2 ]
}
