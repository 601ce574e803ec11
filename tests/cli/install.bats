#!/usr/bin/env bats
# Installing, building plugins outside the repository against what was installed, and removing it all again.

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    build=${PRUNEBENCH_BUILD:-$sources/build}
    version=$(cat "$sources/VERSION")
    folder=$(mktemp -d)
    prefix=$folder/prefix
    unset PRUNEBENCH_PLUGIN_PATH PRUNEBENCH_PROGRAM
    cd "$folder" || return
}

teardown() {
    rm -rf "$folder"
}

install_here() {
    "$sources/scripts/install" "$build" "" "$prefix" "$version"
    PATH=$prefix/bin:$PATH
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
}

# Writes, builds and describes a plugin of a kind in the current folder.
make_plugin() { # kind, name
    "$sources/scripts/new-plugin" "$1" "$2"
    make -C "$2" check CFLAGS='-O1 -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Werror'
}

@test "the installed program finds what was installed with it, wherever the prefix is moved to" {
    install_here
    run prunebench plugins
    [ "$status" -eq 0 ]
    [[ $output == *"backend"*"reference"* ]]
    mv prefix moved
    run moved/bin/prunebench plugins --json
    [ "$status" -eq 0 ]
    [[ $output == *"$folder/moved/lib/prunebench/plugins/backend-reference.so"* ]]
    [[ $output == *'"broken": []'* ]]
}

@test "everything that belongs to an installation is there, readable by all, and pkg-config knows it" {
    umask 077
    install_here
    for file in bin/prunebench lib/prunebench/plugins/backend-reference.so include/prunebench/criterion.h \
        share/man/man1/prunebench.1 share/bash-completion/completions/prunebench share/zsh/site-functions/_prunebench \
        share/fish/vendor_completions.d/prunebench.fish lib/pkgconfig/prunebench.pc; do
        [ -s "prefix/$file" ] || { echo "$file is missing"; false; }
        [ -z "$(find "prefix/$file" ! -perm -444)" ]
    done
    [ -z "$(find prefix -type d ! -perm -555)" ]
    for header in "$sources"/harness/include/prunebench/*.h; do
        cmp "$header" "prefix/include/prunebench/${header##*/}"
    done
    for name in schema reports matrices; do
        [ ! -d "$build/$name" ] || diff -r "$build/$name" "prefix/share/prunebench/$name"
    done
    [ "$(pkg-config --modversion prunebench)" = "$version" ]
    [ "$(pkg-config --variable=plugindir prunebench)" = "$prefix/lib/prunebench/plugins" ]
    [[ $(pkg-config --cflags prunebench) == "-I$prefix/include"* ]]
}

@test "a new criterion builds outside the repository, is listed and described, and can be installed" {
    install_here
    run make_plugin criterion mean-weight
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ $output == *"criterion 'mean-weight' 1.0.0"* ]]
    [[ $output == *"power: exponent"*"number from 0.1 to 10; default 1"* ]]
    run prunebench plugins list --plugin-dir mean-weight
    [ "$status" -eq 0 ]
    [[ $output == *"criterion"*"mean-weight"* ]]
    PRUNEBENCH_PLUGIN_PATH=$folder/mean-weight run prunebench plugins describe criterion/mean-weight --json
    [ "$status" -eq 0 ]
    [[ $output == *'"name": "power"'* ]]
    make -C mean-weight install
    run prunebench plugins describe criterion/mean-weight
    [ "$status" -eq 0 ]
    run prunebench plugins describe criterion/mean-wieght
    [ "$status" -eq 2 ]
    [[ $output == *"did you mean 'mean-weight'?" ]]
}

@test "plugins of the other three kinds build and load, too" {
    install_here
    for kind in schedule backend dataset; do
        run make_plugin "$kind" "own-$kind"
        [ "$status" -eq 0 ] || { echo "$output"; false; }
        [[ $output == *"$kind 'own-$kind' 1.0.0"* ]]
    done
}

@test "new-plugin refuses unknown kinds, bad names and folders that are in use" {
    for arguments in "criterium x" "criterion X" "criterion a--b" "criterion" "criterion ../x"; do
        # shellcheck disable=SC2086
        run "$sources/scripts/new-plugin" $arguments
        [ "$status" -eq 2 ] || { echo "$arguments: $output"; false; }
    done
    mkdir used && touch used/file
    run "$sources/scripts/new-plugin" criterion used
    [ "$status" -eq 2 ]
    [[ $output == *"not empty"* ]]
    [ "$(find . -mindepth 1 | wc -l)" -eq 2 ]
}

@test "uninstalling leaves nothing of its own and everything else" {
    install_here
    "$sources/scripts/install" --remove "" "$prefix"
    [ ! -e "$prefix" ]
    mkdir -p "$prefix/share/man/man1" "$prefix/bin"
    touch "$prefix/bin/other"
    install_here
    touch "$prefix/lib/prunebench/plugins/criterion-own.so"
    "$sources/scripts/install" --remove "" "$prefix"
    [ "$(cd "$prefix" && find . -type f | sort | xargs)" = "./bin/other ./lib/prunebench/plugins/criterion-own.so" ]
    [ -d "$prefix/share/man/man1" ]
    run "$sources/scripts/install" --remove "" "$prefix"
    [ "$status" -eq 2 ]
    [[ $output == *"nothing is installed"* ]]
}

@test "installing again removes what only the older version had" {
    install_here
    touch "$prefix/include/prunebench/old.h"
    echo "f include/prunebench/old.h" >>"$prefix/share/prunebench/installed"
    install_here
    [ ! -e "$prefix/include/prunebench/old.h" ]
    [ -s "$prefix/include/prunebench/plugin.h" ]
    "$sources/scripts/install" --remove "" "$prefix"
    [ ! -e "$prefix" ]
}

@test "make install puts a package into DESTDIR with the final prefix in it, make uninstall takes it out" {
    # -o all: what is tested is what was built, whatever flags it was built with.
    make -C "$sources" --no-print-directory -o all install BUILD="$build" DESTDIR="$folder/stage" PREFIX=/opt/pb
    [ -x stage/opt/pb/bin/prunebench ]
    run grep -r "$folder" stage/opt/pb/lib/pkgconfig stage/opt/pb/share/prunebench
    [ "$status" -eq 1 ]
    grep -qx "prefix=/opt/pb" stage/opt/pb/lib/pkgconfig/prunebench.pc
    make -C "$sources" --no-print-directory uninstall DESTDIR="$folder/stage" PREFIX=/opt/pb
    [ -z "$(find stage -type f)" ]
    [ ! -e stage/opt/pb ]
}

@test "a new criterion is in a run's tables beside the others" {
    install_here
    run make_plugin criterion mean-weight
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="own">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" lr="0.1" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="mean-weight"><option name="power" value="2"/></criterion>
  <criterion plugin="random"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
</matrix>
END
    run prunebench run m.xml -o out --plugin-dir mean-weight
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [[ $output == *" 50  mean-weight "* ]]
    grep -q 'name="criterion.option.power" value="2"\|key="criterion.option.power" value="2"' out/cells/birds.vgg11-bcnn.mean-weight.one-shot.*.xml
    prunebench report out --format markdown
    grep -rq 'mean-weight' out/report/tables
}
