#!/usr/bin/env bats
# A plugin author's first hour: README's section on the first own criterion is followed to the letter; new-plugin as it is installed; C++.
bats_require_minimum_version 1.5.0

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    build=$(realpath "${PRUNEBENCH_BUILD:-$sources/build}")
    folder=$(mktemp -d)
    unset PRUNEBENCH_PLUGIN_PATH PRUNEBENCH_PROGRAM PRUNEBENCH
    cd "$folder" || return
}

teardown() {
    rm -rf "$folder"
}

install_here() {
    "$sources/scripts/install" "$build" "" "$folder/prefix" "$(cat "$sources/VERSION")"
    PATH=$folder/prefix/bin:$PATH
    export PKG_CONFIG_PATH=$folder/prefix/lib/pkgconfig
}

# matrix.xml: one small cell of a criterion. The data is drawn beside it.
matrix() { # criterion
    [ -d sets ] || "$build/prunebench" synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >matrix.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="first">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="2" batch="8" lr="0.1" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="$1"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
</matrix>
END
}

# What pruning a criterion's cell gave, without names: costs, layers and accuracies.
outcome() { # OUT, criterion
    grep -E '<cost |<layer |<accuracy ' "$1"/cells/*."$2".one-shot.*.xml
}

# The channels that each layer keeps if half of all go, those with the smallest |gamma| beside their layer's mean, as the template
# normalises, of the only network in OUT.
kept_by_gamma() { # OUT
    python3 - "$1" <<'END'
import glob, json, struct, sys
(network,) = glob.glob(sys.argv[1] + "/stages/*/network.safetensors")
data = open(network, "rb").read()
start = 8 + struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:start])
scores = []
for name, tensor in header.items():
    if name.startswith("bn") and name.endswith(".gamma"): # the optimiser has its own
        begin, end = tensor["data_offsets"]
        values = [abs(value) for value in struct.unpack(f"<{(end - begin) // 4}f", data[start + begin : start + end])]
        scores += [(value * len(values) / sum(values), name) for value in values]
scores.sort(reverse=True)
assert scores[len(scores) // 2 - 1][0] > scores[len(scores) // 2][0], "a tie: choose other data"
kept = [name for _, name in scores[: len(scores) // 2]]
for name in sorted(set(name for _, name in scores)):
    print(name[2:-6], kept.count(name))
END
}

# README's section on the first own criterion.
section() { sed -n '/^## The first own criterion/,/^## The first own data set/p' "$sources/README.md"; }
# The lines of its first block of a language.
block() { section | awk -v fence="^\`\`\`$1\$" '!found && !inside && $0 ~ fence { inside = 1; next } inside && /^```$/ { found = 1; inside = 0 } inside'; }

@test "README's first own criterion: its commands run, its code is pasted in, and the scores are |gamma|" {
    export HOME=$folder/home
    mkdir home bin
    # The program is built: a make in its folder must not build it again with other flags.
    printf '#!/bin/bash\n[[ $PWD == "%s" ]] && set -- -o all BUILD="%s" "$@"\nexec %s "$@"\n' \
        "$sources" "$build" "$(command -v make)" >bin/make
    chmod +x bin/make
    PATH=$folder/bin:$PATH
    matrix my-score
    block '' >commands
    [ "$(wc -l <commands)" -ge 5 ]
    block c >code
    grep -q gamma code
    # as in a terminal: each line after the other, in one shell, from the clone
    run bash -ec "cd '$sources'; $(cat commands)"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"criterion 'my-score' 1.0.0"* ]]
    [[ $output != *"warning"* ]]
    # the code replaces needs and score(), as the text says
    python3 - home/my-score/my-score.c code <<'END'
import re, sys
source, code = open(sys.argv[1]).read(), open(sys.argv[2]).read()
pasted, count = re.subn(r"^enum \{ needs = .*?\n\}\n", lambda _: code, source, flags=re.M | re.S)
assert count == 1, source
assert pasted.count("score(void *self") == 1 and pasted.count("enum { needs") == 1
open(sys.argv[1], "w").write(pasted)
END
    command=$(section | grep -o '`prunebench run [^`]*`' | tr -d '`')
    [ -n "$command" ]
    run bash -ec "$(grep '^export' commands); make -C ~/my-score; $command"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *"warning"* ]]
    [[ $output == *"1 done, 0 were done before, 0 failed, 0 blocked"* ]]
    grep -q 'status="ok"' out/cells/*.my-score.*.xml
    # the network that was pruned, trained alone: the same bits, and kept
    sed 's/"one-shot"/"train"/' matrix.xml >base.xml
    "$build/prunebench" run base.xml -o base --plugin-dir home/my-score --quiet
    kept_by_gamma base >expected
    grep '<layer .*kept=' out/cells/*.my-score.*.xml | sed -E 's/.*name="conv([^"]*)".*kept="([0-9]*)".*/\1 \2/' | sort >kept
    sort expected | diff - kept
    [ "$(wc -l <kept)" -eq 8 ]
    # what bn-scale keeps, normalised alike
    matrix bn-scale
    sed -i 's|<latency|<ranking normalise="mean"/>&|' matrix.xml
    "$build/prunebench" run matrix.xml -o out --quiet
    diff <(outcome out my-score) <(outcome out bn-scale)
}

