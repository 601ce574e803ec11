#!/usr/bin/env bats
# Every header that a plugin sees compiles alone, as C17 and as C++17, without a warning, and needs little.

setup() {
    cd "$BATS_TEST_DIRNAME/../../harness/include" || return
    folder=$(mktemp -d)
}

teardown() {
    rm -rf "$folder"
}

@test "every SDK header compiles alone as C17" {
    for header in prunebench/*.h; do
        echo "#include <$header>" >"$folder/alone.c"
        cc -std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I. -fsyntax-only "$folder/alone.c"
    done
}

@test "every SDK header compiles alone as C++17" {
    for header in prunebench/*.h; do
        echo "#include <$header>" >"$folder/alone.cc"
        c++ -std=c++17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -I. -fsyntax-only "$folder/alone.cc"
    done
}

@test "SDK headers include only each other, stdint.h, stddef.h and stdbool.h" {
    run grep -hE '^#include' prunebench/*.h
    [ "$status" -eq 0 ]
    others=$(grep -vE '<(prunebench/[a-z]+|stdint|stddef|stdbool)\.h>' <<<"$output" || true)
    [ -z "$others" ] || { echo "$others"; false; }
}
