#!/usr/bin/env bats
# The speeds behind the times that check prints: measured once per machine, kept, marked on a busy machine, left out on request.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache PRUNEBENCH_PROC=$BATS_TEST_TMPDIR/proc
    mkdir proc
    running 1
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="2" batch="8"/>
  <dataset plugin="birds" root="nowhere"/>
  <schedule plugin="one-shot"/><criterion plugin="bn-scale"/><criterion plugin="random"/>
  <targets>0.3</targets>
</matrix>
END
}

# A machine where so many processes run at every moment, the asking one included.
running() { printf 'cpu  10 0 0 10 0 0 0 0 0 0\nprocs_running %d\n' "$1" >proc/stat; }

speed() { # KEY of the only speed in a file of JSON
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert len(d["speeds"]) == 1; print(d["speeds"][0][sys.argv[2]])' "$1" "$2"
}

@test "a speed is measured once and then taken from the cache, until something that decides it changes" {
    prunebench check m.xml --threads 1 --json >first.json
    [ "$(speed first.json measured)" = None ]
    [ "$(ls cache/prunebench | wc -l)" -eq 1 ]
    prunebench check m.xml --threads 1 --json >second.json
    [ "$(speed second.json measured)" != None ]
    [ "$(speed first.json macs_per_second)" = "$(speed second.json macs_per_second)" ]
    run -0 prunebench check m.xml --threads 1
    [[ $output =~ " MAC/s training, at 20"..-..-..T ]]
    # other threads, other kernels, another batch: other speeds
    prunebench check m.xml --threads 2 --json >threads.json
    [ "$(speed threads.json measured)" = None ]
    sed 's|<schedule|<backend plugin="blis"><option name="kernels" value="generic"/></backend><schedule|' m.xml >kernels.xml
    prunebench check kernels.xml --threads 1 --json >kernels.json
    [ "$(speed kernels.json measured)" = None ]
    sed 's|batch="8"|batch="4"|' m.xml >batch.xml
    prunebench check batch.xml --threads 1 --json >batch.json
    [ "$(speed batch.json measured)" = None ]
    [ "$(ls cache/prunebench | wc -l)" -eq 4 ]
}

@test "a damaged speed is measured again, and mends the cache" {
    prunebench check m.xml --threads 1 --json >first.json
    file=$(echo cache/prunebench/*)
    cp "$file" whole
    # one digit of the speed, half a file, nothing, garbage, something that would make a reader wait
    python3 - "$file" <<'END'
import re, sys
text = open(sys.argv[1]).read()
changed = re.sub(r'("macs_per_second": \d)', r'\g<1>9', text)
assert changed != text
open(sys.argv[1], "w").write(changed)
END
    for damage in as-is "truncate -s 100" "truncate -s 0" "cp m.xml" fifo; do
        case $damage in
        as-is) ;;
        fifo) rm "$file" && mkfifo "$file" ;;
        *) $damage "$file" ;;
        esac
        timeout 60 "$PRUNEBENCH_BUILD/prunebench" check m.xml --threads 1 --json >again.json
        echo "$damage: $(speed again.json measured)"
        [ "$(speed again.json measured)" = None ]
        prunebench check m.xml --threads 1 --json >mended.json
        [ "$(speed mended.json measured)" != None ]
    done
}

@test "a cache that cannot be written, or has no place, is no error" {
    touch cache # a file where the folder would be
    run -0 prunebench check m.xml --threads 1
    [[ $output == *" MAC/s training"* ]]
    unset XDG_CACHE_HOME
    HOME= run -0 prunebench check m.xml --threads 1
    HOME=$BATS_TEST_TMPDIR/nobody run -0 prunebench check m.xml --threads 1
    [ ! -e nobody ]
    HOME=$BATS_TEST_TMPDIR run -0 prunebench check m.xml --threads 1
    [ "$(ls .cache/prunebench | wc -l)" -eq 1 ]
}

@test "a speed that was measured beside other processes is marked with the reason, and not kept" {
    running 701
    run -0 prunebench check m.xml --threads 1
    echo "$output"
    [[ $output =~ birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1[^$'\n']*" s *"$'\n' ]]
    [[ $output == *" s * here with 1 threads"* ]]
    [[ $output == *" MAC/s training * busy: 700.0 other processes were running or ready to run on "* ]]
    [ ! -e cache ]
    prunebench check m.xml --threads 1 --json >busy.json
    [[ $(speed busy.json busy) == "700.0 other processes"* ]]
    running 1
    prunebench check m.xml --threads 1 --json >quiet.json
    [ "$(speed quiet.json busy)" = None ]
    [ "$(speed quiet.json measured)" = None ]
    # what was kept is a quiet machine's, whatever runs now
    running 701
    run -0 prunebench check m.xml --threads 1
    [[ $output != *busy* ]]
}

@test "without speeds nothing is measured or kept, and no time is shown" {
    run -0 prunebench check m.xml --threads 1 --no-speed
    echo "$output"
    [[ $output == *"2 cells, "*" stages ("*" shared), "*" MACs"* ]]
    [[ $output != *time* && $output != *about* && $output != *measured* && $output != *" s"$'\n'* ]]
    [ ! -e cache ]
    prunebench check m.xml --threads 1 --no-speed --json >none.json
    prunebench check m.xml --threads 1 --json >timed.json
    python3 -c '
import json
none, timed = json.load(open("none.json")), json.load(open("timed.json"))
assert none["speeds"] == [] and none["total"]["seconds"] is None, none["total"]
assert all(row["seconds"] is None for row in none["cells"] + none["stages"])
assert all(row["seconds"] > 0 for row in timed["cells"]) and timed["total"]["seconds"] > 0
for found in none, timed:
    del found["speeds"]
    for row in found["cells"] + found["stages"] + [found["total"]]:
        del row["seconds"]
        row.pop("memory_bytes", None) # holds what the planning process happens to have resident
assert none == timed
'
}
