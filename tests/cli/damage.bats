#!/usr/bin/env bats
# Damaged files below OUT: found by their checksums, set aside, said, and made again to the same bytes; no cell fails of them.

bats_require_minimum_version 1.5.0
load ../support/runs.bash
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1
OTHER=birds.vgg11-bcnn.bn-scale.one-shot.blis.r50.s1

# A matrix of two cells that share their base; $1: epochs.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="${1:-2}" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.3 0.5</targets>
  <stages keep="all"/>
</matrix>
END
}

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets WHOLE=$BATS_FILE_TMPDIR/whole
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix >"$BATS_FILE_TMPDIR/m.xml"
    prunebench run "$BATS_FILE_TMPDIR/m.xml" -o "$WHOLE" --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -a "$WHOLE" out
    cp "$BATS_FILE_TMPDIR/m.xml" .
}

stage_of() { sed -nE "s/.*(^| )$2=\"([0-9a-f]{64})\".*/\2/p" "out/cells/$1.xml"; }

# Runs what is missing, and requires all cells ok and every file as it was.
run_again() {
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *" 0 failed, 0 blocked"* ]] || return 1
    same_as_whole
}
same_as_whole() {
    local file
    for file in "$WHOLE"/cells/*.xml; do
        diff <(timeless "$file") <(timeless "out/cells/$(basename "$file")") || return 1
    done
    for file in "$WHOLE"/stages/*/network.safetensors "$WHOLE"/cache/*.images; do
        cmp "$file" "out${file#"$WHOLE"}" || return 1
    done
    for file in "$WHOLE"/stages/*/stage.json; do
        diff <(grep -v 'seconds\|scoring_bytes\|checksum' "$file") <(grep -v 'seconds\|scoring_bytes\|checksum' "out${file#"$WHOLE"}") || return 1
    done
}

