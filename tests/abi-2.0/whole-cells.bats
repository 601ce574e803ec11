#!/usr/bin/env bats
# Plugins of every kind that were built against the headers of ABI 2.0 run whole cells, also where the host's structs are larger.

bats_require_minimum_version 1.5.0

prunebench() {
    "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/abi-2.0/plugins" \
        --plugin-dir "$PRUNEBENCH_BUILD/tests/abi-2.0/strict"
}

setup_file() {
    export DATA=$BATS_FILE_TMPDIR/data
    "$PRUNEBENCH_BUILD/prunebench" synth "$BATS_FILE_TMPDIR/sets" --sets birds --classes 2 --train 6 --test 3 --size 48 --quiet
    mkdir "$DATA"
    # the old data set plugin's own list over the same images
    (cd "$BATS_FILE_TMPDIR/sets/CUB_200_2011" && while read -r id path && read -r _ train <&3; do
        if [ "$train" = 1 ]; then split=train; else split=test; fi
        mkdir -p "$DATA/$(dirname "$path")"
        cp "images/$path" "$DATA/$path"
        echo "$split ${path%%/*} $path"
    done <images.txt 3<train_test_split.txt >"$DATA/images.txt")
    [ "$(grep -c '^train ' "$DATA/images.txt")" -eq 12 ]
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# A matrix of old plugins; $1: criterion, schedule and what else; $2: targets.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="old">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.03"/>
  <training epochs="2" batch="4" lr="0.05" validation="0.3"/>
  <retraining epochs="1"/>
  <calibration batches="1"/>
  <penalty plugin="penalises" lambda="0.001"/>
  <latency runs="0"/>
  <dataset plugin="old-dataset" root="$DATA"/>
  <backend plugin="old-backend"/>
  $1
  <targets${3:-}>${2:-0.4}</targets>
</matrix>
END
}

# Schedules of the plugin $1: $2…: what each does.
schedules() {
    local plugin=$1 does
    shift
    for does; do echo "<schedule plugin=\"$plugin\" label=\"$does\"><option name=\"does\" value=\"$does\"/></schedule>"; done
}

