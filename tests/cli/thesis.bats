#!/usr/bin/env bats
# The ready matrices of the thesis, and trunks that a run trains for itself.

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }
matrices=$PRUNEBENCH_BUILD/studies/thesis

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    "$PRUNEBENCH_BUILD/prunebench" synth data-mini --sets birds,cars,fish --classes 3 --train 16 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

@test "check lists the whole thesis where neither data nor weights are, and names them" {
    run prunebench check "$matrices/thesis.xml" --no-speed
    [ "$status" -eq 0 ]
    [ "$(grep -c '\.s[123]  .* [PT]  .* MiB' <<<"$output")" -ge 351 ]
    [[ $output == *"shared stage "* ]]
    [[ $output == *"351 cells, "*" MACs"* ]]
    for root in fgvc-aircraft-2013b CUB_200_2011 cars; do
        [ "$(grep -c "^not here: data set 'data/$root' is not there (counted with the official sizes)$" <<<"$output")" -eq 1 ]
    done
    for weights in vgg16_bn vgg16; do
        [ "$(grep -c "^not here: pretrained weights '$weights.safetensors' are not there$" <<<"$output")" -eq 1 ]
    done
    [ "$(grep -c '^not here' <<<"$output")" -eq 5 ]
}

@test "the small matrix runs as it stands, from fish to the published tables, on a few tiny images" {
    ln -s "$BATS_FILE_TMPDIR/data-mini" data-mini
    sed -E 's/ epochs="[0-9]+"/ epochs="1"/; s/<seeds>.*</<seeds>1</; s/(<report )/<latency runs="0"\/>\1/' \
        "$matrices/thesis-mini.xml" >m.xml
    run prunebench check m.xml --threads 1 --no-speed
    [ "$status" -eq 0 ]
    # one trunk with batch norm, one without; neither the scratch row nor the data sets have their own
    [ "$(grep -c '^pretrain ' <<<"$output")" -eq 2 ]
    prunebench run m.xml -o out -j 2 --quiet --only 'cars.*.train.*' --only 'cars.*.r20.s1'
    [ "$(ls out/cells | wc -l)" -eq 12 ]
    [ "$(ls out/pretrained | wc -l)" -eq 2 ]
    prunebench report out --quiet --format html,csv
    for table in 4-3.ablation 4-4.one-shot 4-5.iterative 4-6.soft 4-7.one-shot-heavier; do
        [ -s out/report/tables/thesis.$table.csv ]
    done
    # three sections prune nothing, and none is said to have done so
    [ "$(grep -o 'Trained only: nothing was pruned' out/report/index.html | wc -l)" -eq 3 ]
    [ "$(grep -o 'with none' out/report/index.html | wc -l)" -eq 0 ]
    grep -q '^vgg11-pretrained · plain,"ordinary head, batch norm, pretrained",.*,0.6928,' out/report/tables/thesis.4-3.ablation.csv
    grep -q '^vgg11-scratch · plain,"ordinary head, batch norm, from scratch",.*,0.1433,' out/report/tables/thesis.4-3.ablation.csv
}

# Cells of two models that start from fish; $1: what to add.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="own-trunk">
  <pretraining label="fish" plugin="folder" root="$BATS_FILE_TMPDIR/data-mini/fish" model="vgg11-bcnn" seed="1"/>
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125" pretraining="fish"/>
  <model name="vgg11-gap" image-size="32" width-multiplier="0.125" pretraining="fish"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="$BATS_FILE_TMPDIR/data-mini/CUB_200_2011"/>
  <dataset plugin="cars" root="$BATS_FILE_TMPDIR/data-mini/cars"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="train"/>
  <targets>0.3</targets>
  $1
</matrix>
END
}

@test "a trunk is trained once, exported under torchvision's names and read by every model that starts from it" {
    matrix >m.xml
    prunebench run m.xml -o out -j 2 --quiet
    [ "$(ls out/cells | wc -l)" -eq 4 ]
    [ "$(ls out/pretrained | wc -l)" -eq 1 ]
    python3 - out/pretrained/fish-*.safetensors <<'END'
import json, struct, sys
with open(sys.argv[1], "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
for name, shape in {"features.0.weight": [8, 3, 3, 3], "features.1.running_var": [8], "features.26.bias": [64]}.items():
    assert header[name]["shape"] == shape, (name, header.get(name))
END
    # 8 convolutions and batch norms of 2 and 4 arrays; the heads are fresh
    [ "$(grep -l 'pretrained-mapped="48"' out/cells/*.xml | wc -l)" -eq 4 ]
    [ "$(grep -h -o 'pretrained-sha256="[0-9a-f]*"' out/cells/*.xml | sort -u | wc -l)" -eq 1 ]
    # those weights are a file like any other, and give the same network
    weights=$(ls out/pretrained/*.safetensors)
    matrix | sed "s#pretraining=\"fish\"#pretrained=\"$weights\"#" >from-file.xml
    prunebench run from-file.xml -o again -j 2 --quiet
    for cell in out/cells/*.xml; do
        cmp <(grep -o '<accuracy .*' "$cell") <(grep -o '<accuracy .*' "again/cells/${cell##*/}")
    done
}

@test "a pretraining whose images are not here is named by check, and refused by run with its line" {
    matrix | sed "s#data-mini/fish#nowhere#" >m.xml
    run prunebench check m.xml --threads 1 --no-speed
    [ "$status" -eq 0 ]
    [[ $output == *"not here: data set '$BATS_FILE_TMPDIR/nowhere' is not there"* ]]
    run prunebench run m.xml -o out
    [ "$status" -eq 2 ]
    [[ $output == "prunebench: m.xml:2: pretraining 'fish': there is no folder '$BATS_FILE_TMPDIR/nowhere'; "* ]]
}
