#!/usr/bin/env bats
# What is built does not depend on where, and results are kept apart by what computes them.
bats_require_minimum_version 1.5.0

sources() { cd "$BATS_TEST_DIRNAME/../.." && pwd; }

# The part of a checkout that one plugin is built from, below a folder of some depth.
copy_checkout() { # FOLDER
    mkdir -p "$1/plugins/criteria" "$1/harness" "$1/scripts"
    cp "$(sources)"/{Makefile,VERSION} "$1"
    cp "$(sources)"/scripts/numerics-digest "$1/scripts"
    cp "$(sources)"/plugins/criteria/random.c "$1/plugins/criteria"
    cp -r "$(sources)"/harness/include "$1/harness"
}

@test "a plugin built in another folder is the same file, so its results are reused" {
    for folder in "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/a/longer/folder"; do
        copy_checkout "$folder"
        (cd "$folder" && make --no-print-directory BUILD=build build/plugins/criterion-random.so)
    done
    cmp "$BATS_TEST_TMPDIR"/{a,a/longer/folder}/build/plugins/criterion-random.so
    run ! grep -q "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/a/build/plugins/criterion-random.so"
}

@test "the digest of what computes changes with code and flags, not with comments or the folder" {
    digest() { "$(sources)/scripts/numerics-digest" cc "$@"; }
    cd "$BATS_TEST_TMPDIR"
    echo 'int add(int a, int b) { return a + b; } /* the sum */' >add.c
    mkdir other && echo 'int add(int a, int b) { return a + b; } // of two' >other/add.c
    first=$(digest -O3 add.c)
    [[ $first =~ ^[0-9a-f]{64}$ ]]
    [ "$(cd other && digest -O3 add.c)" = "$first" ]
    [ "$(digest -O1 add.c)" != "$first" ]
    sed -i 's/a + b/b - a/' add.c
    [ "$(digest -O3 add.c)" != "$first" ]
}

@test "every source of the layers that compute is part of the digest, and the program names it" {
    cd "$BATS_TEST_TMPDIR"
    make -C "$(sources)" --no-print-directory -pn BUILD="$PRUNEBENCH_BUILD" 2>/dev/null | sed -n "s|^$PRUNEBENCH_BUILD/numerics.sha256: ||p" | tr ' ' '\n' >listed
    for source in harness/engine/run_nodes.c harness/prune/rank.c harness/training/training.c harness/data/batches.c harness/graph/surgery.c harness/base/rng.c; do
        grep -qx "$source" listed
    done
    run ! grep -q findings listed
    grep -q "$(cat "$PRUNEBENCH_BUILD/numerics.sha256")" "$PRUNEBENCH_BUILD/prunebench"
}
