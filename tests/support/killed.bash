# Killing a run when some of its stages are stored, for tests of what a resumed one ends with.

stored_stages() { find out/stages -name stage.json -path '*/stages/[0-9a-f]*' 2>/dev/null | wc -l; }

# Starts `prunebench run … -o out` anew with the words $3, $4, …, and kills all of it when $1 stages are stored. Adds to $hits where it
# had not ended: its result out/cells/$2 was not written.
kill_run() {
    local stored=$1 file=$2 group
    shift 2
    rm -rf out
    setsid "$PRUNEBENCH_BUILD/prunebench" run "$@" -o out --quiet --plugin-dir "$PRUNEBENCH_BUILD/tests/evil" &
    group=$!
    until (($(stored_stages) >= stored)) || [ -e "out/cells/$file" ]; do sleep 0.01; done
    kill -KILL -- "-$group" || true
    wait "$group" || true
    [ -e "out/cells/$file" ] || hits=$((hits + 1))
}
