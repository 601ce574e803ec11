#!/usr/bin/env bats
# What the documents tell a reader to type: every command line is run (the large ones in small), or is listed with the reason why not
# here; every piece of XML is valid. A command, a block or an element that is new fails until a test knows it.
bats_require_minimum_version 1.5.0
load ../support/slurm.bash

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    cd "$BATS_TEST_TMPDIR" || return
    ln -s "$sources/datasets" datasets
    ln -s "$sources/studies" studies
    cut_blocks
}

documents() { (cd "$sources" && ls README.md CONTRIBUTING.md docs/*.md studies/README.md studies/*/*.md); }

# Every fenced block of the documents, in a file of its own: blocks/DOCUMENT:LINE.LANGUAGE, "plain" for those without a language.
cut_blocks() {
    local document
    mkdir blocks
    for document in $(documents); do
        awk -v start="blocks/${document//\//_}:" '
            /^ *```/ && !open { language = $0; sub(/^ *```/, "", language); file = start NR "." (language ? language : "plain"); open = 1; next }
            /^ *```$/ { open = 0; close(file); next }
            open { print >file }' "$sources/$document"
    done
    [ "$(find blocks -type f | wc -l)" -ge 15 ]
}

# The README's block of a language that has a text.
block() { # language, text
    cat "$(grep -lF -- "$2" blocks/README.md:*."$1")"
}

# Plain blocks that are not lines of a terminal, by how they begin.
is_shown() { # file
    case $(head -n 1 "$1") in
    'cars · one-shot (top-1'* | 'birdfeeder/train/robin/'* | 'path,label,split '* | '@software{prunebench,') ;; # README.md
    'Makefile   '* | '  MATRIX.xml   '*) ;; # CONTRIBUTING.md's tree, docs/architecture.md's picture
    *) return 1 ;;
    esac
}

# Lines of a terminal, without the remarks behind them.
commands() {
    local file
    for file in blocks/*.{plain,sh}; do
        [ ! -e "$file" ] || is_shown "$file" || sed '/^ /d' "$file" # a block may have nothing but indented lines
    done | sed -E 's/ {2,}[^ ].*$//; s/ +#.*$//' | sort -u
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

# Commands that are not run here, and why.
not_run() {
    cat <<'END'
make: the tests are of its build
make check: it runs this test, too
make demo: it installs packages and trains for minutes
make readme: it runs the demo
make lint: it needs clang-tidy; .ci/run does it
make fuzz: it needs clang; .ci/run does it
make SANITIZE=1 tests && scripts/run-sanitized: it builds everything once more; .ci/run does it
scripts/run-tests build unit/prune cli/run: it runs tests
scripts/kill-trial 1000: it takes hours; kill-trial.bats has a few kills
scripts/fashion-mnist: it needs Debian's package of the images; scripts.bats gives it others
.ci/run: it runs all tests
make && make install PREFIX=$HOME/.local: first-plugin.bats runs the whole block, from here
export PATH=$HOME/.local/bin:$PATH PKG_CONFIG_PATH=$HOME/.local/lib/pkgconfig: first-plugin.bats
prunebench-new-plugin criterion my-score ~/my-score: first-plugin.bats
cd ~/my-score && make: first-plugin.bats
prunebench plugins describe criterion/my-score --plugin-dir ~/my-score: first-plugin.bats
snakemake --cores 8: Snakemake is not installed; plan.bats runs the rules in the order of their inputs
parallel --nonall -j0 --sshloginfile hosts prunebench worker /shared/OUT: it needs hosts
scripts/examples/workers-over-ssh OUT node1 node2: it needs hosts; executor.bats gives it an ssh that starts a shell
for worker in 1 2 3 4; do qsub -v OUT=/shared/OUT scripts/examples/worker.pbs; done: it needs PBS; executor.bats runs the script
condor_submit scripts/examples/workers.condor: it needs HTCondor
kubectl apply -f scripts/examples/workers.yaml: it needs Kubernetes; executor.bats reads the file
END
}

# Runs one line in small. A line that this does not know fails the test.
run_line() {
    local line=$1 small=(--model vgg11-bcnn --classes 4 --image-size 32 --width-multiplier 0.125)
    case $line in
    'prunebench synth data') prunebench synth data --classes 3 --train 2 --test 2 ;;
    'prunebench check MATRIX') prunebench check m.xml --threads 1 ;;
    'prunebench plan MATRIX' | 'prunebench plan MATRIX --threads 16')
        prunebench plan m.xml --threads 1 | grep '^longest path: '
        ;;
    'prunebench plan MATRIX --json >plan.json') prunebench plan m.xml --json >plan.json ;;
    'scripts/examples/plan-to-snakemake MATRIX OUT <plan.json >Snakefile')
        prunebench plan m.xml --json --no-speed >one.json && "$sources/${line%% *}" m.xml OUT <one.json | grep '^rule cell_1:$'
        ;;
    'prunebench plan studies/thesis/thesis.xml --no-speed --worker-speed '*) $line | grep '^  workers ' ;;
    'prunebench run MATRIX -o OUT -j 2') prunebench run m.xml -o OUT -j 2 | grep '1 were done before' ;;
    'prunebench run MATRIX -o OUT') prunebench run m.xml -o OUT | grep '1 were done before' ;;
    'prunebench run MATRIX -o OUT --executor slurm '*)
        fake_slurm "$PWD/slurm" && echo 'short 1-00:00:00' >slurm/partitions
        eval "${line/MATRIX/m.xml}" | grep '1 were done before'
        ;;
    'prunebench worker OUT --threads 16') prunebench worker OUT --threads 1 ;;
    'seq 4 | parallel '*) ! command -v parallel >/dev/null || [ "$(PATH=$PRUNEBENCH_BUILD:$PATH bash -c "$line" | grep -c '^0 cells done')" -eq 4 ] ;;
    'prunebench status OUT') prunebench status OUT ;;
    'prunebench report OUT' | 'prunebench report out' | 'prunebench report out-mini')
        $line && ls "${line##* }"/report/index.html "${line##* }"/report/tables/*.{html,tex,md,csv}
        ;;
    'prunebench plugins [describe KIND/NAME]') prunebench plugins && prunebench plugins describe criterion/random ;;
    'prunebench score CHECKPOINT -c CRITERION')
        stored=(OUT/stages/*/network.safetensors) && prunebench score "${stored[0]}" -c filter-norm | grep conv1_1
        ;;
    'prunebench count --model M --classes K') prunebench count --model vgg16 --classes 1000 | grep 138 ;;
    'prunebench count --model net.onnx') cp "$sources/tests/golden/onnx/residual.onnx" net.onnx && $line ;;
    'prunebench count --model '*) $line ;;
    'prunebench verify --backend B TRACE…') prunebench verify --backend blis "$sources/tests/golden/one-channel.safetensors" ;;
    'prunebench bench --backend B --model M …') prunebench bench --backend blis "${small[@]}" --batch 2 --runs 1 ;;
    'prunebench doctor') prunebench doctor || (($? == 1)) ;;
    'prunebench help matrix') prunebench help matrix ;;
    'prunebench run studies/thesis/thesis.xml -o out')
        # its data is not there: that is what it says, with the line that names it
        prunebench run studies/thesis/thesis.xml -o refused 2>said && return 1
        grep -E "thesis.xml:[0-9]+: .*'(data/|vgg16)" said
        ;;
    'prunebench synth data-mini --sets aircraft,birds,cars,fish --train 320 --test 120')
        ${line/--train 320 --test 120/--train 2 --test 2 --classes 3} && ls data-mini/{fgvc-aircraft-2013b,CUB_200_2011,cars,fish}
        ;;
    # hours, or data of others: their cells are listed (thesis.bats runs the small thesis on a few images)
    'prunebench run studies/'*'-mini.xml -o out'*' -j 2' | 'prunebench run datasets/matrices/'*.xml' -o out'*)
        line=${line#prunebench run }
        prunebench check --no-speed "${line%% *}"
        ;;
    'scripts/generated-docs') "$sources/$line" --check "$PRUNEBENCH_BUILD" ;;
    *) echo "no test runs this line" && return 1 ;;
    esac
}

@test "every command line of the documents runs, or is listed with the reason why it is not run here" {
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    small_matrix >m.xml
    prunebench run m.xml -o OUT --quiet
    cp -r OUT out
    cp -r OUT out-mini
    commands >lines
    [ "$(wc -l <lines)" -ge 30 ]
    not_run | sed 's/: [^:]*$//' | sort >unrun
    grep -vxFf unrun lines >runnable
    while read -r line; do
        run run_line "$line" </dev/null
        [ "$status" -eq 0 ] || { echo "$line: $output"; false; }
    done <runnable
    # none is listed that no document has, or whose script or target is gone
    [ -z "$(comm -13 lines unrun)" ]
    for script in $(grep -oE '(^| )(scripts/|\.ci/)[a-z-]+' unrun); do
        [ -x "$sources/$script" ]
    done
    for target in $(grep -oE '^make [a-z]+' unrun | cut -d' ' -f2); do
        grep -qE "^$target:" "$sources/Makefile"
    done
}

@test "every fenced block of the documents is read by a test" {
    for file in blocks/*; do
        case $file in
        *.plain | *.sh | *.xml) ;; # by those of this file
        blocks/README.md:*.c) ;; # first-plugin.bats
        blocks/docs_report.md:*.r | blocks/docs_report.md:*.python) ;; # report.bats
        *) echo "no test reads ${file#blocks/}" && false ;;
        esac
    done
}

@test "every command that the documents and the man page's examples quote exists, and has the options that they name" {
    mkdir help
    for name in $(prunebench --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do prunebench help "$name" >"help/$name"; done
    prunebench --man-page | sed -n '/^\.SH EXAMPLES/,/^\.SH FILES/p' | sed -nE 's/\\-/-/g; s/^\\fB(.*)\\fR$/\1/p' >examples
    [ "$(wc -l <examples)" -ge 5 ]
    documents | sed "s|^|$sources/|" >list
    # shellcheck disable=SC2046
    python3 - $(<list) examples <<'END'
import pathlib, re, sys
OPTION = re.compile(r"(?<![\w-])(?:--[a-z][a-z-]*|-[a-z])\b")
known = {path.name: set(OPTION.findall(path.read_text(encoding="utf-8"))) for path in pathlib.Path("help").iterdir()}
seen = 0
for document in sys.argv[1:]:
    text = pathlib.Path(document).read_text(encoding="utf-8")
    lines = re.findall(r"^(prunebench .*?)(?:  +\S.*| +#.*)?$", text, re.M)  # without remarks
    for line in re.findall(r"`(prunebench\s[^`]*)`", text) + lines:
        for words in re.findall(r"prunebench\s+([^&|]*)", line):
            command = words.split()[0].rstrip("…")
            if command.startswith("--") or command.isupper():
                continue
            assert command in known, f"{document}: prunebench {words}"
            for option in OPTION.findall(words):
                assert option in known[command], f"{document}: prunebench {words}: {option}"
                seen += 1
assert seen > 20, seen
END
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
    for path in $(block plain 'birdfeeder/train/robin' | awk '/^birdfeeder/ { print $1 }') \
        birdfeeder/{train/{robin,wren}/{7,8}.jpg,test/wren/9.jpg}; do
        mkdir -p "${path%/*}"
        cp "$image" "$path"
    done
    small_matrix | sed "s|.*<dataset.*|$(block plain 'birdfeeder/train/robin' | grep -oE '<dataset.*/>')|" >m.xml
    sed -i 's/batch="8"/batch="2"/' m.xml
    run -0 prunebench check m.xml --threads 1 --json
    [[ $output == *'"missing": ""'* ]]
    # the list
    block plain 'path,label,split' >both
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

@test "every whole block of XML is valid: a matrix, rules of an audit, or elements of a matrix" {
    for file in blocks/*.xml; do
        case $(head -n 1 "$file") in
        '<matrix '*) xmllint --noout --nonet --schema "$sources/harness/schema/matrix-1.xsd" "$file" ;;
        '<audit '*) xmllint --noout --nonet --schema "$sources/harness/schema/audit-1.xsd" "$file" ;;
        *)
            small_matrix | sed "/<training/r $file" >m.xml
            run prunebench check --no-speed m.xml
            [ "$status" -eq 0 ] || { echo "$file: $output"; false; }
            ;;
        esac
    done
}

@test "every element that the documents quote is one of the manual, with attributes and values that it may have" {
    prunebench help matrix >manual
    documents | sed "s|^|$sources/|" >list
    mkdir quoted
    python3 - list manual <<'END'
import pathlib, re, sys
manual = {"option": {"name", "value"}}
for line in open(sys.argv[2], encoding="utf-8"):
    if match := re.match(r"<([a-z]+)>$", line):
        names = manual.setdefault(match[1], set())
    elif match := re.match(r"  ([a-z-]+): ", line):
        names.add(match[1])
TAG = re.compile(r"<([a-z]+)((?: [a-z-]+=\"[^\"]*\")+) ?/?>")

def elements(span):
    """Outermost ones; where one is only opened, its tag alone."""
    while match := TAG.search(span):
        end = f"</{match[1]}>"
        whole = not match[0].endswith("/>") and end in span[match.end():]
        stop = span.index(end) + len(end) if whole else match.end()
        yield span[match.start():stop] if whole else re.sub(r" ?/?>$", "/>", match[0])
        span = span[stop:]

count = 0
for document in open(sys.argv[1], encoding="utf-8").read().split():
    text = re.sub(r"^ *```[a-z]+$.*?^ *```$", "", pathlib.Path(document).read_text(encoding="utf-8"), flags=re.M | re.S)
    plain = re.findall(r"^ *```$(.*?)^ *```$", text, re.M | re.S)
    text = re.sub(r"^ *```$.*?^ *```$", "", text, flags=re.M | re.S)
    spans = re.findall(r"`([^`]+)`", text) + [match[0] for block in plain for match in TAG.finditer(block)]
    for element in (element for span in spans for element in elements(span)):
        name, attributes = TAG.match(element).groups()
        for attribute in re.findall(r"([a-z-]+)=\"", attributes):
            assert name in manual and attribute in manual[name], (document, element, attribute)
        count += 1
        if "…" in element:
            continue
        inside = f'<criterion plugin="any">{element}</criterion>' if name == "option" else element
        pathlib.Path(f"quoted/{pathlib.Path(document).name}.{count}.xml").write_text(f'<matrix xmlns="urn:prunebench:matrix:1" name="quoted">{inside}</matrix>\n')
assert count > 20, count
END
    xmllint --noout --nonet --schema "$sources/harness/schema/matrix-1.xsd" quoted/*.xml
}
