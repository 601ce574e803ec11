#!/usr/bin/env bats
# Studies: folders of matrices, published results and stylesheets; comparisons that a matrix declares.

bats_require_minimum_version 1.5.0
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }
setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "every matrix of every study passes the check and fits the schema" {
    local matrix count=0
    for matrix in "$PRUNEBENCH_BUILD"/studies/*/*.xml; do
        [[ $matrix == */published.xml || $matrix == */counting.xml ]] && continue
        prunebench check "$matrix" --no-speed >/dev/null
        xmllint --noout --nonet --schema "$PRUNEBENCH_BUILD/schema/matrix-1.xsd" "$matrix"
        count=$((count + 1))
    done
    [ "$count" -ge 3 ]
}

# A matrix whose line 4 is the comparison $1.
comparing() {
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="m">
  <dataset plugin="birds" root="data/CUB_200_2011"/><model name="vgg11-bcnn"/>
  <variant label="a"/><variant label="b"><ranking scope="layer"/></variant>
  $1
  <criterion plugin="filter-norm" label="filter-norm"/><schedule plugin="one-shot"/><backend plugin="blis"/>
  <targets measure="channels">0.3</targets>
</matrix>
END
}

@test "a comparison that cannot be made is refused with its line" {
    comparing '<compare variant="a" with="b" equal-within="2"/>'
    prunebench check m.xml --no-speed >/dev/null
    refused() {
        comparing "$1"
        run -2 prunebench check m.xml --no-speed
        [[ $output == *"m.xml:4: $2"* ]]
    }
    refused '<compare variant="a" with="c" equal-within="2"/>' '<compare with="c">: the matrix has no variant of this label'
    refused '<compare variant="A" with="b" equal-within="2"/>' '<compare variant="A">: the matrix has no variant of this label'
    refused '<compare variant="a" equal-within="2"/>' "<compare>: attribute 'with' is missing"
    refused '<compare variant="a" with="a" equal-within="2"/>' "<compare>: 'variant' and 'with' are the same variant"
    refused '<compare variant="a" with="b"/>' \
        "<compare>: attribute 'equal-within' is missing; it says how many points of top-1 count as equal"
    for within in 0 -1 few 101; do
        refused "<compare variant=\"a\" with=\"b\" equal-within=\"$within\"/>" \
            "<compare>: equal-within='$within' is not a number of points above 0 and up to 100"
    done
}

@test "a study without published results runs on tiny images and reports what it compares" {
    prunebench synth data --sets birds --classes 3 --train 16 --test 4 --size 64 --quiet
    sed -E '/plugin="(aircraft|cars)"/d; s/ epochs="[0-9]+"/ epochs="1"/; s/<seeds>.*</<seeds>1</; s/>0.1 .* 0.9</>0.3</' \
        "$PRUNEBENCH_BUILD/studies/li-2017/layer-wise.xml" >m.xml
    prunebench run m.xml -o out --quiet -j 2
    grep -q '<compare variant="global" with="layer-wise" equal-within="2"/>' out/matrix.xml
    prunebench report out --quiet --format html,csv
    [ "$(wc -l <out/report/tables/compared.global-layer-wise.csv)" -eq 2 ]
    grep -q 'one-shot.*l1-norm.*one-seed' out/report/tables/compared.global-layer-wise.csv
    grep -q 'global against layer-wise: parameters, and whether top-1 is equal' out/report/index.html
    # the thesis's tables are the thesis's
    run -1 compgen -G 'out/report/tables/thesis.*'
    run -1 compgen -G 'out/report/tables/claims.*'
}

@test "the check for names sees those of plugins, models and options in general code, wherever they are" {
    local tree="$BATS_TEST_TMPDIR/tree" root
    root=$(realpath "$BATS_TEST_DIRNAME/../..")
    "$root/scripts/check-names"
    mkdir -p "$tree"/{scripts,harness/{summary,graph,synth,include/prunebench},reports,studies/thesis}
    cp "$root/scripts/check-names" "$tree/scripts"
    cp -r "$root/plugins" "$root/datasets" "$tree"
    cp "$root/harness/graph/family_list.h" "$root/harness/graph/model_vgg.c" "$tree/harness/graph"
    cp "$root/harness/synth/classes.c" "$tree/harness/synth"
    touch "$tree/studies/thesis/x.xml"
    printf '/* as "filter-norm" */\nint a;\n' >"$tree/harness/summary/good.c"
    run -0 "$tree/scripts/check-names"
    printf '/* as */\nconst char *a = "filter-norm";\nconst char *b = "schedule.option.folded";\n' >"$tree/harness/summary/bad.c"
    printf '<x test="@plugin = %ssoft%s"/>\n<y>birds</y>\n' "'" "'" >"$tree/reports/bad.xsl"
    printf 'int b = sizeof "blis";\nint a = strcmp(plugin->name, "random") + sizeof "vgg16-bcnn";\n' >"$tree/harness/graph/bad.c"
    printf 'int thesis_count;\n' >"$tree/harness/graph/study.c"
    printf '/* like blis */\n#define ROOT "test-share"\n' >"$tree/harness/include/prunebench/bad.h"
    run -1 "$tree/scripts/check-names"
    [[ $output == *"harness/graph/bad.c:1: the name of a plugin in general code: blis"* ]]
    [[ $output == *"harness/graph/bad.c:2: the name of a plugin in general code: plugin->name, \"random\""* ]]
    [[ $output == *"harness/graph/bad.c:2: the name of a model in general code: vgg16"* ]]
    [[ $output == *"harness/graph/study.c:1: the name of a study in general code: thesis"* ]]
    [[ $output == *"harness/include/prunebench/bad.h:2: an option of a plugin in general code: test-share"* ]]
    [[ $output == *"harness/summary/bad.c:2: the name of a plugin in general code: filter-norm"* ]]
    [[ $output == *"harness/summary/bad.c:3: an option of a plugin in general code: .option.folded"* ]]
    [[ $output == *"reports/bad.xsl:1: the name of a plugin in general code: plugin = 'soft'"* ]]
    [[ $output == *"reports/bad.xsl:2: the name of a plugin in general code: birds"* ]]
    [ "${#lines[@]}" -eq 10 ] # the model's name counts twice: as vgg16 and as -bcnn
}
