#!/usr/bin/env bats
# The kill campaign finds what it looks for: it passes with the program, and not with one whose resumed runs go wrong.

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    trial=$(realpath "$BATS_TEST_DIRNAME/../../scripts/kill-trial")
    export TMPDIR=$BATS_TEST_TMPDIR
}

teardown() {
    [ ! -f "$BATS_TEST_TMPDIR/pids" ] || xargs kill <"$BATS_TEST_TMPDIR/pids" || true
}

# A program that spoils the folder of a run under way, in the way of $1 (a command that knows $out), before it starts.
spoiling() {
    cat >program <<END
#!/bin/bash
out=\$4
if [[ \$1 == run && \$out == */trial-* && -d \$out/cells ]]; then
    $1
fi
exec "$PRUNEBENCH_BUILD/prunebench" "\$@"
END
    chmod +x program
    export PRUNEBENCH=$PWD/program
}

@test "killed runs end as undisturbed ones" {
    PRUNEBENCH=$PRUNEBENCH_BUILD/prunebench run "$trial" 3 5
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"3 kills in "*" trials: "*" survived, 0 differ" ]]
    [ -z "$(ls -d kill-trial.* 2>/dev/null)" ]
}

@test "an accuracy that is another one after a kill is found and named, and its folder kept" {
    spoiling 'sed -i "s/ top1=\"0[^\"]*\"/ top1=\"0.875\"/" "$out"/cells/*.xml 2>/dev/null'
    run "$trial" 12 5
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"DIFFERS: documents of other content: "*".xml"* ]]
    [[ $output == *" survived, "[1-9]*" differ" ]]
    ls -d kill-trial.*/trial-*/cells
}

@test "a process that outlives its coordinator is found" {
    # longer than any run here takes, however busy the machine is; ended below
    spoiling '(exec -a "sleep $out" sleep 3000) 3>&- &
    echo $! >>'"$BATS_TEST_TMPDIR"'/pids'
    run "$trial" 2 5
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"DIFFERS: processes ["*"] outlived their coordinator by 5 s"* ]]
}