# Flips one bit in the middle of a file.
flip() {
    python3 - "$1" <<'END'
import sys
with open(sys.argv[1], "r+b") as file:
    bytes = bytearray(file.read())
    bytes[len(bytes) * 2 // 3] ^= 4
    file.seek(0)
    file.write(bytes)
END
}

@test "a flipped bit in every stored network is found, said and repaired" {
    rm out/cells/*.xml
    networks=(out/stages/*/network.safetensors)
    [ ${#networks[@]} -ge 4 ]
    for network in "${networks[@]}"; do flip "$network"; done
    run_again
    for network in "${networks[@]}"; do
        compgen -G "$(dirname "$network").damaged-*/network.safetensors"
        grep -q "warning: '$network' is damaged: .*; it is set aside as '$(dirname "$network").damaged-.*', and the stage is made again" out/logs/*.log
    done
}

@test "a weight of 1.8e37 is not used" {
    rm out/cells/$ID.xml
    network=out/stages/$(stage_of $OTHER stage-base)/network.safetensors
    python3 - "$network" <<'END'
import struct, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(-4000, 2)
    file.write(struct.pack("<f", 1.8e37))
END
    run_again
    grep -q "warning: '$network' is damaged" out/logs/$ID.log
}

@test "an accuracy edited to 0.9999 is measured again" {
    test=out/stages/$(stage_of $ID stage-retrained)/test.json
    rm out/cells/$ID.xml
    sed -i 's/"top1": [0-9.]*/"top1": 0.9999/' "$test"
    grep -q 0.9999 "$test"
    run_again
    grep -q "warning: $test: it is damaged.*set aside as '$test.damaged-.*and it is measured again" out/logs/$ID.log
    run ! grep -q 0.9999 "$test" # in costs and epochs such digits may stand
    run ! grep -q 'top1="0.9999"' out/cells/$ID.xml
    # garbage and nothing at all, too
    rm out/cells/$ID.xml
    : >"$test"
    run_again
}

@test "networks cut short, emptied or gone, facts that are gone or garbage: each heals" {
    base=out/stages/$(stage_of $ID stage-base)
    pruned=out/stages/$(stage_of $ID stage-pruned)
    for damage in 'truncate -s 5000 $base/network.safetensors' ': >$pruned/network.safetensors' \
        'rm $base/network.safetensors' 'rm $pruned/stage.json' 'echo garbage >$base/stage.json' \
        'head -c 100000 /dev/urandom >$pruned/network.safetensors' 'echo "{}" >$pruned/stage.json'; do
        echo "== $damage"
        rm -f out/cells/*.xml
        eval "$damage"
        run_again
    done
}

@test "what is no regular file or folder in a stage's place is never read, and is set aside" {
    base=out/stages/$(stage_of $ID stage-base)
    pruned=out/stages/$(stage_of $ID stage-pruned)
    retrained=out/stages/$(stage_of $ID stage-retrained)
    score=$(grep -l '"scores"' out/stages/*/stage.json | head -n 1)
    rm out/cells/*.xml $base/network.safetensors $pruned/stage.json $retrained/test.json
    mkfifo $base/network.safetensors $pruned/stage.json pipe
    ln -s "$PWD/pipe" $retrained/test.json
    rm -r "$(dirname "$score")"
    mkfifo "$(dirname "$score")"
    run timeout 60 "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1
    echo "$output"
    [ "$status" -eq 0 ]
    same_as_whole
    cat out/logs/*.log
    grep -q "'$base/network.safetensors' is a named pipe, no regular file; it is set aside" out/logs/*.log
    grep -q "'$pruned/stage.json' is a named pipe, no regular file; it is set aside" out/logs/*.log
    grep -q "'$retrained/test.json' is a link, no regular file; it is set aside" out/logs/*.log
    grep -q "'$(dirname "$score")' is a named pipe, no stage; it is set aside" out/logs/*.log
    [ -p pipe ]
}

@test "the decoded cache: a flipped pixel, a cut file, a pipe in its place" {
    cache=$(echo out/cache/*.images)
    for damage in 'flip $cache' 'truncate -s 3000 $cache' 'rm $cache; mkfifo $cache'; do
        echo "== $damage"
        rm -f out/cells/*.xml
        rm -rf out/stages/* # so that every image is used
        eval "$damage"
        run timeout 60 "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1
        echo "$output"
        [ "$status" -eq 0 ]
        same_as_whole
        [ "$(ls -d $cache.damaged-* | wc -l)" -eq 1 ] # the last one is kept
        grep -q "'$cache.*; it is set aside as '$cache.damaged-.*', and built again" out/logs/*.log
    done
}

@test "garbage where a stopped training keeps its state: it begins again and says so" {
    matrix 30 >m.xml
    rm -rf out
    prunebench run m.xml -o long --threads 1 --quiet --only '*r30*'
    base=$(sed -nE 's/.*stage-base="([0-9a-f]{64})".*/\1/p' long/cells/$ID.xml)
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out --threads 1 --quiet --only '*r30*' 3>&- &
    coordinator=$!
    for _ in $(seq 3000); do
        [ -e out/stages/$base.partial/epoch.safetensors ] && break
        sleep 0.01
    done
    kill -KILL $coordinator
    wait $coordinator || true
    [ -e out/stages/$base.partial/epoch.safetensors ]
    [ -e out/stages/$base.partial/best.safetensors ]
    for damaged in 'flip epoch' 'truncate -s 9000 epoch' 'cp m.xml epoch' 'flip best' 'truncate -s 9000 best'; do
        file=${damaged##* }.safetensors damage=${damaged% *}
        rm -rf cut && cp -a out cut
        $damage cut/stages/$base.partial/$file
        run prunebench run m.xml -o cut --threads 1 --only '*r30*'
        echo "$output"
        [ "$status" -eq 0 ]
        grep -q "'cut/stages/$base.partial/$file' .*; it is set aside as 'cut/stages/$base.partial.damaged-.*, and the training begins at its first epoch" cut/logs/$ID.log
        for network in long/stages/*/network.safetensors; do
            cmp "$network" "cut${network#long}"
        done
    done
}

@test "a stage that is damaged after the cell has acquired it is made again, and the cell with it, three times at most" {
    sed -i 's|<schedule .*|<schedule plugin="odd" label="back"><option name="does" value="damages"/></schedule>|; s/0.3 0.5/0.5/' m.xml
    id=${OTHER/one-shot/back}
    odd() { prunebench run m.xml -o "$@" --threads 1 --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }
    odd sound --quiet
    base=$(sed -nE 's/.*stage-base="([0-9a-f]{64})".*/\1/p' sound/cells/$id.xml)
    damaged=stages/$base/network.safetensors
    ODD_DAMAGED=once/$damaged ODD_MARK=mark run odd once
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c "warning: recalibrate: 'once/$damaged' is damaged: .*; the cell begins again, with what is stored" once/logs/$id.log)" -eq 1 ]
    diff <(timeless sound/cells/$id.xml) <(timeless once/cells/$id.xml)
    for network in sound/stages/*/network.safetensors; do cmp "$network" "once${network#sound}"; done
    # damaged again each time
    ODD_DAMAGED=always/$damaged run odd always
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$(grep -c "; the cell begins again, with what is stored" always/logs/$id.log)" -eq 3 ]
    grep -q "stored files were damaged again after 3 repairs, check the disk" always/cells/$id.xml
}

@test "several children that find the same damage at once repair it once" {
    rm out/cells/*.xml
    base=out/stages/$(sed -nE 's/.*stage-base="([0-9a-f]{64})".*/\1/p' "$WHOLE/cells/$ID.xml")
    flip "$base/network.safetensors"
    for id in $ID $OTHER $ID $OTHER; do
        prunebench cell "$WHOLE/matrix.xml" $id -o out --quiet 2>>log 3>&- &
    done
    wait
    cat log
    [ "$(grep -c 'is damaged: ' log)" -eq 1 ]
    [ "$(ls -d $base.damaged-* | wc -l)" -eq 1 ]
    same_as_whole
}
