#!/usr/bin/env bats
# run --executor slurm, with commands that behave as Slurm's do and start jobs as processes of this machine.
bats_require_minimum_version 1.5.0
load ../support/runs.bash
load ../support/slurm.bash

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }
slurm_run() { prunebench run m.xml -o "${out:-out}" --executor slurm --threads 1 "$@"; }

matrix() { # TARGETS [EPOCHS [RUNS OF A LATENCY]]
    cat <<END_OF_MATRIX
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="${2:-2}" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="${3:-0}"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>$1</targets>
</matrix>
END_OF_MATRIX
}

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets LOCAL=$BATS_FILE_TMPDIR/local
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix "0.3 0.5" >"$BATS_FILE_TMPDIR/m.xml"
    prunebench run "$BATS_FILE_TMPDIR/m.xml" -o "$LOCAL" --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    matrix "0.3 0.5" >m.xml
    fake_slurm "$PWD/slurm"
}

teardown() { end_jobs; }

# Starts the run in the background, as $coordinator.
begin() {
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --executor slurm --threads 1 "$@" >log 2>&1 3>&- &
    coordinator=$!
}

has_no_jobs() { [ -z "$(ls slurm/jobs)" ]; }
has_submitted() { [ "$(submitted_jobs)" -ge "$1" ]; }

