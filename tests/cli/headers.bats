#!/usr/bin/env bats
# Every header compiles alone without a warning; those that a plugin sees also as C++17, and they need little.

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

@test "every header of the program, its plugins and its tests compiles alone" {
    cd ../.. # a template is code that a source completes by macros
    read -ra packages <<<"$(pkg-config --cflags libxml-2.0 libxslt libexslt jansson gsl cairo libjpeg libxxhash nettle libzip libprotobuf-c | sed 's/-I/-isystem /g')"
    mapfile -t headers < <(find harness plugins datasets tests -name '*.h' ! -name '*_template.h' ! -path 'harness/include/*')
    [ "${#headers[@]}" -gt 200 ]
    for header in "${headers[@]}"; do
        # with a declaration behind it: a list for macros is empty where the macro is not there
        printf '#include "%s"\nextern int something;\n' "$PWD/$header" >"$folder/$(tr / _ <<<"$header").c"
    done
    printf '%s\0' "$folder"/*.c | xargs -0 -P 2 -n 20 cc -std=c17 -D_GNU_SOURCE -DPB_TEST_SOURCES='"x"' -DPB_TEST_BUILD='"x"' \
        -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-unused-function -Werror -fopenmp -fsyntax-only \
        -Iharness/include -Iharness -Idatasets -Itests -isystem /usr/include/stb \
        -isystem "$PRUNEBENCH_BUILD/generated" "${packages[@]}"
}
