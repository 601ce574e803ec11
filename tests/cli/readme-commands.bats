#!/usr/bin/env bats
# What the README tells a reader to type: every command line in it is run (the large ones in small), and its matrices are valid.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    cd "$BATS_TEST_TMPDIR" || return
    ln -s "$sources/datasets" datasets
    ln -s "$sources/studies" studies
}

# The README's blocks of a language ('' for none), each behind a form feed.
blocks() {
    awk -v fence="\`\`\`$1" '/^```/ { open = !open; inside = open && $0 == fence; if (inside) printf "\f"; next } inside' "$sources/README.md"
}

# Of these, the one that has a word.
block() { # language, word
    blocks "$1" | awk -v RS='\f' -v word="$2" 'index($0, word) { printf "%s", $0 }'
}

# Lines of a terminal: those that begin with a command, without remarks.
commands() {
    blocks '' | tr '\f' '\n' | grep -E '^(prunebench|make|scripts/|cd|export) ?' | sed -E 's/ {2,}[^ ].*$//; s/ +#.*$//'
}

small_matrix() { # on standard output
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" lr="0.1" validation="0.2"/>
  <latency batch="1" runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <criterion plugin="random"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
</matrix>
END
}

# Runs one line of the README in small. A line that this does not know fails the test.
run_line() {
    local line=$1 small=(--model vgg11-bcnn --classes 4 --image-size 32 --width-multiplier 0.125)
    case $line in
    'prunebench synth data') prunebench synth data --classes 3 --train 2 --test 2 ;;
    'prunebench check MATRIX') prunebench check m.xml --threads 1 ;;
    'prunebench run MATRIX -o OUT -j 2') prunebench run m.xml -o OUT -j 2 && prunebench run m.xml -o OUT -j 2 | grep '1 were done before' ;;
    'prunebench report OUT') prunebench report OUT && ls OUT/report/index.html OUT/report/tables/*.{html,tex,md,csv} ;;
    'prunebench plugins [describe KIND/NAME]') prunebench plugins && prunebench plugins describe criterion/random ;;
    'prunebench score CHECKPOINT -c CRITERION')
        stored=(OUT/stages/*/network.safetensors)
        prunebench score "${stored[0]}" -c filter-norm | grep conv1_1
        ;;
    'prunebench count --model M --classes K') prunebench count --model vgg16 --classes 1000 | grep 138 ;;
    'prunebench verify --backend B TRACE…') prunebench verify --backend blis "$sources/tests/golden/one-channel.safetensors" ;;
    'prunebench bench --backend B --model M …') prunebench bench --backend blis "${small[@]}" --batch 2 --runs 1 ;;
    'prunebench doctor') prunebench doctor || (($? == 1)) ;;
    'prunebench help matrix') prunebench help matrix ;;
    'make demo' | 'make check') make -n -C "$sources" "${line#make }" ;;
    'prunebench run studies/thesis/thesis.xml -o out')
        # its data is not there: that is what it says, with the line that names it
        prunebench run studies/thesis/thesis.xml -o out 2>said && return 1
        grep -E "thesis.xml:[0-9]+: .*'(data/|vgg16)" said
        ;;
    'prunebench synth data-mini --sets aircraft,birds,cars,fish --train 320 --test 120')
        ${line/--train 320 --test 120/--train 2 --test 2 --classes 3}
        ls data-mini/{fgvc-aircraft-2013b,CUB_200_2011,cars,fish}
        ;;
    'prunebench run studies/thesis/thesis-mini.xml -o out-mini -j 2')
        prunebench check studies/thesis/thesis-mini.xml --json --threads 1 | grep '"missing": ""'
        ;;
    'prunebench report out-mini') [ ! -e out-mini ] ;; # as of OUT above
    'scripts/fashion-mnist') [ -x "$sources/$line" ] ;; # run by scripts.bats
    'prunebench run datasets/matrices/fashion-mnist.xml -o out') grep -q 'data/fashion-mnist' datasets/matrices/fashion-mnist.xml ;;
    'prunebench report out') true ;; # as of OUT above
    'make && make install PREFIX=$HOME/.local' | 'export PATH='* | 'cd ~/my-score && make' | *my-score*)
        grep -q "README's first own criterion" "$sources/tests/cli/first-plugin.bats" # which runs the whole block
        ;;
    *) echo "no test runs this line of the README: $line" && return 1 ;;
    esac
}

