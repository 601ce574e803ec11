#!/usr/bin/env bats
# A user's own images from folders and lists, and data sets that cannot carry a run.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

# images/{train,test}/{crow,finch,wren}/*.jpg: 8 and 4 of each, drawn.
setup_file() {
    cd "$BATS_FILE_TMPDIR"
    "$PRUNEBENCH_BUILD/prunebench" synth sets --sets birds --classes 3 --train 8 --test 4 --size 48 --quiet
    python3 - sets/CUB_200_2011 images <<'END'
import os, shutil, sys
root, out = sys.argv[1:]
table = lambda name: dict(line.split(" ", 1) for line in open(f"{root}/{name}").read().splitlines())
label, train = table("image_class_labels.txt"), table("train_test_split.txt")
for id, path in table("images.txt").items():
    folder = f"{out}/{'train' if train[id] == '1' else 'test'}/{['crow', 'finch', 'wren'][int(label[id]) - 1]}"
    os.makedirs(folder, exist_ok=True)
    shutil.copy(f"{root}/images/{path}", f"{folder}/{id}.jpg")
END
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    cp -r "$BATS_FILE_TMPDIR/images" images
}

# A matrix of one small cell on images; $1: attributes of <training>; $2: options of the data set; $3: of <model>; $4: more.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="own">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125" $3/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2" $1/>
  <latency batch="2" runs="0"/>
  <dataset plugin="folder" root="images">$2</dataset>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
  $4
</matrix>
END
}
id=folder.vgg11-bcnn.bn-scale.one-shot.blis.r30.s1

# What a cell measured, without clocks.
measured() { grep -E '^  <(accuracy|epoch|layer|data|cost) ' "$1" | sed 's/ seconds="[^"]*"//'; }

# check refuses with $1, run fails its cell with it, and neither leaves anything that could be taken for a result.
refused_everywhere() {
    run prunebench check m.xml --threads 1
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"prunebench: cell '$id': $1"* ]]
    run prunebench run m.xml -o out --threads 1
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"$id: failed, "*" s: $1"* ]]
    grep -q ' status="failed"' out/cells/$id.xml
    [ -z "$(ls out/cache out/stages 2>/dev/null | grep -v -e '^out/' -e '^locks$' -e '^$')" ]
    rm -r out
}

@test "the same images as class folders and as a list give the same results" {
    matrix >m.xml
    prunebench run m.xml -o folders --threads 1 --quiet
    { echo "path,label,split"; (cd images && ls -d train/*/* test/*/*) | LC_ALL=C sort |
        awk -F/ '{print "\"" $0 "\"," $2 "," $1 "\r"}' | LC_ALL=C sort -t, -k3r -s; } >images/list.csv
    matrix '' '<option name="csv" value="list.csv"/>' >m.xml
    prunebench run m.xml -o list --threads 1 --quiet
    [ "$(measured folders/cells/$id.xml | grep -c .)" -ge 10 ]
    diff <(measured folders/cells/$id.xml) <(measured list/cells/$id.xml)
    grep -q 'name="dataset.option.csv" value="list.csv"' list/cells/$id.xml
}

@test "a set without a test split gets one, the same for every seed" {
    mv images/test/crow/* images/train/crow
    mv images/train ./all && rm -r images && mv all images
    matrix '' '<option name="test-share" value="0.25"/>' '' '<seeds>1 2</seeds>' >m.xml
    prunebench run m.xml -o out -j 2 --quiet
    # a quarter of 12, 8 and 8
    grep -q '<data train="17" validation="4" test="7" classes="3" skipped="0"' out/cells/$id.xml
    grep -q '<data train="17" validation="4" test="7" classes="3" skipped="0"' out/cells/${id%1}2.xml
}

@test "a data set with one class is refused before anything is decoded" {
    rm -r images/*/crow images/*/finch
    matrix >m.xml
    refused_everywhere "data set 'folder' in 'images' has one class only"
}

@test "fewer training images than a batch are refused before anything is decoded" {
    matrix 'evaluate-batch="4"' | sed 's/batch="8"/batch="19"/' >m.xml
    refused_everywhere "data set 'folder' in 'images' has 18 training images (and 6 to validate), which do not fill one batch of 19; "
    # one less, and it runs
    matrix | sed 's/batch="8"/batch="18"/' >m.xml
    prunebench run m.xml -o good --threads 1 --quiet
}

@test "nothing to select on is refused, and selection on the test split is not" {
    matrix | sed 's/validation="0.2"/validation="0"/' >m.xml
    refused_everywhere "data set 'folder' in 'images' leaves no images to select on; "
    matrix 'selection="test"' | sed 's/validation="0.2"/validation="0"/' >m.xml
    prunebench check m.xml --threads 1 --quiet
}

@test "what is wrong with a list or a folder is said with file and line by check" {
    printf 'path,label,split\ntrain/crow/nowhere.jpg,a,train\ntest/crow/none.jpg,b,train\nx.jpg,b,test\n' >images/list.csv
    matrix '' '<option name="csv" value="list.csv"/>' >m.xml
    refused_everywhere "images/list.csv:2: image 'images/train/crow/nowhere.jpg' is not there, and 3 of 3 are missing"
    printf 'path,label,split\na.jpg,a,dev\n' >images/list.csv
    refused_everywhere "dataset 'folder': images/list.csv:2: split 'dev' is neither training ('train') nor test ('test')"
    mkdir images/train/dodo
    matrix >m.xml
    refused_everywhere "dataset 'folder': images/train/dodo: this class has no image"
    # an option that is misspelt
    matrix '' '<option name="tset-share" value="0.2"/>' >m.xml
    run prunebench check m.xml
    [ "$status" -eq 2 ]
    [[ $output == *"m.xml:5: dataset 'folder': unknown option 'tset-share'; did you mean 'test-share'?"* ]]
}

@test "448 pixels: short side to 480, crops, ImageNet's mean and deviation, head first" {
    matrix 'head-epochs="1" head-lr="0.5"' '' '' '<preprocess resize="short-side" resize-to="480" mean="imagenet" std="imagenet"/>' |
        sed 's/image-size="32"/image-size="448"/; s/width-multiplier="0.125"/width-multiplier="0.0625"/' >m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    result=out/cells/$id.xml
    grep -q 'name="preprocess" value="resize=short-side resize-to=480 crop-box=false image-size=448 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 flip=0.5 rotate=15"' $result
    grep -q '<epoch stage="base" n="1" lr="0.5" ' $result
    grep -q '<epoch stage="base" n="2" lr="0.05" ' $result
    run -1 grep -q '<epoch stage="base" n="3" ' $result
    grep -q '<accuracy stage="retrained" split="test" .*images="12"' $result
    # another mean is another base model
    [ "$(ls -d out/stages/[0-9a-f]*/ | wc -l)" -eq 1 ]
    sed -i 's/mean="imagenet"/mean="0.5"/' m.xml
    prunebench run m.xml -o out --threads 1 --quiet
    [ "$(ls -d out/stages/[0-9a-f]*/ | wc -l)" -eq 2 ]
}

@test "a warm-up longer than the training, and a short side below the image, are refused by check" {
    matrix 'warmup="2"' >m.xml
    run prunebench check m.xml --threads 1
    [ "$status" -eq 2 ]
    [[ $output == *"a warm-up of 2 epochs does not fit a training of 1; "* ]]
    matrix '' '' '' '<preprocess resize="short-side" resize-to="31"/>' >m.xml
    run prunebench check m.xml --threads 1
    [ "$status" -eq 2 ]
    [[ $output == *"the short side is resized to 31 pixels; it must be 32 (the image size) to "* ]]
}
