#!/usr/bin/env bats
# How long waiting threads spin: limited in every command that computes, unless the user's environment decides.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    unset GOMP_SPINCOUNT OMP_WAIT_POLICY # the test runner sets the first
    export OMP_DISPLAY_ENV=verbose
    tiny=(--model vgg11-bcnn --classes 5 --image-size 32 --width-multiplier 0.125 --batch 2 --runs 1 --threads 2)
}

# What the libgomp that computed was told; a program that started itself again loaded two.
spin_count() { grep -a GOMP_SPINCOUNT "$1" | tail -n 1 | tr -dc 0-9; }

small_matrix() {
    "$PRUNEBENCH_BUILD/prunebench" synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet 2>/dev/null
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  <criterion plugin="random"/><targets>0.3</targets>
</matrix>
END
}

@test "doctor, bench, verify and check limit how long threads spin" {
    prunebench doctor >/dev/null 2>doctor || true # it may miss something
    prunebench bench "${tiny[@]}" >/dev/null 2>bench
    prunebench verify --backend blis "$(dirname "$BATS_TEST_FILENAME")/../golden/bcnn-tiny.safetensors" >/dev/null 2>verify
    small_matrix
    prunebench check m.xml --threads 2 >/dev/null 2>check
    for command in doctor bench verify check; do
        echo "$command: $(spin_count $command)"
        [ "$(spin_count $command)" = 10000 ]
    done
}

@test "a cell limits it too, alone and as a child of a run" {
    small_matrix
    id=birds.vgg11-bcnn.random.one-shot.blis.r30.s1
    prunebench cell m.xml $id -o alone >/dev/null 2>cell
    [ "$(spin_count cell)" = 10000 ]
    prunebench run m.xml -o out --quiet >/dev/null 2>run
    [ "$(spin_count out/logs/$id.log)" = 10000 ]
    [ "$(grep -ac GOMP_SPINCOUNT out/logs/$id.log)" -eq 1 ] # a child finds it set and is not started twice
}

@test "the user's own setting wins, in a child too" {
    small_matrix
    GOMP_SPINCOUNT=77 prunebench bench "${tiny[@]}" >/dev/null 2>bench
    [ "$(spin_count bench)" = 77 ]
    GOMP_SPINCOUNT=77 prunebench run m.xml -o out --quiet >/dev/null 2>run
    [ "$(spin_count out/logs/birds.vgg11-bcnn.random.one-shot.blis.r30.s1.log)" = 77 ]
    OMP_WAIT_POLICY=passive prunebench bench "${tiny[@]}" >/dev/null 2>bench
    [ "$(spin_count bench)" = 0 ]
}

@test "a program that started itself again ends with the same messages and exit codes" {
    unset OMP_DISPLAY_ENV
    run prunebench nonsense
    [ "$status" -eq 2 ]
    [[ $output == "prunebench: unknown command 'nonsense'"* ]]
    run prunebench bench --model vgg11-bcnn --batch 0
    [ "$status" -eq 2 ]
    [[ $output == *"--batch: '0' is not a whole number"* ]]
}
