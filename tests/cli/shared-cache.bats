#!/usr/bin/env bats
# Decoded images in a folder that runs share: decoded once per content, and results as with a folder of their own.

bats_require_minimum_version 1.5.0
load ../support/runs.bash
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=birds.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1

matrix() { # SETS IMAGE-SIZE
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="${2:-32}" width-multiplier="0.125"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="2" runs="0"/>
  <dataset plugin="birds" root="$1/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
</matrix>
END
}

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets WHOLE=$BATS_FILE_TMPDIR/whole
    prunebench synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    matrix "$SETS" >"$BATS_FILE_TMPDIR/m.xml"
    prunebench run "$BATS_FILE_TMPDIR/m.xml" -o "$WHOLE" --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp "$BATS_FILE_TMPDIR/m.xml" .
}

teardown() { umount small 2>/dev/null || true; }

same_as_whole() { diff <(timeless "$WHOLE/cells/$ID.xml") <(timeless "$1/cells/$ID.xml"); }

decoded() { grep -c 'images decoded in' "$1/logs/$ID.log"; }

@test "a second run with the same --cache decodes nothing, and both end as one with its own folder" {
    prunebench run m.xml -o one --cache shared/images --threads 1 --quiet
    prunebench run m.xml -o two --cache shared/images --threads 1 --quiet
    [ "$(decoded one)" -eq 1 ]
    [ "$(decoded two)" -eq 0 ]
    same_as_whole one
    same_as_whole two
    [ ! -e one/cache ]
    [ ! -e two/cache ]
    cmp shared/images/birds-*.images "$WHOLE"/cache/birds-*.images
    prunebench cell two/matrix.xml $ID -o three --cache shared/images 2>log
    run ! grep -q 'images decoded in' log
    [ ! -e three/cache ]
    same_as_whole two
}

@test "images of the same content elsewhere share the file; another content or another size have files of their own" {
    prunebench run m.xml -o one --cache shared --threads 1 --quiet
    cp -r "$SETS" copied
    matrix copied >copied.xml
    prunebench run copied.xml -o two --cache shared --threads 1 --quiet
    [ "$(decoded two)" -eq 0 ]
    matrix "$SETS" 40 >larger.xml
    prunebench run larger.xml -o three --cache shared --threads 1 --quiet
    [ "$(decoded three)" -eq 1 ]
    first=$(find copied -name '*.jpg' | sort | head -n 1) last=$(find copied -name '*.jpg' | sort | tail -n 1)
    cp "$last" "$first"
    prunebench run copied.xml -o four --cache shared --threads 1 --quiet
    [ "$(decoded four)" -eq 1 ]
    [ "$(find shared -name '*.images' | wc -l)" -eq 3 ]
    same_as_whole one
}

@test "a shared file that is damaged is set aside, decoded again, and the cell ends as without the damage" {
    prunebench run m.xml -o one --cache shared --threads 1 --quiet
    file=$(echo shared/*.images)
    whole=$(sha256sum <"$file")
    truncate -s 2000 "$file"
    prunebench run m.xml -o two --cache shared --threads 1 --quiet
    grep -q "'$file' is cut short, damaged, or not this data set's; it is set aside as '$file.damaged-.*', and built again" two/logs/$ID.log
    [ "$(sha256sum <"$file")" = "$whole" ]
    same_as_whole two
}

@test "a full disk and a folder that is none are errors that say what to do" {
    touch file
    run -1 prunebench run m.xml -o one --cache file --threads 1
    echo "$output"
    [[ $output == *"file"* ]]
    run -2 prunebench run m.xml -o one --cache ''
    [[ $output == "prunebench: --cache: the name of the folder is empty" ]]
    run -2 prunebench cell m.xml $ID -o one --cache ''
    [[ $output == "prunebench: --cache: the name of the folder is empty" ]]
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a tmpfs"
    mkdir small
    mount -t tmpfs -o size=64k tmpfs small || skip "no tmpfs can be mounted here"
    run -1 prunebench run m.xml -o two --cache small --threads 1
    echo "$output"
    [[ $output == *"the cache of decoded images needs more room; free some, or put it elsewhere (--cache): write 'small/"*"No space left on device"* ]]
    [ -z "$(find small -name '*.tmp')" ]
    prunebench run m.xml -o two --threads 1 --retry --quiet
    same_as_whole two
}
