#!/usr/bin/env bats
# The scripts beside the program: layers, Fashion-MNIST.
bats_require_minimum_version 1.5.0

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    folder=$(mktemp -d)
}

teardown() { rm -rf "$folder"; }

@test "no layer includes what is above it, and no plugin what is not in the SDK" {
    "$sources/scripts/check-layers"
}

@test "the layer check sees what includes a later room, repeats a name, runs in a circle, or looks into the harness" {
    mkdir -p "$folder"/{scripts,harness/base,harness/engine,harness/data,plugins/criteria,datasets}
    cp "$sources/scripts/check-layers" "$folder/scripts"
    touch "$folder"/harness/{base/file,engine/engine,data/split,data/data}.{c,h}
    run -0 "$folder/scripts/check-layers"
    printf '#include "engine/engine.h"\n' >"$folder/harness/base/file.c"
    printf '#include "data/split.h"\n' >"$folder/harness/data/data.c"
    printf '\n#include "data/data.h"\n' >"$folder/harness/data/split.c"
    printf '#include "base/gone.h"\n' >"$folder/harness/data/data.h"
    touch "$folder/harness/data/engine.c"
    printf '#include "base/file.h"\n' >"$folder/plugins/criteria/mine.c"
    mkdir -p "$folder/datasets/cars" "$folder/harness/include/prunebench"
    touch "$folder"/{plugins/criteria,datasets/cars}/rows.h
    printf 'static inline void draw(void)\n{\n}\n' >"$folder/harness/include/prunebench/draw.h"
    cp "$folder/harness/include/prunebench/draw.h" "$folder/harness/data/draw.h"
    cp "$folder/harness/include/prunebench/draw.h" "$folder/harness/include/prunebench/split.h"
    run -1 "$folder/scripts/check-layers"
    [[ $output == *"harness/base/file.c:1: room 'base' includes 'engine', which comes after it"* ]]
    [[ $output == *"harness/data: a circle: data → split → data"* ]]
    [[ $output == *'harness/data/data.h:1: there is no "base/gone.h"'* ]]
    [[ $output == *"harness/data/engine.c, harness/engine/engine.c: one base name for several files"* ]]
    [[ $output == *"plugins/criteria/rows.h, datasets/cars/rows.h: one base name for several files"* ]]
    [[ $output == *"harness/data/draw.h, harness/include/prunebench/draw.h: one base name for several files"* ]]
    [[ $output != *"prunebench/split.h"* ]]
    [[ $output == *"plugins/criteria/mine.c:1: a plugin sees <prunebench/…> only"* ]]
}

@test "the files of no room use each other in a circle" {
    "$sources/scripts/check-circles" "$(realpath "$PRUNEBENCH_BUILD")"
}

