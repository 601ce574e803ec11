#!/usr/bin/env bats
# <penalty>: in every training, changed by variants, recorded, part of the keys; and what goes wrong is named.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# A matrix of one criterion and one schedule; $1: what to add, $2: attributes of the model.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="penalties">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125" $2/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  $1
  <latency runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
</matrix>
END
}

# What two results share: accuracies, losses, costs; without names, settings, times and the zeros that matrices with penalties count.
numbers() { grep -E '<(accuracy|epoch|cost) ' "$1" | sed -E 's/ (seconds|zero-[a-z-]+)="[^"]*"//g'; }

@test "a plugin's λ·|γ| gives the numbers of <sparsity>, and no penalty gives others" {
    matrix '<sparsity lambda="0.01"/>' >own.xml
    matrix '<penalty plugin="penalises" lambda="0.01"/>' >plugin.xml
    matrix '' >none.xml
    for which in own plugin none; do
        run -0 prunebench run $which.xml -o $which
        numbers $which/cells/*.xml >$which.txt
    done
    [ -s own.txt ]
    diff own.txt plugin.txt
    run -1 diff -q own.txt none.txt
    grep -q '<option name="training.penalty.penalises.lambda" value="0.01"/>' plugin/cells/*.xml
    grep -q '<option name="penalty.penalises.option.does" value="scales"/>' plugin/cells/*.xml
    # a coefficient that the network's consumers decide, and one that changes within an epoch, are other penalties
    for does in consumers changing; do
        matrix "<penalty plugin=\"penalises\" lambda=\"0.01\"><option name=\"does\" value=\"$does\"/></penalty>" >m.xml
        run -0 prunebench run m.xml -o $does
        numbers $does/cells/*.xml >$does.txt
        for other in own none; do run -1 diff -q $does.txt $other.txt; done
    done
}

@test "variants compare penalties: each label has its λ and options, and trainings that are alike are shared" {
    matrix '<penalty plugin="group-lasso" lambda="0"/>
  <penalty plugin="polarization" label="split" lambda="0"/>
  <variant label="plain"/>
  <variant label="lasso"><penalty label="group-lasso" lambda="0.001"><option name="units" value="shapes"/></penalty></variant>
  <variant label="split"><penalty label="split" lambda="0.01"/></variant>
  <variant label="again"><penalty label="group-lasso" lambda="0"/></variant>' >m.xml
    run -0 prunebench run m.xml -o out
    [[ $output == *"4 cells"* ]]
    lasso=out/cells/birds.vgg11-bcnn.bn-scale.one-shot.blis.lasso.r30.s1.xml
    grep -q 'name="training.penalty.group-lasso.lambda" value="0.001"' "$lasso"
    grep -q 'name="penalty.group-lasso.option.units" value="shapes"' "$lasso"
    grep -q 'name="training.penalty.split.lambda" value="0"' "$lasso"
    base() { sed -n 's/.*<accuracy stage="base".*/&/p' "out/cells/birds.vgg11-bcnn.bn-scale.one-shot.blis.$1.r30.s1.xml"; }
    [ -n "$(base plain)" ]
    [ "$(numbers out/cells/*.plain.r30.s1.xml)" = "$(numbers out/cells/*.again.r30.s1.xml)" ]
    [ "$(numbers out/cells/*.plain.r30.s1.xml)" != "$(numbers out/cells/*.lasso.r30.s1.xml)" ]
    [ "$(numbers out/cells/*.plain.r30.s1.xml)" != "$(numbers out/cells/*.split.r30.s1.xml)" ]
    # plain and again are one chain of stages
    run -0 prunebench check m.xml --threads 1
    [[ $output == *"4 cells, "* ]]
    # the resolved matrix reads back
    run -0 prunebench check out/matrix.xml --threads 1
    grep -q '<penalty plugin="polarization" label="split" lambda="0">' out/matrix.xml
}