@test "a run by jobs ends with the documents of a local one" {
    run -0 slurm_run
    echo "$output"
    [[ $output == *"2 done, 0 were done before, 0 failed, 0 blocked; results in out/cells" ]]
    [ "$(<slurm/submitted)" = 2 ]
    wait_for has_no_jobs
    diff <(timeless "$LOCAL"/cells/*) <(timeless out/cells/*)
    [ "$(awk '/ cells done, 0 failed here/ { sum += $1 } END { print sum }' out/logs/worker-*.log)" -eq 2 ]
    # what is done stays done, and needs no job
    run -0 slurm_run
    [[ $output == *"0 done, 2 were done before, 0 failed"* ]]
    [ "$(submitted_jobs)" -eq 2 ]
}

@test "a job's script asks for what the options say, and for the memory and time of the plan" {
    cp -r "$LOCAL" out
    slurm_run --quiet
    eval "words=($(sed -n 's/^#SBATCH //p' out/worker.sbatch))"
    printf '%s\n' "${words[@]}" >asked
    diff - <(grep -vE '^--(job-name|mem|time)=' asked) <<ASKED
--requeue
--open-mode=append
--signal=TERM@120
--output=$PWD/out/logs/worker-%j.log
--nodes=1
--ntasks=1
--cpus-per-task=1
ASKED
    mib=$(sed -nE 's/^--mem=([0-9]+)M$/\1/p' asked)
    [ "$mib" -gt 512 ]
    [ "$mib" -lt 700 ]
    grep -qx -- '--time=1[01]' asked # ten minutes beside the cell, which takes seconds

    slurm_run --quiet --partition low,high --account 'a b' --constraint 'amx&big' --exclusive --time 2:00:30 \
        --sbatch --qos=long --sbatch '--mail-type=END --nice' -j 3 --threads 5
    eval "words=($(sed -n 's/^#SBATCH //p' out/worker.sbatch))"
    printf '%s\n' "${words[@]}" >asked
    for word in --partition=low,high '--account=a b' '--constraint=amx&big' --exclusive --mem=0 --time=121 --cpus-per-task=5 \
        --qos=long --mail-type=END --nice; do
        grep -qxF -- "$word" asked
    done
    grep -qF "worker $PWD/out -j 3 --threads 5" out/worker.sbatch
    mkdir 'decoded images'
    slurm_run --quiet --cache 'decoded images'
    grep -qF "worker $PWD/out --cache '$PWD/decoded images' -j 1" out/worker.sbatch
    [ "$(submitted_jobs)" -eq 0 ]
}

@test "a folder whose name has a blank, a quote and a per cent sign" {
    out="it's 100%j a run"
    run -0 slurm_run
    echo "$output"
    diff <(timeless "$LOCAL"/cells/*) <(timeless "$out"/cells/*)
    wait_for has_no_jobs
    [ -s "$out/logs/worker-1.log" ]
}

@test "more jobs than an array may have are several arrays" {
    matrix "0.3" | sed "2i <seeds>$(seq -s' ' 3000)</seeds>" >m.xml
    echo 0 >slurm/slots
    begin --workers 3000
    wait_for has_submitted 3000
    kill -INT $coordinator
    wait $coordinator || true
    [ "$(paste -sd' ' slurm/submitted)" = "1001 1001 998" ]
    grep -E '^sbatch --parsable --array=0-(1000|997) ' slurm/calls
}

@test "a cluster without arrays gets single jobs" {
    sed -i 's/1001/0/' slurm/config
    run -0 slurm_run
    [ "$(paste -sd' ' slurm/submitted)" = "1 1" ]
    run ! grep -e --array slurm/calls
}

@test "a limit on the jobs of a user: as many as it allows at once, the rest when others have ended" {
    matrix "0.2 0.3 0.4 0.5" >m.xml
    echo 3 >slurm/limit
    # no job ends before a fourth one was refused
    # shellcheck disable=SC2016 # the worker's shell expands it
    printf '#!/bin/sh\nuntil [ -e "$FAKE_SLURM/go" ]; do sleep 0.1; done\nexec "$@" --one\n' >slurm/worker
    chmod +x slurm/worker
    begin
    wait_for grep -q "^3 jobs 'prunebench-.*' submitted; a limit lets others only be submitted later" log
    touch slurm/go
    wait $coordinator
    cat log
    grep -q "^4 done, 0 were done before, 0 failed" log
    [ "$(head -n 2 slurm/submitted | paste -sd' ')" = "2 1" ]
    has_submitted 4
}

@test "while a job runs a cell, there is room for another one for the cell that waits" {
    matrix "0.3 0.5" 4000 >m.xml
    echo 1 >slurm/limit
    begin
    wait_for compgen -G 'out/stages/*.partial/epoch.safetensors'
    has_submitted 1
    rm slurm/limit
    wait_for has_submitted 2
    kill -INT $coordinator
    wait $coordinator || true
}

@test "jobs that have not begun are cancelled when all cells are done" {
    echo 1 >slurm/slots
    run -0 slurm_run
    [ "$(<slurm/submitted)" = 2 ]
    grep -qE '^scancel --name=prunebench-[0-9a-f]{8} --state=PENDING$' slurm/calls
    [ "$(cat slurm/jobs/* </dev/null | grep -c PENDING)" -eq 0 ]
}

@test "Ctrl-C leaves the jobs and names the commands for them; the same command attaches to them" {
    echo 0 >slurm/slots
    begin
    wait_for grep -q submitted log
    kill -INT $coordinator
    status=0
    wait $coordinator || status=$?
    cat log
    [ "$status" -eq 130 ]
    name=$(sed -nE 's/^#SBATCH --job-name=//p' out/worker.sbatch)
    grep -qF "the jobs stay: 'squeue --name=$name' and 'prunebench status out' show them, 'scancel --name=$name' cancels them, the same command attaches again" log
    run ! grep -q scancel slurm/calls
    [ "$(ls slurm/jobs | wc -l)" -eq 2 ]

    begin
    wait_for grep -qF "attached to 2 jobs '$name' of this run" log
    prunebench worker out --threads 1 --quiet
    wait $coordinator
    [ "$(submitted_jobs)" -eq 2 ]
    [ -z "$(ls slurm/jobs)" ]
    diff <(timeless "$LOCAL"/cells/*) <(timeless out/cells/*)
}

@test "jobs that end without a cell: an error after three rounds, with what a worker said last" {
    printf '#!/bin/sh\necho not this >&2\necho "libblis.so.4: cannot open shared object file" >&2\necho "srun: error: n1: task 0: Exited with exit code 127" >&2\nexit 127\n' >slurm/worker
    chmod +x slurm/worker
    mkdir -p out/logs
    echo "an earlier run's" >out/logs/worker-99.log
    run -1 slurm_run
    echo "$output"
    [[ $output == *"the jobs 'prunebench-"*"' end without a cell that ends: a worker's last words are: libblis.so.4: cannot open shared object file; out/logs/worker-*.log and"* ]]
    [ "$(paste -sd' ' slurm/submitted)" = "2 2 2" ]
}

@test "jobs that are held are not waited for, and how to release them is said" {
    echo 0 >slurm/slots
    begin
    wait_for has_submitted 2
    echo PENDING launch failed requeued held >slurm/jobs/1
    echo PENDING JobHeldUser >slurm/jobs/2
    echo 2 >slurm/slots
    wait $coordinator
    cat log
    name=$(sed -nE 's/^#SBATCH --job-name=//p' out/worker.sbatch)
    grep -qF "0 jobs run, 0 wait; 2 are held: 'scontrol release jobname=$name'" log
    [ "$(paste -sd' ' slurm/submitted)" = "2 2" ]
    diff <(timeless "$LOCAL"/cells/*) <(timeless out/cells/*)
}

@test "while no cell ends, jobs are submitted a few times only, though one of them runs" {
    matrix "0.2 0.3 0.4 0.5" >m.xml
    # the first job claims nothing and stays, the others end at once
    # shellcheck disable=SC2016 # the worker's shell expands it
    printf '#!/bin/sh\n[ "$SLURM_JOB_ID" != 1 ] || exec sleep 600\n' >slurm/worker
    chmod +x slurm/worker
    begin --workers 4
    wait_for grep -qE '^(prunebench: )?.*jobs were submitted since a cell ended: no more are until one does; see out/logs/worker-' log
    cat log
    [ "$(submitted_jobs)" -ge 12 ]
    [ "$(submitted_jobs)" -lt 16 ]
    kill -0 $coordinator # the one that runs may still end a cell
    kill -INT $coordinator
    wait $coordinator || true
}

@test "a worker that died on its host while it measured does not keep others from it" {
    matrix "0.3 0.5" 2 1 >m.xml
    export PRUNEBENCH_LEASE="0.5 3"
    echo 0 >slurm/slots
    begin
    wait_for has_submitted 2
    printf 'abcdef-01234567-71-89abcdef %020d elsewhere 71 -\n' 1 >out/queue/latency.claim
    rm slurm/jobs/*
    echo 2 >slurm/slots
    wait $coordinator
    cat log
    [ "$(grep -l '<latency ' out/cells/* | wc -l)" -eq 2 ]
    [ ! -e out/queue/latency.claim ]
}

@test "a controller that does not answer for a while is a warning, and the run continues" {
    echo 0 >slurm/slots
    begin
    wait_for grep -q submitted log
    touch slurm/silent
    wait_for grep -q "squeue refuses: .*Unable to contact slurm controller (connect failure); asked again later" log
    rm slurm/silent slurm/jobs/*
    # the jobs are gone, and a first submission fails
    echo 'Batch job submission failed: Socket timed out on send/recv operation' >slurm/refuse
    wait_for grep -q "sbatch refuses: .*Socket timed out on send/recv operation; tried again later" log
    rm slurm/refuse
    echo 2 >slurm/slots
    wait $coordinator
    cat log
    [ "$(paste -sd' ' slurm/submitted)" = "2 2" ]
    diff <(timeless "$LOCAL"/cells/*) <(timeless out/cells/*)
}

@test "a refusal that stays is an error when no job is left" {
    echo 0 >slurm/slots
    begin
    wait_for grep -q submitted log
    echo 'Batch job submission failed: Invalid account' >slurm/refuse
    rm slurm/jobs/*
    status=0
    wait $coordinator || status=$?
    cat log
    [ "$status" -eq 1 ]
    grep -q "no job is left, and none can be submitted: sbatch refuses: .*Invalid account" log
}

@test "latencies are measured by a job when all cells are done, and not again by another command" {
    matrix "0.3 0.5" 2 1 >m.xml
    run -0 slurm_run
    [[ $output != *"without latency"* ]]
    [ "$(grep -l '<latency ' out/cells/* | wc -l)" -eq 2 ]
    before=$(submitted_jobs)
    wait_for has_no_jobs
    run -0 slurm_run --threads 2 # where the latency was measured is not known here
    [ "$(submitted_jobs)" -eq "$before" ]
    # what the matrix asks for anew is
    wait_for has_no_jobs
    matrix "0.3 0.5" 2 2 >m.xml
    run -0 slurm_run
    [ "$(submitted_jobs)" -gt "$before" ]
    [ "$(grep -l 'batch 2, 2 runs' out/cells/* | wc -l)" -eq 2 ]
}

# Nothing is submitted.
refuses() { # STATUS MESSAGE ARGUMENT…
    local expected=$1 message=$2
    shift 2
    run prunebench run m.xml -o out --threads 1 "$@"
    echo "$output"
    [ "$status" -eq "$expected" ]
    [[ $output == *"$message"* ]]
    [ "$(submitted_jobs)" -eq 0 ]
}

@test "what is asked for wrongly is an error before anything is planned" {
    refuses 2 "--executor: 'pbs' is none; it is local or slurm" --executor pbs
    refuses 2 "--sbatch: 'x' is not an option of sbatch, such as --qos=long" --executor slurm --sbatch x
    refuses 2 "there is no partition 'night'; this cluster has low, high" --executor slurm --partition night
    refuses 2 "there is no partition 'low,night'; this cluster has low, high" --executor slurm --partition low,night
    for option in --workers=3 --partition=low --account=a --constraint=amx --exclusive --time=60 --sbatch=--qos=long; do
        refuses 2 "${option%%=*} is for jobs: it takes --executor slurm" "$option"
        refuses 2 "${option%%=*} is for jobs: it takes --executor slurm" --executor local "$option"
    done
    refuses 2 "a time limit of 1 min 40 s does not let an epoch end" --executor slurm --time 100
    refuses 2 "--time: the partition lets a job run for 1 d 0 h at most" --executor slurm --time 1-00:00:01
    [ ! -e out ]
}

@test "a host that has no Slurm says so" {
    mkdir empty
    run -2 env "PATH=$PWD/empty" "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --executor slurm
    echo "$output"
    [[ $output == *"Slurm's command 'scontrol' is not here: start this on a host that submits jobs of the cluster, or use --executor local" ]]
    [ ! -e out ]
}

@test "what sbatch would refuse is one sentence, before anything is submitted" {
    echo 'Invalid account or account/partition combination specified' >slurm/refuse-test
    refuses 2 "sbatch refuses: sbatch: error: Invalid account or account/partition combination specified" --executor slurm --account none
    [ "$(wc -l <<<"$output")" -eq 1 ]
    printf "unrecognized option '--bogus'\nTry \"sbatch --help\" for more information\n" >slurm/refuse-test
    refuses 2 "sbatch refuses: sbatch: error: unrecognized option '--bogus'" --executor slurm --sbatch --bogus
    # a limit on jobs is none: these are submitted when others have ended
    echo AssocMaxSubmitJobLimit >slurm/refuse-test
    run -0 slurm_run
    [ "$(submitted_jobs)" -eq 2 ]
}

# The examples of other ways to start workers, with the program in the place of an installed one.
example() { # NAME
    sed "s|@PREFIX@/bin/prunebench|$PRUNEBENCH_BUILD/prunebench|" "$BATS_TEST_DIRNAME/../../scripts/examples/$1" >"$1"
    chmod +x "$1"
}

# A run in out that nobody runs, as one that was interrupted leaves it.
prepare_out() {
    echo 0 >slurm/slots
    begin
    wait_for grep -q submitted log
    kill -INT $coordinator
    wait $coordinator || true
}

@test "workers-over-ssh: a worker on each host, started again when it was ended early" {
    example workers-over-ssh
    prepare_out
    # what one host prints first is a worker's that was ended early
    mkdir bin
    cat >bin/ssh <<'END_OF_SSH'
#!/bin/bash
printf '%s\n' "$3" >>hosts
[ "$3" != early ] || [ "$(grep -c early hosts)" -gt 1 ] || exit 75
exec bash -c "$4"
END_OF_SSH
    chmod +x bin/ssh
    PATH=$PWD/bin:$PATH run -0 ./workers-over-ssh out early other
    echo "$output"
    [ "$(sort hosts | paste -sd' ')" = "early early other" ]
    # each has all threads of its host
    diff <(timeless "$LOCAL"/cells/* | sed 's/ threads="[0-9]*"//') <(timeless out/cells/* | sed 's/ threads="[0-9]*"//')
    [ "$(awk '/ cells done, 0 failed here/ { sum += $1 } END { print sum }' out/logs/worker-early.log out/logs/worker-other.log)" -eq 2 ]
    # a host that cannot run them
    printf '#!/bin/sh\nexit 2\n' >bin/ssh
    PATH=$PWD/bin:$PATH run -2 ./workers-over-ssh out bad
    [[ $output == "workers-over-ssh: the worker on bad ends with exit code 2: see $PWD/out/logs/worker-bad.log" ]]
    run -2 ./workers-over-ssh out
}

@test "worker.pbs: runs cells, and submits itself again when its time is over" {
    example worker.pbs
    sed -i 's/--threads 16/--threads 1/' worker.pbs
    prepare_out
    mkdir bin
    printf '#!/bin/sh\necho "$@" >>submitted-again\n' >bin/qsub
    chmod +x bin/qsub
    export PATH=$PWD/bin:$PATH PBS_O_WORKDIR=$PWD OUT=out
    sed 's/--max-time [0-9:]*/--max-time 0.001/' worker.pbs >early.pbs
    run -75 bash early.pbs
    [ "$(<submitted-again)" = "-v OUT=out worker.pbs" ]
    run -0 bash worker.pbs
    echo "$output"
    [[ $output == *"2 cells done, 0 failed here"* ]]
    [ "$(wc -l <submitted-again)" -eq 1 ]
    diff <(timeless "$LOCAL"/cells/*) <(timeless out/cells/*)
}

@test "workers.condor and workers.yaml are well-formed, and start a worker" {
    example workers.condor
    run ! grep -vE '^$|^#|^[a-z_]+ = [^ ].*$|^queue [0-9]+$' workers.condor
    grep -qxF "executable = $PRUNEBENCH_BUILD/prunebench" workers.condor
    grep -q '^arguments = "worker ' workers.condor
    example workers.yaml
    python3 -c 'import yaml' || skip "needs python3-yaml"
    python3 - workers.yaml <<'END_OF_CHECK'
import sys, yaml
job = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
spec, pod = job["spec"], job["spec"]["template"]["spec"]
assert spec["completionMode"] == "Indexed" and spec["completions"] == spec["parallelism"] > 1
assert pod["restartPolicy"] == "OnFailure" and pod["terminationGracePeriodSeconds"] > 100
container, = pod["containers"]
assert container["command"][:2] == ["prunebench", "worker"] and all(isinstance(word, str) for word in container["command"])
assert container["command"][2].startswith(container["volumeMounts"][0]["mountPath"] + "/")
assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
END_OF_CHECK
}