@test "a criterion in C++ scores a cell exactly as its twin in C" {
    install_here
    prunebench-new-plugin --language c++ criterion in-cxx
    prunebench-new-plugin criterion in-c
    make -C in-cxx CXXFLAGS='-O2 -Wpedantic -Wshadow -Wconversion -Werror'
    make -C in-c
    for name in in-cxx in-c; do
        matrix $name
        run prunebench run matrix.xml -o out --plugin-dir $name
        echo "$output"
        [ "$status" -eq 0 ]
        grep -q 'status="ok"' out/cells/*.$name.*.xml
    done
    diff <(outcome out in-cxx) <(outcome out in-c)
    matrix random
    prunebench run matrix.xml -o out --quiet
    run diff <(outcome out in-c) <(outcome out random)
    [ "$status" -eq 1 ]
}

@test "a criterion of a paper, in C++ against the installed headers alone, scores and prunes as the built-in one does" {
    install_here
    mkdir mine
    # shellcheck disable=SC2046
    g++ -std=c++17 -O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fPIC -fvisibility=hidden -shared -Wl,-z,defs \
        $(pkg-config --cflags prunebench) -o mine/criterion-first-order.so "$sources/tests/outside/first-order.cc"
    for name in first-order taylor-fo; do
        matrix $name
        sed -i 's|<latency|<stages keep="all"/>&|' matrix.xml
        run -0 prunebench run matrix.xml -o out --plugin-dir mine
        grep -q 'status="ok"' out/cells/*.$name.*.xml
    done
    outcome out first-order | sed 's/ threshold="[^"]*"//' >mine.txt
    outcome out taylor-fo | sed 's/ threshold="[^"]*"//' | diff mine.txt -
    base=$(grep -oE 'stage-base="[0-9a-f]{64}"' out/cells/*.taylor-fo.*.xml | cut -d'"' -f2)
    for per in example batch; do
        for name in first-order taylor-fo; do
            prunebench score "out/stages/$base" -c $name -o per=$per --plugin-dir mine --dataset birds --root sets/CUB_200_2011 \
                --images 16 --batch 8 --json >$name.$per.json
        done
    done
    # The host rounds an example's gate to float32; the built-in criterion adds it up in double precision.
    python3 - <<'END'
import json
def scored(name, per):
    return json.load(open(f"{name}.{per}.json"))
for per in ("example", "batch"):
    mine, built = scored("first-order", per), scored("taylor-fo", per)
    assert [layer["layer"] for layer in mine["layers"]] == [layer["layer"] for layer in built["layers"]]
    for a, b in zip(mine["layers"], built["layers"]):
        assert len(a["scores"]) == len(b["scores"]) and max(b["scores"]) > 0
        for x, y in zip(a["scores"], b["scores"]):
            assert abs(x - y) <= 1e-6 * max(b["scores"]), (per, a["layer"], x, y)
    assert mine["order"] == built["order"]
assert scored("taylor-fo", "example")["order"] != scored("taylor-fo", "batch")["order"]
END
}

@test "every kind in C++ builds without a warning with g++ and clang++, loads and describes itself" {
    install_here
    for kind in criterion schedule backend dataset penalty; do
        prunebench-new-plugin --language=c++ "$kind" "my-$kind"
        for compiler in g++ clang++; do
            command -v $compiler >/dev/null || continue
            make -C "my-$kind" clean
            run make -C "my-$kind" check CXX=$compiler CXXFLAGS='-O1 -Wpedantic -Wshadow -Wconversion -Werror'
            echo "$output"
            [ "$status" -eq 0 ]
            [[ $output == *"$kind 'my-$kind' 1.0.0"* ]]
        done
    done
}

@test "the header's example in C++ compiles without a warning and is a plugin that loads" {
    install_here
    {
        printf '#include <prunebench/criterion.h>\n'
        printf 'static pb_status create(const pb_host *, const void *, void **self) { *self = nullptr; return PB_OK; }\n'
        printf 'static pb_status score(void *, const pb_layer_view *, double *) { return PB_OK; }\n'
        printf 'static constexpr pb_criterion operations()\n{\n    pb_criterion made{};\n    made.size = sizeof made;\n'
        printf '    made.create = create;\n    made.score = score;\n    return made;\n}\n'
        printf 'static constexpr pb_criterion criterion = operations();\n'
        sed -n '/static constexpr pb_plugin describe/,/= describe();/s/^ \*     //p' prefix/include/prunebench/plugin.h
        printf 'const pb_plugin *prunebench_plugin(uint32_t index) { return index == 0 ? &plugin : nullptr; }\n'
    } >example.cc
    [ "$(grep -c 'describe()' example.cc)" -eq 2 ]
    mkdir built
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || continue
        for standard in c++17 c++20; do
            # shellcheck disable=SC2046
            $compiler -std=$standard -Wall -Wextra -Wpedantic -Werror -fPIC -fvisibility=hidden -shared -Wl,-z,defs \
                $(pkg-config --cflags prunebench) -o built/mine.so example.cc
            run prunebench plugins describe criterion/mine --plugin-dir built
            [ "$status" -eq 0 ]
            [[ $output == *"what it computes"* ]]
        done
    done
}

@test "new-plugin is installed with its templates, works in a moved prefix, and is uninstalled" {
    install_here
    mv prefix moved
    PATH=$folder/moved/bin:$PATH
    run prunebench-new-plugin schedule mine
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *warning* ]]
    [ -s mine/mine.c ]
    [ -s mine/Makefile ]
    run grep -rE '@[A-Z]+@|copy-me' mine
    [ "$status" -eq 1 ]
    mv moved prefix
    "$sources/scripts/install" --remove "" "$folder/prefix"
    [ ! -e prefix ]
}

@test "new-plugin refuses a name that a plugin has, usable or broken, and writes nothing" {
    install_here
    run prunebench-new-plugin criterion bn-scale
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"there is a criterion 'bn-scale' already: $folder/prefix/lib/prunebench/plugins/criterion-bn-scale.so"* ]]
    mkdir others
    cp "$build/tests/plugins/missing-hook.so" others/build.so
    PRUNEBENCH_PLUGIN_PATH=$folder/others run prunebench-new-plugin criterion missing-hook
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"the name is taken: criterion 'missing-hook' cannot be used: $folder/others/build.so: "* ]]
    [ ! -e bn-scale ]
    [ ! -e missing-hook ]
    # the name of another kind is free
    prunebench-new-plugin schedule bn-scale
}

@test "new-plugin warns where there is no program to ask" {
    PATH=/usr/bin:/bin PRUNEBENCH=$folder/absent run "$sources/scripts/new-plugin" criterion mine
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"warning: it is not known whether there is a criterion 'mine' already"* ]]
    [ -s mine/mine.c ]
    cp -r "$sources/scripts" elsewhere
    PATH=/usr/bin:/bin run elsewhere/new-plugin criterion mine2
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"warning: no prunebench was found"* ]]
}

@test "new-plugin demands names and languages as the loader and the templates know them" {
    export LC_ALL=C.UTF-8
    for arguments in "criterion Mine" "criterion mé" "criterion -mine" "criterion mine-" "criterion $(printf 'x%.0s' {1..65})" \
        "--language pascal criterion mine" "--language" "--nothing criterion mine"; do
        # shellcheck disable=SC2086
        run "$sources/scripts/new-plugin" $arguments
        echo "$arguments: $output"
        [ "$status" -eq 2 ]
    done
    [ -z "$(ls)" ]
    install_here
    longest=$(printf 'x%.0s' {1..64})
    prunebench-new-plugin criterion "$longest"
    make -C "$longest" check
}