@test "units that a group lasso makes exactly zero are counted in results and in the report" {
    matrix '<penalty plugin="group-lasso" lambda="0"/><stages keep="all"/>
  <variant label="plain"/>
  <variant label="lasso"><penalty label="group-lasso" lambda="1"/></variant>' >m.xml
    run -0 prunebench run m.xml -o out -j 2
    grep -q '<cost stage="base".* zero-filters="0" zero-input-channels="0" zero-shapes="0"' out/cells/*.plain.*.xml
    grep -q '<cost stage="pruned".* zero-filters="0" ' out/cells/*.plain.*.xml
    # the stored network of the trained stage has as many filters of zeros
    python3 - out out/cells/*.lasso.*.xml <<'END'
import array, json, pathlib, re, struct, sys
text = open(sys.argv[2]).read()
counted = int(re.search(r'<cost stage="base" [^>]*zero-filters="(\d+)"', text)[1])
zeros = []
for path in pathlib.Path(sys.argv[1]).glob('stages/*/network.safetensors'):
    raw = path.read_bytes()
    size, = struct.unpack('<Q', raw[:8])
    header, found = json.loads(raw[8:8 + size]), 0
    for name, tensor in header.items():
        if name.endswith('.weight') and len(tensor.get('shape', ())) == 4 and not name.startswith('velocity'):
            begin, end = (8 + size + offset for offset in tensor['data_offsets'])
            values, filters = array.array('f', raw[begin:end]), tensor['shape'][0]
            length = len(values) // filters
            found += sum(not any(values[k * length:(k + 1) * length]) for k in range(filters))
    zeros.append(found)
assert 0 < counted and counted in zeros, (counted, zeros)
END
    "$PRUNEBENCH_BUILD/prunebench" report out >/dev/null
    python3 - out/report/tables/*.costs.csv <<'END'
import csv, sys
rows = [row for path in sys.argv[1:] for row in csv.DictReader(open(path))]
assert all(float(row['zero_inputs']) >= 0 and float(row['zero_shapes']) >= 0 for row in rows), rows
assert {float(row['zero_filters']) > 0 for row in rows} == {False, True}, rows
END
    grep -q 'whose weights are all exactly zero' out/report/index.html
    # a matrix without penalties has none of it
    matrix '' >none.xml
    run -0 prunebench run none.xml -o none
    run ! grep -q 'zero-filters' none/cells/*.xml
}

@test "what a penalty does wrong ends its cell alone, by name" {
    variants=''
    for does in negative not-a-number behind write scales; do
        variants+="<variant label=\"$does\"><penalty label=\"p\"><option name=\"does\" value=\"$does\"/></penalty></variant>"
    done
    matrix "<penalty plugin=\"penalises\" label=\"p\" lambda=\"0.01\"/>$variants" >m.xml
    run -1 prunebench run m.xml -o out
    [[ $output == *"penalty 'p' gave layer 'bn1_1', unit 1, the coefficient -1"* ]]
    [[ $output == *"penalty 'p' gave layer 'bn1_1', unit 0, the coefficient nan"* ]]
    [[ $output == *"penalty 'p' wrote"*"'coefficients' of layer 'bn1_1' in coefficients"* ]]
    [[ $output == *"penalty 'p' wrote to 'values' of layer 'bn1_1' in coefficients"* ]]
    grep -q 'status="ok"' out/cells/*.scales.r30.s1.xml
    [ "$(grep -l 'status="ok"' out/cells/*.xml | wc -l)" -eq 1 ]
}

@test "a network without batch norm is refused by a penalty on its scales, by name" {
    matrix '<penalty plugin="polarization" lambda="0.1"/>' 'batch-norm="false"' | sed 's/bn-scale/filter-norm/' >m.xml
    run -1 prunebench run m.xml -o out
    [[ $output == *"penalty 'polarization' penalises the scales of batch norms, but the network has no batch norm"* ]]
}

@test "matrices that name penalties wrongly are refused at their lines" {
    refused() { # ELEMENTS MESSAGE
        matrix "$1" >m.xml
        run -2 prunebench check m.xml
        [[ $output == *"$2"* ]] || { echo "$output"; return 1; }
    }
    refused '<penalty plugin="group-lasso"/>' "m.xml:4: <penalty>: attribute 'lambda' is missing"
    refused '<penalty plugin="group-lasso" lambda="-1"/>' "m.xml:4: <penalty>: lambda='-1' is not a number from 0 up"
    refused '<penalty plugin="group-laso" lambda="1"/>' "unknown penalty 'group-laso'; did you mean 'group-lasso'?"
    refused '<penalty plugin="group-lasso" lambda="1"/><penalty plugin="group-lasso" lambda="2"/>' \
        "penalty 'group-lasso' is on line 4 already"
    refused '<variant label="a"><penalty label="x" lambda="1"/></variant>' "the matrix has no penalty of this label"
    refused '<variant label="a"><penalty lambda="1"/></variant>' "attribute 'label' is missing"
    refused '<penalty plugin="group-lasso" lambda="1"><option name="unit" value="shapes"/></penalty>' \
        "did you mean 'units'?"
}

@test "the penalties of the literature train whole cells, each to numbers of its own" {
    matrix '<penalty plugin="depgraph" lambda="0"/><penalty plugin="growing" lambda="0"/><penalty plugin="batch-confusion" lambda="0"/>
  <variant label="plain"/>
  <variant label="depgraph"><penalty label="depgraph" lambda="0.001"/></variant>
  <variant label="growing"><penalty label="growing" lambda="1"><option name="delta" value="0.1"/><option name="every" value="1"/></penalty></variant>
  <variant label="confusion"><penalty label="batch-confusion" lambda="1"/></variant>' >m.xml
    run -0 prunebench run m.xml -o out -j 2
    for which in plain depgraph growing confusion; do
        numbers out/cells/*."$which".*.xml >$which.txt
        [ "$(grep -c '<epoch ' $which.txt)" -eq 4 ]
    done
    for which in depgraph growing confusion; do run -1 diff -q plain.txt $which.txt; done
}
