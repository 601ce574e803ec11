#!/usr/bin/env bats
# Figures on a disk that fills up while they are drawn: gnuplot reports no error then, and leaves cut files.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export RUN=$BATS_FILE_TMPDIR/run
    "$PRUNEBENCH_BUILD/tests/unit/report/test_report" "$RUN" 1 2 2
    command -v gnuplot
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir bin
}
teardown() { if mountpoint -q "$BATS_TEST_TMPDIR/out"; then umount "$BATS_TEST_TMPDIR/out"; fi; }

# The run on a disk of its own with the given room.
small_disk() { # SIZE
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a tmpfs"
    mkdir out
    mount -t tmpfs -o "size=$1" tmpfs out || skip "no tmpfs can be mounted here"
    cp -r "$RUN/." out
}

# A gnuplot that fills the disk but for some 4 KiB blocks after it has drawn all formats of one figure but this one.
filling_gnuplot() { # FORMAT, BLOCKS LEFT, FIGURES BEFORE
    cat >bin/gnuplot <<END
#!/bin/bash
# -d -c TEMPLATE FOLDER DATA OUTPUT FORMATS …
arguments=("\$@")
n=\$(cat $PWD/count 2>/dev/null || echo 0)
echo \$((n + 1)) >$PWD/count
if ((n == $3)); then
    gnuplot "\${arguments[@]}" || exit
    rm "\$6.$1"
    dd if=/dev/zero of=$PWD/out/ballast bs=4k 2>/dev/null
    truncate -s -\$((4096 * $2)) $PWD/out/ballast
    arguments[6]=$1
fi
exec gnuplot "\${arguments[@]}"
END
    chmod +x bin/gnuplot
    export PRUNEBENCH_GNUPLOT=$PWD/bin/gnuplot
}

# Every file of a figure is whole, as another reader sees it; no temporary one is left.
whole_figures() { # FOLDER
    python3 - "$1" <<'END'
import os, sys, xml.etree.ElementTree as ET, zlib, struct
count = 0
for name in sorted(os.listdir(sys.argv[1])):
    data = open(os.path.join(sys.argv[1], name), "rb").read()
    assert not name.startswith("."), name
    if name.endswith(".svg"):
        ET.fromstring(data)
    elif name.endswith(".pdf"):
        assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF"), name
    else:
        at = 8
        while at < len(data):
            (length,), kind = struct.unpack(">I", data[at:at + 4]), data[at + 4:at + 8]
            (crc,) = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
            assert crc == zlib.crc32(data[at + 4:at + 8 + length]), name
            at += 12 + length
        assert kind == b"IEND", name
    count += 1
print(count)
END
}

@test "a full disk while SVG, PDF or PNG is drawn: a message that names figure and reason, and no cut file" {
    for format in svg pdf png; do
        for left in 0 1; do
            rm -rf out bin count
            mkdir bin
            small_disk 8m
            filling_gnuplot $format $left 2
            run prunebench report out
            echo "$format, $left blocks left: $output"
            [ "$status" -eq 1 ]
            [[ $output == "prunebench: figure '"*"': "* ]]
            [[ $output == *"gnuplot wrote only a part of '"*".$format' ("*" bytes): the disk is full, "*" KiB are free" ]]
            [ "$(whole_figures out/report/figures)" -eq 6 ]
            [ ! -e out/report/index.html ]
            umount out
        done
    done
}

@test "a report that cannot be drawn leaves the earlier one whole; the next one replaces it and removes what is stale" {
    small_disk 16m
    prunebench report out
    touch out/report/figures/stale.svg
    before=$(cd out && sha256sum report/index.html report/figures/* report/tables/*)
    filling_gnuplot png 1 0
    run prunebench report out
    echo "$output"
    [ "$status" -eq 1 ]
    [ "$before" = "$(cd out && sha256sum report/index.html report/figures/* report/tables/*)" ]
    run find out -name '.*'
    [ -z "$output" ]
    rm out/ballast out/report/figures/table.data.png
    unset PRUNEBENCH_GNUPLOT
    prunebench report out
    [ -s out/report/figures/table.data.png ]
    [ ! -e out/report/figures/stale.svg ]
    whole_figures out/report/figures
}