all_ok() { # COUNT
    [ "$(grep -l 'status="ok"' out/cells/*.xml | wc -l)" -eq "$1" ] || { cat out/logs/*.log; return 1; }
    run -1 grep -l 'AddressSanitizer\|runtime error' out/logs/*.log
}

@test "headers and plugins are those that were published, comments aside" {
    published=${BATS_TEST_FILENAME%/*}
    run -0 bash -c "cd '$published' && for source in prunebench/*.h plugins/*.c; do echo \$source; cc -w -fpreprocessed -dD -E -P \$source; done | sha256sum"
    [ "${output%% *}" = ee4975d6c805a8088dba98396ccc3cf061a8382c6453f704b1c655df028d565d ]
}

@test "every old plugin loads and describes itself" {
    for name in backend/old-backend dataset/old-dataset penalty/penalises penalty/group-lasso penalty/polarization \
        criterion/derives criterion/repairs criterion/selects criterion/weight-scores criterion/taylor-gate \
        schedule/odd schedule/odd-adaptive schedule/soft backend/strict-backend dataset/strict-dataset \
        penalty/strict-penalty criterion/strict-loss criterion/strict-logit criterion/strict-given criterion/strict-selects \
        criterion/strict-masks criterion/strict-descends schedule/strict-fixed schedule/strict-adaptive \
        schedule/strict-masking schedule/strict-training schedule/strict-taught; do
        run -0 prunebench plugins describe "$name"
        [[ $output == *"$PRUNEBENCH_BUILD/tests/abi-2.0/"* || $output == *"/abi-2.0/"* ]]
    done
}

@test "criteria that observe, give objectives and directions, and select; a straight schedule; a penalty; an old backend" {
    matrix "<criterion plugin=\"derives\"/><criterion plugin=\"taylor-gate\"/><criterion plugin=\"selects\"><option name=\"does\" value=\"last\"/></criterion>$(schedules odd early)" >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 3
}

@test "verbs that branch, measure, and repair" {
    matrix "<criterion plugin=\"repairs\"><option name=\"does\" value=\"bias\"/></criterion>$(schedules odd-adaptive branch faster)$(schedules odd repair)" >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 3
}

@test "soft pruning with group lasso and polarization on the host's own backend, or on one that computes every penalty" {
    matrix '<criterion plugin="taylor-gate"/><schedule plugin="soft"/>
    <penalty plugin="group-lasso" lambda="0.001"/><penalty plugin="polarization" lambda="0.001"/>' |
        sed 's|old-backend|reference|' >m.xml
    if [ ! -e "$PRUNEBENCH_BUILD/plugins/backend-reference.so" ]; then
        sed -i 's|"reference"|"strict-backend"|' m.xml
    fi
    run -0 prunebench run m.xml -o out
    all_ok 1
}

@test "scores of single weights, and trainings that are cut into pieces" {
    matrix "<criterion plugin=\"weight-scores\"><option name=\"does\" value=\"places\"/></criterion>$(schedules odd ticket gradual step-ticket)" 0.5 ' measure="weights"' >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 3
}

# A matrix whose every setting the strict plugins expect; $1: criteria and schedules; $2: what targets measure.
strict_matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="strict">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.03"/>
  <training epochs="3" batch="4" lr="0.05" lr-policy="step" lr-factor="0.5" lr-patience="2" lr-threshold="0.01" lr-min="0.001"
      warmup="1" early-stop="7" momentum="0.8" nesterov="false" weight-decay="0.0002" head-epochs="1" head-lr="0.03"
      validation="0.3"/>
  <retraining epochs="2" lr="0.02" distillation="soft-targets" teacher-temperature="3" teacher-weight="0.25"/>
  <sparsity lambda="0.0001" lambda-last="0.0002"/>
  <preprocess crop-box="true"/>
  <calibration batches="2"/>
  <penalty plugin="strict-penalty" lambda="0.001"/>
  <latency runs="0"/>
  <dataset plugin="strict-dataset" root="$DATA">
    <option name="whole" value="-3"/><option name="real" value="0.25"/><option name="flag" value="yes"/>
    <option name="kind" value="second"/><option name="text" value="two words"/><option name="list" value="1.5 -2"/>
  </dataset>
  <backend plugin="strict-backend"/>
  <seeds>7</seeds>
  $1
  <targets measure="$2">0.2 0.4</targets>
  <exclude target="0.2"/>
</matrix>
END
}

@test "every operator of an old backend on buffers of its own is what its definition says" {
    run -0 prunebench verify --backend strict-backend --operators
}

@test "what old criteria are shown of batches and layers is what they compute themselves, for each objective" {
    strict_matrix '<criterion plugin="strict-loss"/><criterion plugin="strict-logit"/><criterion plugin="strict-given"/>
    <criterion plugin="strict-descends"/><schedule plugin="strict-fixed"/>' channels >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 4
}

@test "what old schedules measure agrees among itself, and nothing is written behind their structs" {
    strict_matrix '<criterion plugin="strict-selects"/><criterion plugin="repairs"/>
    <schedule plugin="strict-adaptive"/>' channels >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 2
}

@test "single weights that an old criterion repaired are those that it is shown next" {
    strict_matrix '<criterion plugin="strict-masks"/><schedule plugin="strict-masking"/>' weights >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 1
    # the repair doubled every weight that is left
    grep -q '<layer name="[a-z0-9_]*" weights="[0-9]*" masked="[0-9]*" change="1"' out/cells/*.xml
}

@test "a schedule that only trains makes the teacher of one that learns from a file" {
    strict_matrix '<criterion plugin="strict-descends"/><schedule plugin="strict-training"/><stages keep="all"/>' macs >base.xml
    run -0 prunebench run base.xml -o base
    networks=(base/stages/*/network.safetensors)
    [ ${#networks[@]} -eq 1 ]
    cp "${networks[0]}" teacher.safetensors
    strict_matrix '<criterion plugin="strict-descends"/><schedule plugin="strict-taught"/>' macs |
        sed 's|<retraining |&teacher="teacher.safetensors" |' >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 1
    grep -q '<epoch stage="retrain-40".* teacher="checkpoint ' out/cells/*.xml
}
