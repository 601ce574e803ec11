#!/usr/bin/env bats
# What is built does not depend on where, and results are kept apart by what computes them.
bats_require_minimum_version 1.5.0

sources() { cd "$BATS_TEST_DIRNAME/../.." && pwd; }

# The part of a checkout that one plugin and the digest of a few sources are made from, below a folder of some depth.
copy_checkout() { # FOLDER
    mkdir -p "$1"/{plugins/criteria,harness/{base,engine},scripts}
    cp "$(sources)"/{Makefile,VERSION} "$1"
    cp "$(sources)"/scripts/numerics-digest "$1/scripts"
    cp "$(sources)"/plugins/criteria/random.c "$1/plugins/criteria"
    cp -r "$(sources)"/harness/include "$1/harness"
    cp "$(sources)"/harness/base/version.[ch] "$1/harness/base"
    cp "$(sources)"/harness/engine/engine.h "$1/harness/engine"
}

# What make works out in a copied checkout; its variables are the arguments behind the folder.
digest_of() { # FOLDER [VARIABLE=VALUE…]
    local folder=$1
    shift
    rm -rf "$folder/build"
    make -C "$folder" --no-print-directory BUILD=build "$@" build/numerics.sha256 >&2
    cat "$folder/build/numerics.sha256"
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

@test "the digest changes with every flag that may decide numbers, wherever it comes from" {
    folder=$BATS_TEST_TMPDIR/checkout
    copy_checkout "$folder"
    first=$(digest_of "$folder")
    [[ $first =~ ^[0-9a-f]{64}$ ]]
    [ "$(digest_of "$folder")" = "$first" ]
    [ "$(digest_of "$folder" CFLAGS=-ffast-math)" != "$first" ]
    [ "$(digest_of "$folder" OPTIMISE=-O1)" != "$first" ]
    [ "$(digest_of "$folder" FOREIGN=-mno-fma)" != "$first" ]
    [ "$(CPPFLAGS=-DFLT_EVAL_METHOD=2 digest_of "$folder")" != "$first" ]
    for flag in -ffp-contract=fast -fno-math-errno -fno-trapping-math -fopenmp; do
        sed "/^ALL_CFLAGS = /s/ $flag / /" "$(sources)/Makefile" >"$folder/Makefile"
        run ! cmp -s "$(sources)/Makefile" "$folder/Makefile"
        [ "$(digest_of "$folder")" != "$first" ]
    done
}

@test "the digest does not change with warnings, include paths or the folder, nor with the version that is built" {
    folder=$BATS_TEST_TMPDIR/checkout
    copy_checkout "$folder"
    first=$(digest_of "$folder")
    copy_checkout "$BATS_TEST_TMPDIR/longer/other folder"
    [ "$(digest_of "$BATS_TEST_TMPDIR/longer/other folder")" = "$first" ]
    [ "$(digest_of "$folder" CFLAGS="-g -Wundef -ffile-prefix-map=$folder=/src -I$folder")" = "$first" ]
    [ "$(CPPFLAGS="-isystem $folder/include" digest_of "$folder")" = "$first" ]
    sed -i 's/^WARNINGS = .*/WARNINGS = -Wall/' "$folder/Makefile"
    [ "$(digest_of "$folder")" = "$first" ]
    echo 9.9.9 >"$folder/VERSION"
    rm -r "$folder/build"
    make -C "$folder" --no-print-directory BUILD=build build/harness/base/version.o
    [ "$(cat "$folder/build/numerics.sha256")" = "$first" ]
}

# The layers are listed here once more, so that one that falls out of the Makefile is missed. gamma only describes networks.
@test "every source of the layers that compute is part of the digest, and the program names it" {
    cd "$BATS_TEST_TMPDIR"
    make -C "$(sources)" --no-print-directory -pn BUILD="$PRUNEBENCH_BUILD" 2>/dev/null |
        sed -n "s|^$PRUNEBENCH_BUILD/numerics.sha256: ||p" | tr ' ' '\n' | grep '^harness/' | sort >listed
    (
        cd "$(sources)"
        ls harness/{include/prunebench,graph,onnx,portable,engine,operators,data,prune,settings,stages,training,experiment}/*.[ch]
        ls harness/base/rng.[ch] harness/plugin/host.c harness/planning/{chain,link,schedule_run,watched_verbs}.[ch]
    ) | grep -v '^harness/experiment/gamma\.' | sort >expected
    diff expected listed
    grep -q "$(cat "$PRUNEBENCH_BUILD/numerics.sha256")" "$PRUNEBENCH_BUILD/prunebench"
}
