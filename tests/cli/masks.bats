#!/usr/bin/env bats
# Masks on single weights, from the matrix to the report: run, killed and resumed, refused.
bats_require_minimum_version 1.5.0
load ../support/killed

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/evil"; }

setup_file() {
    export SETS=$BATS_FILE_TMPDIR/sets
    "$PRUNEBENCH_BUILD/prunebench" synth "$SETS" --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

matrix() { # CRITERIA SCHEDULES TARGETS
    echo '<matrix xmlns="urn:prunebench:matrix:1" name="masks">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.05"/>
  <training epochs="2" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/><stages keep="all"/>
  <dataset plugin="birds" root="'"$SETS"'/CUB_200_2011"/>'
    echo "$1$2$3</matrix>"
}
odd() { echo "<schedule plugin=\"odd\" label=\"$1\"><option name=\"does\" value=\"$1\"/></schedule>"; }
MAGNITUDE='<criterion plugin="magnitude"/>'
WEIGHTS='<targets measure="weights">0.5 0.8</targets>'

# A result without what differs from run to run.
content() { grep -vE '<provenance|<memory|started=|seconds=|^ +[a-z-]+="[^"]*"(/>)?$' "$1" | sed -E 's/ (seconds|peak-rss-growth)="[^"]*"//g'; }

# Every mask of every stored network: as many bits as its weights that are 0, and more weights beside it.
check_masks() { # FOLDER
    python3 - "$1" <<'END'
import array, json, pathlib, struct, sys
masked = 0
for path in sorted(pathlib.Path(sys.argv[1]).glob('stages/*/*.safetensors')):
    raw = path.read_bytes()
    size, = struct.unpack('<Q', raw[:8])
    header = json.loads(raw[8:8 + size])
    data = lambda name: raw[8 + size + header[name]['data_offsets'][0]:8 + size + header[name]['data_offsets'][1]]
    for name in header:
        if not name.startswith('mask.'):
            continue
        bits = sum(bin(byte).count('1') for byte in data(name))
        values = array.array('f', data(name[5:]))
        assert bits == sum(value == 0 for value in values) and bits < len(values), (path, name, bits)
        velocity = 'velocity.' + name[5:]
        if velocity in header:
            mask = data(name)
            momentum = array.array('f', data(velocity))
            assert not any(momentum[i] for i in range(len(momentum)) if mask[i // 8] >> i % 8 & 1), (path, name)
        masked += bits
print(masked)
assert masked > 0
END
}

@test "targets that count weights are masked, stay masked in retraining, and are counted beside the whole network" {
    matrix "$MAGNITUDE"'<criterion plugin="random"/>' '<schedule plugin="one-shot"/><schedule plugin="iterative"/>' \
        "$WEIGHTS" >m.xml
    run -0 prunebench run m.xml -o out
    [[ $output == *"Non-zero params"*"Non-zero MACs"* ]]
    [[ $output == *"share of single weights masked"* ]]
    check_masks out
    file=out/cells/birds.vgg11-bcnn.magnitude.iterative.blis.w80.s1.xml
    # 25,788 weights of convolutions and the classifier: 20,630 of them are masked, whatever the kernels
    grep -q '<masking stage="mask-50" from="base" requested="0.5" .*weights="25788" masked="12894"' "$file"
    grep -q '<masking stage="mask-80" from="retrain-50" requested="0.8" .*weights="25788" masked="20630"' "$file"
    grep -q '<cost stage="pruned" params="26208" .*macs="466108" .*nonzero-params="5578" nonzero-macs="' "$file"
    run ! grep '<cost stage="base".*nonzero' "$file"
    run ! grep '<pruning ' "$file"
    grep -q 'stage="retrain-80"' "$file"
    xmllint --noout --nonet --schema "$BATS_TEST_DIRNAME/../../harness/schema/result-1.xsd" "$file"
    "$PRUNEBENCH_BUILD/prunebench" report out >/dev/null
    for table in costs iterative.results; do
        python3 - out/report/tables/birds.$table.csv <<'END'
import csv, sys
rows = [row for row in csv.DictReader(open(sys.argv[1])) if row['criterion'] == 'magnitude' and row['schedule'] == 'iterative']
dense = [(row['params'], row['macs']) for row in rows]
assert dense == 2 * [('26208', '466108')], dense
assert [row['nonzero_params'] for row in rows] == ['13314', '5578'], rows
assert 0 < int(rows[1]['nonzero_macs']) < int(rows[0]['nonzero_macs']) < 466108, rows
END
    done
    grep -q 'masked weights are stored and multiplied as zeros' out/report/index.html
}

@test "a scope of layers masks the same share of each, and a permuted control as many of each layer" {
    matrix '<criterion plugin="magnitude" label="plain" scope="layer"/>
            <criterion plugin="magnitude" label="permuted" scope="layer" permute="true"/>' \
        '<schedule plugin="one-shot"/>' '<targets measure="weights">0.5</targets>' >m.xml
    run -0 prunebench run m.xml -o out
    for label in plain permuted; do
        file=out/cells/birds.vgg11-bcnn.$label.one-shot.blis.w50.s1.xml
        grep -q '<layer name="conv1_1" weights="81" masked="41"/>' "$file"
        grep -q '<layer name="fc" weights="2028" masked="1014"/>' "$file"
    done
    check_masks out
}

@test "a mask stays through rewinding, fresh values and further masking, and through the removal of channels" {
    matrix '<criterion plugin="random"/>' "$(odd ticket)$(odd both)" '<targets measure="weights">0.8</targets>' >m.xml
    run -0 prunebench run m.xml -o out
    check_masks out
    file=out/cells/birds.vgg11-bcnn.random.both.blis.w80.s1.xml
    # removed last: the record's share is that of the channels, and its network has masks
    grep -q '<pruning stage="prune-80" from="mask-80"' "$file"
    grep -q '<cost stage="pruned".*nonzero-params=' "$file"
}

@test "killed when any number of its stages is stored, a cell with masks ends as an undisturbed one" {
    matrix "$MAGNITUDE" "$(odd ticket)" '<targets measure="weights">0.8</targets>' >m.xml
    prunebench run m.xml -o whole --quiet
    cell=birds.vgg11-bcnn.magnitude.ticket.blis.w80.s1.xml hits=0
    for stored in 1 2 3 4 5 6; do
        kill_run "$stored" "$cell" m.xml
        run -0 prunebench run m.xml -o out --quiet
        diff <(content "whole/cells/$cell") <(content "out/cells/$cell")
    done
    [ "$hits" -gt 0 ]
}

@test "scores and repairs of weights that are no numbers, are missing or too many fail that cell alone, by name" {
    criteria=''
    for does in nan nothing behind fails snip halves nan-weight writes-behind; do
        criteria+="<criterion plugin=\"weight-scores\" label=\"$does\"><option name=\"does\" value=\"$does\"/></criterion>"
    done
    matrix "$criteria" '<schedule plugin="one-shot"/>' '<targets measure="weights">0.8</targets>' >m.xml
    run -1 prunebench run m.xml -o out -j 2
    echo "$output"
    grep -q "mask-80: criterion 'weight-scores' gave layer 'fc', weight 1014, the score -\?nan; scores must be finite" out/cells/*.nan.*.xml
    grep -q "gave layer 'conv1_1', weight 0, the score -\?nan" out/cells/*.nothing.*.xml
    grep -q "a layer has as many scores as weights\|'scores' of 81" out/cells/*.behind.*.xml
    grep -q "it cannot score 'conv1_1'" out/cells/*.fails.*.xml
    grep -q 'status="ok"' out/cells/*.snip.*.xml
    grep -q "mask-80: criterion 'weight-scores' repaired layer 'fc', weight 2027, with the value -\?nan; values must be finite" out/cells/*.nan-weight.*.xml
    grep -q "wrote beside 'weight' of layer 'conv1_1' in repair_weights\|'weight' of 81" out/cells/*.writes-behind.*.xml
    # what a repair changed is recorded layer by layer; what it writes into masked places is not kept
    grep -q 'status="ok"' out/cells/*.halves.*.xml
    grep -q '<layer name="fc" weights="2028" masked="[0-9]*" change="0.5"/>' out/cells/*.halves.*.xml
    grep -q '<layer name="fc" weights="2028" masked="[0-9]*" change="0"/>' out/cells/*.snip.*.xml
    check_masks out
}

@test "criteria, schedules and rankings that mask nothing are refused before anything runs" {
    matrix '<criterion plugin="bn-scale"/>' '<schedule plugin="one-shot"/>' "$WEIGHTS" >m.xml
    run -2 prunebench check m.xml
    [[ $output == *"criterion 'bn-scale' scores no single weights (it has no score_weights)"* ]]
    matrix "$MAGNITUDE" '<schedule plugin="one-shot"/>' '<targets>0.4</targets>' >m.xml
    run -2 prunebench check m.xml
    [[ $output == *"criterion 'magnitude' scores single weights, not channels; set measure=\"weights\" on <targets>"* ]]
    matrix '<criterion plugin="random"/>' '<schedule plugin="soft"/>' "$WEIGHTS" >m.xml
    run -2 prunebench check m.xml
    [[ $output == *"this schedule removes channels, but the target counts single weights"* ]]
    matrix '<ranking round-to="8"/>'"$MAGNITUDE" '<schedule plugin="one-shot"/>' "$WEIGHTS" >m.xml
    run -2 prunebench check m.xml
    [[ $output == *"single weights are counted exactly and one by one"* ]]
}
