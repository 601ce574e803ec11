# For bats files: Slurm's commands without Slurm (fake-slurm says how they behave).

# Puts them first into PATH. Their folder is $FAKE_SLURM.
fake_slurm() { # FOLDER
    local command
    export FAKE_SLURM=$1
    mkdir -p "$1/bin" "$1/jobs"
    for command in sbatch squeue scontrol sinfo scancel srun; do
        ln -s "$(realpath "$BATS_TEST_DIRNAME/../support/fake-slurm")" "$1/bin/$command"
    done
    printf '%s\n' 'AccountingStorageUser   = N/A' 'MaxArraySize            = 1001' 'MaxJobCount             = 10000' >"$1/config"
    printf '%s\n' 'low* 1-00:00:00' 'high infinite' >"$1/partitions"
    echo 4 >"$1/slots"
    : >"$1/submitted"
    PATH=$1/bin:$PATH
}

# Ends the jobs that still run.
end_jobs() {
    local group
    [ -e "${FAKE_SLURM:-}/processes" ] || return 0
    while read -r group; do kill -KILL -- "-$group" 2>/dev/null || true; done <"$FAKE_SLURM/processes"
}

# How many jobs were submitted.
submitted_jobs() { awk '{ sum += $1 } END { print sum + 0 }' "$FAKE_SLURM/submitted"; }
