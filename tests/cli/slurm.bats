#!/usr/bin/env bats
# The Slurm cluster that tests run on (tests/slurm/cluster, scripts/setup slurm): its nodes are hosts of their own, jobs end and come
# back as on a real one, and nothing is left of it.
bats_require_minimum_version 1.5.0

setup_file() {
    export CLUSTER=$BATS_TEST_DIRNAME/../slurm/cluster SLURM_DIR=$BATS_FILE_TMPDIR/slurm MISSING=
    local code=0
    MISSING=$("$CLUSTER" start "$SLURM_DIR" --grace 5 --max-array 9 --max-submit 8 2>&1 3>&-) || code=$?
    [ "$code" -eq 0 ] || [ "$code" -eq 77 ] || { echo "$MISSING" && return 1; }
}

teardown_file() {
    "$CLUSTER" stop "$SLURM_DIR"
}

setup() {
    [ -z "$MISSING" ] || skip "${MISSING#*: }"
    cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
    [ -z "$MISSING" ] || return 0
    "$CLUSTER" stop "$BATS_TEST_TMPDIR/other" # of the last test
    slurm scancel --user root
}

slurm() { "$CLUSTER" run "$SLURM_DIR" "$@"; }
on_node() { "$CLUSTER" node "$SLURM_DIR" "$@"; }

# Submits the job on standard input, with these options and its output in 'out'; prints its id.
submit() {
    { echo '#!/bin/bash' && cat; } >job
    slurm sbatch --parsable --output out --open-mode append "$@" job
}

# Waits until the command succeeds; a machine that is busy may take long.
eventually() {
    local tries
    for tries in {1..600}; do
        if "$@"; then return 0; fi
        sleep 0.2
    done
    echo "not within $tries tries: $*"
    return 1
}

# What jobcomp/filetxt has of a job's ends, a word for each, in order.
ends_of() {
    sed -nE "s/^JobId=$1 .* JobState=([A-Z_]+) .*/\1/p" "$SLURM_DIR/head/jobcomp.log" | xargs
}
has_ended() { [ "$(ends_of "$1")" = "$2" ]; }

# The processes of a cluster: a host's first process has its folder in its command line, and all have it in their mounts.
processes_of() {
    echo "$1" >"$BATS_TEST_TMPDIR/pattern"
    grep -lsF -f "$BATS_TEST_TMPDIR/pattern" /proc/[0-9]*/cmdline /proc/[0-9]*/mountinfo || true # some end meanwhile
}
has_no_process() { [ -z "$(processes_of "$1")" ]; }

@test "four nodes have names, addresses, boots and installations of their own" {
    for node in 1 2 3 4; do
        [ "$(on_node $node hostname)" = n$node ]
        [ "$(on_node $node hostname -I | xargs)" = 10.77.0.$node ]
        on_node $node cat /proc/sys/kernel/random/boot_id >>boots
        on_node $node cat /etc/machine-id >>machines
    done
    [ "$(sort -u boots | wc -l)" -eq 4 ]
    [ "$(sort -u machines | wc -l)" -eq 4 ]
    run -1 grep -Ff boots /proc/sys/kernel/random/boot_id
    run ! ip link show n1
}

@test "an array runs on all four nodes at once, in processes of equal ids" {
    on_node 1 test -w /proc/sys/kernel/ns_last_pid || skip "process ids cannot be chosen here"
    all_four_run() { [ "$(cat host.* | wc -l)" -eq 4 ]; }
    cat >task <<'END'
[ $$ -eq 5000 ] || exit 1
echo "$(hostname) $$" >"host.$SLURM_ARRAY_TASK_ID"
until [ -e ended ]; do sleep 0.1; done
END
    submit --array 0-3 <<'END'
while [ ! -e "host.$SLURM_ARRAY_TASK_ID" ]; do
    echo 4999 >/proc/sys/kernel/ns_last_pid
    sh task
done
END
    eventually all_four_run 2>/dev/null
    touch ended
    [ "$(sort host.* | xargs)" = "n1 5000 n2 5000 n3 5000 n4 5000" ]
}

@test "a job that is requeued runs again and knows how often it has" {
    job=$(submit <<<'echo "restarts=$SLURM_RESTART_COUNT"; [ "$SLURM_RESTART_COUNT" ] || sleep infinity')
    eventually grep -q restarts= out
    slurm scontrol requeue "$job"
    eventually grep -q restarts=1 out
    eventually has_ended "$job" "PENDING COMPLETED"
}

