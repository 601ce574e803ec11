#!/usr/bin/env bats
# prunebench verify: every backend against every recorded training, and what else may be given to it.

bats_require_minimum_version 1.5.0
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    cd "$(dirname "$BATS_TEST_FILENAME")/../golden" || return 1
    folder=$(mktemp -d)
}

teardown() { rm -rf "$folder"; }

@test "the reference backend reproduces every trace, whatever the threads" {
    prunebench verify --backend reference ./*.safetensors >"$folder/one"
    prunebench verify --backend reference --threads 2 ./*.safetensors >"$folder/two"
    diff <(tail -n +2 "$folder/one") <(tail -n +2 "$folder/two")
    [ "$(grep -c '^\./.*steps$' "$folder/one")" -eq "$(ls ./*.safetensors | wc -l)" ]
    for group in logits losses gradients states 'running statistics' 'evaluation logits'; do
        [ "$(grep -c "^  $group  *worst .* ok$" "$folder/one")" -eq "$(ls ./*.safetensors | wc -l)" ]
    done
}

@test "the BLIS backend reproduces recorded trainings" {
    prunebench verify --backend blis --threads 2 ./*.safetensors
    prunebench verify --backend blis --option algorithm=gemm ./*.safetensors
}

@test "the BLIS backend reproduces recorded trainings by its own convolutions" {
    grep -qw avx2 /proc/cpuinfo || skip "this processor lacks AVX2"
    prunebench verify --backend blis --option algorithm=direct ./*.safetensors
    # one channel is too few for Winograd: its rounding shows in a gradient that is nothing but cancellation
    prunebench verify --backend blis --option algorithm=winograd bcnn-tiny.safetensors odd-widths.safetensors
}

@test "the oneDNN backend reproduces recorded trainings" {
    prunebench verify --backend onednn --threads 2 ./*.safetensors
}

@test "--json says the same" {
    prunebench verify --backend reference bcnn-tiny.safetensors --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert "reference" in d["backend"] and "sgd_step" in d["fallbacks"], d
(trace,) = d["traces"]
assert trace["passed"] is True and trace["steps"] == 3 and len(trace["groups"]) == 6, trace
assert trace["groups"]["logits"]["tolerance"] == 1e-5 and trace["groups"]["gradients"]["tolerance"] == 2e-4, trace
assert all(0 <= group["worst"] <= group["tolerance"] and group["passed"] for group in trace["groups"].values()), trace'
}

@test "a trace that the backend does not reproduce exits 1 and is named" {
    # The last eight bytes are the last two logits of evaluation.
    head -c -8 bcnn-tiny.safetensors >"$folder/off.safetensors"
    printf '\0\0\200\77\0\0\200\77' >>"$folder/off.safetensors"
    run prunebench verify --backend reference bcnn-tiny.safetensors "$folder/off.safetensors"
    [ "$status" -eq 1 ]
    [[ $output == *"evaluation logits "*"eval3.logits "*FAILED* ]]
    [ "$(grep -c FAILED <<<"$output")" -eq 1 ]
}

@test "what is no trace, no backend or no usage exits 2 with a message" {
    run prunebench verify --backend reference thesis-costs.tsv
    [ "$status" -eq 2 ]
    [[ $output == *thesis-costs.tsv* ]]
    head -c 60000 bcnn-tiny.safetensors >"$folder/cut.safetensors"
    run prunebench verify --backend reference "$folder/cut.safetensors"
    [ "$status" -eq 2 ]
    [[ $output == *cut.safetensors* ]]
    run prunebench verify --backend referense bcnn-tiny.safetensors
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'reference'"* ]]
    run prunebench verify bcnn-tiny.safetensors
    [ "$status" -eq 2 ]
    run prunebench verify --backend reference
    [ "$status" -eq 2 ]
}

@test "--operators checks every operator of each backend" {
    for backend in reference blis onednn; do
        prunebench verify --operators --backend "$backend" --threads 2 >"$folder/$backend"
        [ "$(grep -c '  worst .* ok' "$folder/$backend")" -ge 26 ]
        grep -q '^  conv_backward_weights  *worst .* ok' "$folder/$backend"
    done
    grep -q '^  bn_relu_pool_backward ' "$folder/blis"
    run ! grep -q '^  bn_relu_pool_backward ' "$folder/reference"
    # with a trace, both
    run -0 prunebench verify --operators --backend reference bcnn-tiny.safetensors
    [[ $output == *"sgd_step "*"evaluation logits "* ]]
    prunebench verify --operators --backend reference --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert d["traces"] == [] and len(d["operators"]) >= 26, d
assert all(o["passed"] and 0 <= o["worst"] <= o["tolerance"] and o["outputs"] for o in d["operators"].values()), d
assert d["operators"]["add_forward"]["measure"] == "element", d'
}

@test "--operators names the one wrong operator of a plugin and exits 1" {
    wrong() {
        run -1 prunebench verify --operators --backend wrong-operator --plugin-dir "$PRUNEBENCH_BUILD/tests/evil" --option fault="$1"
        [ "$(grep -c FAILED <<<"$output")" -eq 1 ]
        grep '^  relu_forward .*FAILED: ' <<<"$output"
    }
    [[ $(wrong leaks) == *"FAILED: result["*"] of relu_forward over "* ]]
    [[ $(wrong overruns) == *"wrote 0 at result[1], outside its 1 values (relu_forward over 1)"* ]]
    [[ $(wrong changes-input) == *"changed its input first operand"* ]]
    [[ $(wrong leaves-a-value) == *" worst      inf of "* ]]
    [[ $(wrong refuses) == *"relu_forward failed: backend 'wrong-operator': no ReLU today"* ]]
}

@test "--operators names every operator that ends the process or never returns, and checks the others" {
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0 PRUNEBENCH_OPERATOR_SECONDS=2
    ending() { prunebench verify --operators --backend ending-operators --plugin-dir "$PRUNEBENCH_BUILD/tests/evil" "$@" 2>"$folder/errors"; }
    run -1 ending --skip bn_forward bcnn-tiny.safetensors
    [ "$(grep -c FAILED <<<"$output")" -eq 4 ]
    [[ $output == *"  relu_forward "*"FAILED: crashed (SIGSEGV) in relu_forward over 1"$'\n'* ]]
    [[ $output == *"  relu6_forward "*"FAILED: ended the process (exit code 0) in relu6_forward over 1"$'\n'* ]]
    [[ $output == *"  add_forward "*"FAILED: no answer within 2 s in add_forward over 1"$'\n'* ]]
    [[ $output == *"  FAILED: backend 'ending-operators', hook destroy: crashed (SIGABRT)"$'\n'* ]]
    [ "$(grep -c '  worst .* ok' <<<"$output")" -ge 26 ]
    # what only a case that needs another operator checks
    [[ $output == *"  bn_backward "*"not checked (portable): every case that calls it needs an operator that"* ]]
    [[ $output != *"  bn_forward "* ]]
    # a trace would end this process
    [[ $output == *"bcnn-tiny.safetensors: not run: "* ]]
    # what ends it before there is an operator, and what is wrong with the command, is an error
    run -1 --separate-stderr ending --option creates=false
    grep -q "backend 'ending-operators', hook create: the process that runs its operators crashed (SIGABRT)" "$folder/errors"
    run -2 ending --skip relu
    grep -q "there is no operator 'relu'" "$folder/errors"
    run -2 ending --option creates=perhaps
    grep -q "perhaps" "$folder/errors"
}