@test "every command line of the README runs" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    small_matrix >m.xml
    commands >lines
    [ "$(wc -l <lines)" -ge 20 ]
    while read -r line; do
        run run_line "$line" </dev/null
        [ "$status" -eq 0 ] || { echo "$line: $output"; false; }
    done <lines
}

@test "the README's matrix is valid, but for the data and weights that it names" {
    block xml '<matrix' >m.xml
    [ "$(grep -c '<criterion' m.xml)" -eq 2 ]
    xmllint --noout --nonet --schema "$sources/harness/schema/matrix-1.xsd" m.xml
    sed -i 's/"224"/"32" width-multiplier="0.05"/' m.xml # the time is measured: of a small network here
    run -0 prunebench check m.xml --threads 1
    echo "$output"
    [[ $output == *$'\n'"48 cells, "* ]] # 2 criteria, 2 schedules, 4 targets, 3 seeds
    [[ $output == *"not here: data set 'data/CUB_200_2011' is not there"* ]]
    [[ $output == *"not here: pretrained weights 'vgg16_bn.safetensors' are not there"* ]]
}

@test "the README's bird feeder is read from its folders and from its list" {
    prunebench synth sets --sets fish --classes 2 --train 3 --test 2 --size 64 --quiet
    image=$(find sets -name '*.jpg' | sort | head -n 1)
    # the folders: as shown, and two more images of each class, since a split needs them
    for path in $(block '' 'birdfeeder/train/robin' | awk '/^birdfeeder/ { print $1 }') \
        birdfeeder/{train/{robin,wren}/{7,8}.jpg,test/wren/9.jpg}; do
        mkdir -p "${path%/*}"
        cp "$image" "$path"
    done
    small_matrix | sed "s|.*<dataset.*|$(block '' 'birdfeeder/train/robin' | grep -oE '<dataset.*/>')|" >m.xml
    sed -i 's/batch="8"/batch="2"/' m.xml
    run -0 prunebench check m.xml --threads 1 --json
    [[ $output == *'"missing": ""'* ]]
    # the list
    block '' 'path,label,split' >both
    cut -c1-39 both | sed 's/ *$//' >birdfeeder/list.csv
    sed -n 's/^.*\(<dataset plugin="folder".*\)/\1/p; s/^.*\(<option name="csv".*\)/\1/p; s/^.*\(<\/dataset>\)/\1/p' both >element
    mkdir -p birdfeeder/img
    for name in 1 3 4 5; do cp "$image" birdfeeder/img/000$name.jpg; done
    cp "$image" "birdfeeder/img/2, wet.jpg"
    printf 'img/0003.jpg,robin,train\nimg/0004.jpg,wren,train\nimg/0005.jpg,wren,train\n' >>birdfeeder/list.csv
    small_matrix | sed -e '/<dataset/{r element' -e 'd}' >m.xml
    sed -i 's/batch="8"/batch="2"/' m.xml
    run -0 prunebench check m.xml --threads 1 --json
    [[ $output == *'"missing": ""'* ]]
}

@test "every element that the README quotes is one of the manual, with attributes that it has" {
    prunebench help matrix >manual
    python3 - "$sources/README.md" manual <<'END'
import re, sys
manual = {}
for line in open(sys.argv[2], encoding="utf-8"):
    if match := re.match(r"<([a-z]+)>$", line):
        names = manual.setdefault(match[1], set())
    elif match := re.match(r"  ([a-z-]+): ", line):
        names.add(match[1])
manual["option"] = {"name", "value"}
text = open(sys.argv[1], encoding="utf-8").read()
quoted = re.findall(r"<([a-z]+)((?: [a-z-]+=\"[^\"]*\")+) ?/?>", text)
assert len(quoted) > 15, quoted
for element, attributes in quoted:
    for name in re.findall(r"([a-z-]+)=\"", attributes):
        assert element in manual and (name in manual[element] or name == "xmlns"), (element, name)
END
}
