#!/usr/bin/env bats
# The penalty on γ: none unless the document asks for one, and refused at its line where there is no batch norm.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# A matrix of one cell. $1: attributes of the model; $2: what to add.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125" $1/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  $2
  <latency runs="0"/>
  <dataset plugin="birds" root="$SETS/CUB_200_2011"/>
  <criterion plugin="filter-norm" label="l1-norm"/>
  <schedule plugin="one-shot"/>
  <targets>0.3</targets>
</matrix>
END
}

@test "a matrix that says nothing of sparsity trains without a penalty, with batch norm and without" {
    for model in '' 'batch-norm="false"'; do
        matrix "$model" '' >m.xml
        prunebench check m.xml
        prunebench run m.xml -o "out$model"
        grep -q '<option name="training.lambda" value="0"/>' "out$model"/cells/*.xml
        grep -q '<option name="training.lambda-last" value="0"/>' "out$model"/cells/*.xml
        grep -q 'status="ok"' "out$model"/cells/*.xml
    done
}

@test "a penalty that the document states is refused at its line where the model has no batch norm" {
    matrix 'batch-norm="false"' '<sparsity lambda="1e-4"/>' >m.xml
    for command in check 'run -o out'; do
        run -2 prunebench $command m.xml
        [[ $output == *"m.xml:4: <sparsity> lambda='1e-4' penalises the γ of batch norms, and model 'vgg11-bcnn' has none (batch-norm='false'); add <override model=\"vgg11-bcnn\"><sparsity lambda=\"0\"/></override>"* ]]
    done
    matrix 'batch-norm="false"' '<sparsity lambda-last="1e-3"/>' >m.xml
    run -2 prunebench check m.xml
    [[ $output == *"m.xml:4: <sparsity> lambda-last='1e-3' penalises"* ]]
}