@test "the circle check sees files that use each other, passes a table and its rows, and asks for objects that are missing" {
    mkdir -p "$folder"/{scripts,harness/base,harness/cli,build}
    cp "$sources/scripts/check-circles" "$folder/scripts"
    echo 'void path(void); void name(void); void file(void) { path(); } void other(void) { name(); }' >"$folder/harness/base/file.c"
    echo 'void name(void); void path(void) { name(); }' >"$folder/harness/base/path.c"
    echo 'void name(void) { }' >"$folder/harness/base/name.c"
    echo 'void help(void); void (*const commands[])(void) = {help};' >"$folder/harness/cli/commands.c"
    echo 'extern void (*const commands[])(void); void help(void) { commands[0](); }' >"$folder/harness/cli/command_help.c"
    run -1 "$folder/scripts/check-circles"
    [[ $output == "harness/base/file.c: build/harness/base/file.o is missing or older; run make first" ]]
    compile() { (cd "$folder" && for file in harness/*/*.c; do mkdir -p "build/${file%/*}" && cc -c -o "build/${file%.c}.o" "$file"; done); }
    compile
    "$folder/scripts/check-circles"
    echo 'void file(void); void name(void) { file(); }' >"$folder/harness/base/name.c"
    compile
    run -1 "$folder/scripts/check-circles"
    [[ $output == "harness/base: a circle: file uses name of name, which uses file of file"* ]]
    [[ $output != *harness/cli* ]]
}

# IDX files like Fashion-MNIST's, of $1 training and 10 test images of 3×2 pixels; image i is of class i mod 10, all pixels i.
idx_files() {
    mkdir -p "$folder/idx"
    python3 - "$folder/idx" "$1" <<'END'
import gzip, struct, sys
for prefix, count in ("train", int(sys.argv[2])), ("t10k", 10):
    images = bytes(p for i in range(count) for p in [i] * 6)
    with gzip.open(f"{sys.argv[1]}/{prefix}-images-idx3-ubyte.gz", "wb") as f:
        f.write(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 2, 3) + images)
    with gzip.open(f"{sys.argv[1]}/{prefix}-labels-idx1-ubyte.gz", "wb") as f:
        f.write(struct.pack(">BBBBI", 0, 0, 8, 1, count) + bytes(i % 10 for i in range(count)))
END
}

# IDX files like Fashion-MNIST's, of $1 training and 10 test images of 3×2 pixels; image i is of class i mod 10, all pixels i.
idx_files() {
    mkdir -p "$folder/idx"
    python3 - "$folder/idx" "$1" <<'END'
import gzip, struct, sys
for prefix, count in ("train", int(sys.argv[2])), ("t10k", 10):
    images = bytes(p for i in range(count) for p in [i] * 6)
    with gzip.open(f"{sys.argv[1]}/{prefix}-images-idx3-ubyte.gz", "wb") as f:
        f.write(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 2, 3) + images)
    with gzip.open(f"{sys.argv[1]}/{prefix}-labels-idx1-ubyte.gz", "wb") as f:
        f.write(struct.pack(">BBBBI", 0, 0, 8, 1, count) + bytes(i % 10 for i in range(count)))
END
}

@test "Fashion-MNIST becomes class folders of PNG files that the ready matrix reads" {
    cd "$folder"
    idx_files 20
    FASHION_MNIST=$folder/idx run "$sources/scripts/fashion-mnist"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(find data/fashion-mnist/train -name '*.png' | wc -l)" -eq 20 ]
    # image 13 is of class 3; its pixels, by another hand
    python3 - data/fashion-mnist/train/dress/00013.png <<'END'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == (3, 2), data
at = data.index(b"IDAT")
length = struct.unpack(">I", data[at - 4 : at])[0]
assert zlib.decompress(data[at + 4 : at + 4 + length]) == bytes([0, 13, 13, 13] * 2)
END
    sed 's/batch="64"/batch="8"/' "$sources/datasets/matrices/fashion-mnist.xml" >m.xml
    run "$PRUNEBENCH_BUILD/prunebench" check m.xml --threads 1 --json
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'"missing": ""'* ]]
    # what is there is not touched
    FASHION_MNIST=$folder/idx run "$sources/scripts/fashion-mnist"
    [ "$status" -eq 1 ]
    [[ $output == *"'data/fashion-mnist' is there already; remove it to make it anew"* ]]
}

@test "a Fashion-MNIST that is cut short leaves nothing half-written" {
    cd "$folder"
    idx_files 20
    python3 -c '
import gzip
data = gzip.open("idx/train-images-idx3-ubyte.gz").read()
gzip.open("idx/train-images-idx3-ubyte.gz", "wb").write(data[:-5])'
    FASHION_MNIST=$folder/idx run "$sources/scripts/fashion-mnist" "sets/fm"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"train-images-idx3-ubyte.gz: 115 bytes of data where 120 should be"* ]]
    [ -z "$(ls sets)" ]
}

@test "no line of these tests is one that cannot fail" {
    "$sources/scripts/check-tests"
}

@test "the check of the tests sees negations and halves of conditions that bash ignores, and nothing else" {
    cat >"$folder/good.bats" <<'END'
run ! grep -q a b
if ! grep -q "! x" b; then false; fi
[[ ! -e a ]]
[ -e a ] && break
echo 'a; ! b' # then ! c
cat <<TEXT
! not a command
TEXT
END
    run -0 "$sources/scripts/check-tests" "$folder/good.bats"
    [ -z "$output" ]
    printf '%s\n' '! grep -q a b' 'true; ! false' '[ -e a ] && [ -e b ]' 'f() { ! true; }' >"$folder/bad.bats"
    run -1 "$sources/scripts/check-tests" "$folder/bad.bats"
    [ "$(grep -c "bad.bats:[124]: '! command' never fails a test" <<<"$output")" -eq 3 ]
    [[ $output == *"bad.bats:3: only the last of"* ]]
    [ "${#lines[@]}" -eq 4 ]
}

@test "no document, source, script or matrix has a house word where the field has one" {
    "$sources/scripts/check-words"
}

@test "the check of words reads documents, sources with their names, and comments of scripts and matrices" {
    printf '%s\n' '# Weights weigh nothing' '| output | put out\* |' 'It goes on.' >"$folder/a.md"
    printf '%s\n' '/* where values lie in memory */' 'int weighed(int weight, int lies);' >"$folder/a.h"
    printf '%s\n' 'static int test_it_goes_on(void)' '{ return fail("the file lies in \"%s\"", "stored on it"); }' >"$folder/a.c"
    local word='goes on' # this file is read, too
    printf '%s\n' '@test "what it wants" {' '    echo "wants ${#lines}"'" # and $word" '}' >"$folder/a.bats"
    printf '%s\n' '<matrix want="1"><!-- told' 'apart --></matrix>' '<!-- it stands here -->' >"$folder/a.xml"
    run -1 "$sources/scripts/check-words" "$folder"/a.{md,h,c,bats,xml}
    echo "$output"
    [ "${#lines[@]}" -eq 9 ]
    [[ ${lines[0]} == *"a.md:1: 'weigh': cost" ]]
    [[ ${lines[1]} == *"a.md:3: 'goes on': resume, continue" ]]
    [[ ${lines[2]} == *"a.h:1: 'lie in': is stored in, is in" ]]
    [[ ${lines[3]} == *"a.h:2: 'weighed': cost" ]]
    [[ ${lines[4]} == *"a.c:1: 'goes on': resume, continue" ]]
    [[ ${lines[5]} == *"a.c:2: 'lies in': is stored in, is in" ]]
    [[ ${lines[6]} == *"a.bats:1: 'wants': require, need, ask for" ]]
    [[ ${lines[7]} == *"a.bats:2: 'goes on': resume, continue" ]]
    [[ ${lines[8]} == *"a.xml:3: 'stands here': is" ]]
}

@test "the longer checks install what make check skips because packages are missing, and run those tests once more" {
    mkdir -p "$folder"/{.ci,scripts,build/test-logs,tests/slurm}
    cp "$sources/.ci/run" "$folder/.ci"
    printf 'check:\n\t@scripts/run-tests build\ntests grown fuzz:\n' >"$folder/Makefile"
    # what is skipped until it is installed, and what nothing cures
    cat >"$folder/scripts/run-tests" <<'END'
#!/bin/bash
echo "run-tests $*" >>said
: >build/test-logs/skipped
[ $# -gt 1 ] || echo "tests/cli/a.bats: on tape: no tape drive here" >>build/test-logs/skipped
[ -e browser ] || printf 'tests/cli/b.bats: %s: no browser is installed (scripts/setup browser)\n' one two >>build/test-logs/skipped
echo "$(wc -l <build/test-logs/skipped) skipped"
echo "3 passed, 0 failed"
END
    printf '#!/bin/bash\necho "setup $1" >>said\ntouch "$1"\n' >"$folder/scripts/setup"
    printf '#!/bin/bash\n' | tee "$folder"/scripts/{lint,run-sanitized,kill-trial,worker-trial} >/dev/null
    printf '#!/bin/bash\necho "no Slurm here"\nexit 77\n' >"$folder/tests/slurm/trial"
    chmod +x "$folder"/scripts/* "$folder/tests/slurm/trial"
    run -0 "$folder/.ci/run"
    echo "$output"
    [ "$(cat "$folder/said")" = "run-tests build
setup browser
setup documents
setup slurm
run-tests build tests/cli/b.bats
setup ci" ]
    [ "${lines[-2]}" = "2 skipped" ] # the tape drive, and the trial on Slurm
    # where they cannot be installed, the tests stay skipped, by name and number
    rm "$folder"/browser
    printf '#!/bin/bash\n[ "$1" = ci ]\n' >"$folder/scripts/setup"
    run -0 "$folder/.ci/run"
    [[ $output == *"scripts/setup browser failed; the tests that need it stay among the skipped ones"* ]]
    [ "${lines[-2]}" = "4 skipped" ]
    printf '#!/bin/bash\necho "setup $1" >>said\ntouch "$1"\n' >"$folder/scripts/setup"
    touch "$folder"/browser
    # where all is installed, nothing is run twice
    rm "$folder/said"
    run -0 "$folder/.ci/run"
    [ "$(cat "$folder/said")" = "run-tests build
setup ci" ]
    [ "${lines[-2]}" = "2 skipped" ]
    # a trial that fails is a failure, not a skip
    printf '#!/bin/bash\nexit 1\n' >"$folder/tests/slurm/trial"
    run -1 "$folder/.ci/run"
    [ "${lines[-2]}" = "1 skipped" ]
    [[ ${lines[-1]} == *", 1 failed" ]]
}

@test "the test runner names and counts what a machine cannot run, apart from what passed" {
    mkdir -p "$folder"/{scripts,tests/cli,tests/unit/a,build/tests/unit/a}
    cp "$sources/scripts/run-tests" "$folder/scripts"
    printf '%s\n' '@test "good" { true; }' '@test "needs more" { skip "no tape drive here"; }' >"$folder/tests/cli/a.bats"
    touch "$folder/tests/unit/a/test_a.c"
    cat >"$folder/build/tests/unit/a/test_a" <<'END'
#!/bin/bash
printf '[ RUN      ] %s\n%s\n' 'works' '[       OK ] works' 'on AMX' $'this processor lacks AMX\n[  SKIPPED ] on AMX'
printf '[==========] 2 test(s) run.\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] on AMX\n'
END
    chmod +x "$folder/build/tests/unit/a/test_a"
    run -0 "$folder/scripts/run-tests" build
    echo "$output"
    [[ $output == *$'\n'"tests/unit/a/test_a.c: on AMX: this processor lacks AMX"$'\n'* ]]
    [[ $output == *$'\n'"tests/cli/a.bats: needs more: no tape drive here"$'\n'* ]]
    [ "${lines[-2]}" = "2 skipped" ]
    [ "${lines[-1]}" = "2 passed, 0 failed" ]
    printf 'printf "[  FAILED  ] %%s\\n" "1 test(s), listed below:" "on AMX"; exit 1\n' >>"$folder/build/tests/unit/a/test_a"
    run -1 "$folder/scripts/run-tests" build
    [ "${lines[-1]}" = "2 passed, 1 failed" ]
}
