#!/usr/bin/env bats
# prunebench bench, doctor and verify: what scripts read from them, and what wrong usage gets.

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() { cd "$(dirname "$BATS_TEST_FILENAME")/.." || return 1; }

json() { # EXPRESSION over the object d on standard input
    python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

tiny=(--model vgg11-bcnn --classes 5 --image-size 32 --width-multiplier 0.125 --batch 2 --runs 3)

@test "bench prints one JSON object with what scripts need, for every backend and mode" {
    for backend in reference blis onednn; do
        for mode in train infer; do
            out=$(prunebench bench --backend $backend "${tiny[@]}" --threads 2 --$mode --json)
            [ "$(json 'd["backend"], d["threads"], d["batch"], d["mode"], d["runs"]' <<<"$out")" = "('$backend', 2, 2, '$mode', 3)" ]
            [ "$(json 'd["images_per_second"] > 0 and d["peak_gflops"] > 1 and d["peak_rss_bytes"] > 1e6' <<<"$out")" = True ]
            [ "$(json 'abs(d["images_per_second"] * d["seconds_per_step"] - 2) < 1e-9' <<<"$out")" = True ]
            [ "$(json 'd["seconds_per_step"] == sorted(d["run_seconds_per_step"])[1]' <<<"$out")" = True ]
        done
    done
}

# Sanitizers keep shadow memory and freed blocks resident.
skip_if_sanitized() { if grep -q __asan_init "$PRUNEBENCH_BUILD/prunebench"; then skip "resident memory means nothing under a sanitizer"; fi; }

@test "bench predicts the memory that is used at the peak, within 15 %" {
    skip_if_sanitized
    # Some 150 to 350 MB, so that the program itself is little. oneDNN does not tell what its products pack (10 to 25 MB).
    for backend in reference blis onednn; do
        for mode in train infer; do
            out=$(prunebench bench --backend $backend --model vgg11-bcnn --classes 20 --image-size 96 --batch 4 --runs 1 --threads 2 --$mode --json)
            echo "$backend $mode $(json 'd["predicted_bytes"], d["peak_rss_bytes"], d["memory_bytes"]' <<<"$out")"
            [ "$(json 'abs(d["predicted_bytes"] / d["peak_rss_bytes"] - 1) < 0.15' <<<"$out")" = True ]
            [ "$(json 'd["peak_rss_bytes"] > 100e6' <<<"$out")" = True ]
            [ "$(json '(d["memory_bytes"]["gradients"] > 0) == (d["memory_bytes"]["momentum"] > 0) == (d["mode"] == "train")' <<<"$out")" = True ]
        done
    done
}

@test "bench splits a step into phases that add up to no more than it took, and times every layer and pass" {
    out=$(prunebench bench "${tiny[@]}" --threads 1 --json)
    [ "$(json 'sum(d["phase_seconds"].values()) <= 1.01 * sum(d["run_seconds_per_step"]) / 3' <<<"$out")" = True ]
    [ "$(json 'sum(d["phase_seconds"].values()) >= 0.5 * sum(d["run_seconds_per_step"]) / 3' <<<"$out")" = True ]
    [ "$(json '[l["name"] for l in d["layers_gflops"]][-2:]' <<<"$out")" = "['bilinear', 'fc']" ]
    [ "$(json 'len(d["layers_gflops"])' <<<"$out")" = 10 ]
    [ "$(json '"backward_data" in d["layers_gflops"][0]' <<<"$out")" = False ]
    [ "$(json 'all("backward_data" in l and "forward" in l for l in d["layers_gflops"][1:])' <<<"$out")" = True ]
    [ "$(json 'all("backward_weights" in l for l in d["layers_gflops"] if l["name"] != "bilinear")' <<<"$out")" = True ]
}

@test "bench passes options to the backend and says which algorithm ran" {
    out=$(prunebench bench "${tiny[@]}" --threads 1 --infer --option algorithm=gemm --option kernels=generic --json)
    [ "$(json 'd["backend_detail"].split(";")[0]' <<<"$out")" = "blis 0.9.0 generic" ]
    [ "$(json 'set(l["algorithm"] for l in d["layers_gflops"] if l["name"].startswith("conv"))' <<<"$out")" = "{'gemm'}" ]
}

@test "bench takes the widths of a pruned network" {
    out=$(prunebench bench --model vgg11-bcnn --classes 3 --image-size 32 --widths 3,5,7,9,11,13,9,5 --batch 1 --runs 1 --threads 1 --json)
    [ "$(json 'd["layers_gflops"][-1]["macs"]' <<<"$out")" = 75 ]
}

@test "bench --data runs the same steps on JPEG files and tells the first epoch from the others" {
    export TMPDIR=$BATS_TEST_TMPDIR
    for mode in train infer; do
        out=$(prunebench bench "${tiny[@]}" --threads 2 --$mode --data --data-images 7 --data-sides 120x90 --quiet --json)
        # seven become eight: whole batches, and as many of either class
        [ "$(json '[d["data"][k] for k in ("images", "width", "height")]' <<<"$out")" = "[8, 120, 90]" ]
        # ten images (two of them to test), both sides halved at most: 64×64 of 120×70 pixels
        [ "$(json '10 * 64 * 64 * 3 < d["data"]["cache_bytes"] < 11 * 64 * 64 * 3' <<<"$out")" = True ]
        [ "$(json 'all(v > 0 for k, v in d["data"].items() if k != "wait_seconds_per_step")' <<<"$out")" = True ]
        [ "$(json 'd["data"]["first_epoch_seconds_per_step"] * 4 > d["data"]["decode_seconds"]' <<<"$out")" = True ]
        [ "$(json 'abs(d["data"]["ratio"] - d["data"]["seconds_per_step"] / d["data"]["seconds_per_step_without"]) < 1e-9' <<<"$out")" = True ]
        [ "$(json 'abs(d["data"]["images_per_second"] * d["data"]["seconds_per_step"] - 2) < 1e-9' <<<"$out")" = True ]
    done
    [ -z "$(ls "$TMPDIR")" ]
    out=$(prunebench bench "${tiny[@]}" --threads 1 --data --data-images 4 --data-sides 120x90 --quiet)
    [[ $out == *"epoch 1"*"from epoch 2 on"*"without data"*"with ÷ without"* ]]
}

@test "bench --data says what it cannot do" {
    run prunebench bench "${tiny[@]}" --data-images 8
    [ "$status" -eq 2 ]
    [[ $output == *"belong to --data"* ]]
    run prunebench bench "${tiny[@]}" --data --data-sides 120
    [ "$status" -eq 2 ]
    [[ $output == *"'120' is not a width and a height"* ]]
    TMPDIR=/not/there run prunebench bench "${tiny[@]}" --data
    [ "$status" -ne 0 ]
    [[ $output == *"/not/there"*"TMPDIR"* ]]
}

@test "bench in plain text names the backend, the peak and every layer" {
    out=$(prunebench bench "${tiny[@]}" --threads 1 --infer)
    [[ $out == *"blis 0.9.0"* && $out == *"images per second"* && $out == *"of the peak"* && $out == *"MB resident at most"*"predicted"* && $out == *"conv1_1"* ]]
}

@test "bench says what is wrong with its arguments" {
    run prunebench bench --backend blis
    [ "$status" -eq 2 ]
    [[ $output == *"needs --model"* ]]
    run prunebench bench "${tiny[@]}" --train --infer
    [ "$status" -eq 2 ]
    run prunebench bench "${tiny[@]}" --backend blsi
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'blis'?"* ]]
    run prunebench bench "${tiny[@]}" --option algorithm
    [ "$status" -eq 2 ]
    run prunebench bench "${tiny[@]}" --option kernels=skylake
    [ "$status" -eq 2 ]
    [[ $output == *"is none of auto"* ]]
    run prunebench bench "${tiny[@]}" --option kernels=generic --option algorithm=direct
    [ "$status" -eq 2 ]
    [[ $output == *"needs AVX2 and FMA"* ]]
}

@test "every backend follows every recorded training, on one thread and on two" {
    for backend in reference blis onednn; do
        for threads in 1 2; do
            prunebench verify --backend $backend --threads $threads golden/*.safetensors
        done
    done
}

@test "doctor says which kernels every backend runs" {
    out=$(prunebench doctor --json)
    [ "$(json 'sorted(b["name"] for b in d["backends"])' <<<"$out")" = "['blis', 'onednn', 'reference']" ]
    [ "$(json 'all("runs" in b for b in d["backends"])' <<<"$out")" = True ]
    [ "$(json 'd["problems"]' <<<"$out")" = "[]" ]
    [ "$(json 'd["processors"] >= 1 and d["memory_bytes"] > 1e8 and "sse2" in d["cpu_flags"]' <<<"$out")" = True ]
    # A CPU with AVX2 runs no generic kernels: the trap that the backend's own choice is for.
    if [[ $(json 'd["cpu_flags"]' <<<"$out") == *" avx2 fma"* ]]; then
        [ "$(json '[b["runs"] for b in d["backends"] if b["name"] == "blis"][0].endswith("generic")' <<<"$out")" = False ]
    fi
}

@test "doctor lists a broken plugin as a problem and exits with 1" {
    folder=$(mktemp -d)
    echo "not an object" >"$folder/criterion-broken.so"
    run prunebench doctor --plugin-dir "$folder"
    rm -rf "$folder"
    [ "$status" -eq 1 ]
    [[ $output == *"problem "*"criterion-broken.so"* ]]
    [[ $output == *"backend    blis: blis 0.9.0"* ]]
}

@test "bench --criterion prints what its scoring costs, in passes and for each layer, and why another cannot score" {
    out=$(prunebench bench "${tiny[@]:0:8}" --batch 2 --criterion lrp --criterion filter-norm --criterion obs --threads 2 --json)
    [ "$(json '[(c["criterion"], c["scores"]) for c in d["criteria"]]' <<<"$out")" = "[('filter-norm', 'channels'), ('lrp', 'channels'), ('obs', 'weights')]" ]
    [ "$(json '[c.get("images") for c in d["criteria"]]' <<<"$out")" = "[0, 4, None]" ]
    [ "$(json 'd["criteria"][0]["passes"], d["criteria"][0]["slowest_layer"][:4]' <<<"$out")" = "(None, 'conv')" ]
    [ "$(json 'abs(d["criteria"][1]["passes"] * d["pass_seconds_per_image"] / d["criteria"][1]["seconds_per_image"] - 1) < 1e-9' <<<"$out")" = True ]
    [ "$(json '0 < d["criteria"][1]["seconds_of_slowest_layer"] < d["criteria"][1]["seconds"]' <<<"$out")" = True ]
    [ "$(json '"choose a smaller model" in d["criteria"][2]["refusal"]' <<<"$out")" = True ]
}

@test "bench refuses criteria that do not exist, and options that do not belong together" {
    run -2 prunebench bench "${tiny[@]:0:8}" --criterion lpr
    [[ $output == *"did you mean 'lrp'"* ]]
    run -2 prunebench bench "${tiny[@]}" --criteria
    [[ $output == *"--criteria and --runs exclude each other"* ]]
    run -2 prunebench bench "${tiny[@]}" --images 4
    [[ $output == *"--images belongs to --criteria"* ]]
    run -2 prunebench bench "${tiny[@]:0:8}" --batch 2 --criteria --images 3
    [[ $output == *"3 are no whole number of batches of 2"* ]]
}