@test "a job of the high partition takes the node after the other's grace, and that one is requeued" {
    cat >step <<'END'
trap 'squeue --noheader --job $SLURM_JOB_ID --format "warned while %T"' TERM
while true; do sleep 0.1; done
END
    low=$(submit --nodelist n2 <<<'echo "restarts=$SLURM_RESTART_COUNT"; [ "$SLURM_RESTART_COUNT" ] || srun bash step')
    eventually slurm scontrol show step "$low.0"
    high=$(slurm sbatch --parsable --partition high --nodelist n2 --output high --wrap 'cat out')
    eventually has_ended "$high" COMPLETED
    grep -qx "warned while RUNNING" high
    eventually has_ended "$low" "PREEMPTED COMPLETED"
    grep -q restarts=1 out
}

@test "a batch script is signalled ahead of its time limit" {
    # Slurm counts limits in minutes, and signals up to a minute too early
    job=$(submit --time 1 --signal B:USR1@60 <<<'trap "echo signalled; exit 0" USR1; while true; do sleep 0.1; done')
    eventually has_ended "$job" COMPLETED
    grep -qx signalled out
}

@test "a node that loses power is noticed, its job runs again on another, and it comes back" {
    job=$(submit --constraint small <<<'echo "$(hostname) restarts=$SLURM_RESTART_COUNT"; [ "$SLURM_RESTART_COUNT" ] || sleep infinity')
    eventually test -s out
    node=$(cut -c 2 out)
    boot=$(on_node "$node" cat /proc/sys/kernel/random/boot_id)
    "$CLUSTER" kill "$SLURM_DIR" "$node"
    run -1 on_node "$node" true
    eventually has_ended "$job" "NODE_FAIL COMPLETED"
    [ "$(cat out)" = "n$node restarts="$'\n'"n$((7 - node)) restarts=1" ] # n3 and n4 are small
    [[ $(slurm sinfo --noheader --nodes "n$node" --partition low --format %T) == down* ]]
    "$CLUSTER" restart "$SLURM_DIR" "$node" 3>&-
    [ "$(on_node "$node" cat /proc/sys/kernel/random/boot_id)" != "$boot" ]
    [ "$(slurm srun --nodelist "n$node" hostname)" = "n$node" ]
}

@test "limits refuse arrays and jobs with the messages of real ones" {
    run -1 slurm sbatch --array 0-9 --wrap true
    [[ $output == *"AssocMaxSubmitJobLimit"*"Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"* ]]
    run -1 slurm sbatch --array 9 --wrap true
    [[ $output == *"Invalid job array specification"* ]]
    # tasks that are pending count, also those of an array with steps and a bound
    slurm sbatch --hold --array 0-8:3%2 --wrap true
    slurm sbatch --hold --array 0,2-4 --wrap true
    slurm sbatch --hold --wrap true
    run -1 slurm sbatch --hold --wrap true
    [[ $output == *"AssocMaxSubmitJobLimit"* ]]
}

@test "stop leaves no process and no namespace, also of a start that was killed" {
    other=$BATS_TEST_TMPDIR/other
    for step in head/unshare head/ready n1/unshare; do
        setsid "$CLUSTER" start "$other" 3>&- &
        start=$!
        eventually test -e "$other/$step"
        kill -KILL "$start" || true # it may have been faster
        wait "$start" || true
        "$CLUSTER" stop "$other"
        [ ! -e "$other" ]
        run -1 pgrep --full "host $other"
        eventually has_no_process "$other" # commands of the start that was killed
    done
    "$CLUSTER" stop "$other"
    # a cluster that was up: every namespace of its hosts has ended
    "$CLUSTER" start "$other" 3>&-
    find /proc/self/ns -type l -printf '%l\n' >own
    processes_of "$other" | sed -nE 's|/mountinfo$|/ns|p' | xargs -I '{}' find '{}' -type l -printf '%l\n' | sort -u |
        grep -Fxvf own >namespaces
    [ "$(grep -c ^net: namespaces)" -eq 5 ]
    "$CLUSTER" stop "$other"
    has_no_process "$other"
    find /proc/[0-9]*/ns -type l -printf '%l\n' 2>/dev/null >left || true
    run -1 grep -Fxf namespaces left
    run -1 grep -F "$other" /proc/self/mountinfo
}
