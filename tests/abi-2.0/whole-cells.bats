#!/usr/bin/env bats
# Plugins of every kind that were built against the headers of ABI 2.0 run whole cells, also where the host's structs are larger.

bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@" --plugin-dir "$PRUNEBENCH_BUILD/tests/abi-2.0"; }

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
        schedule/odd schedule/odd-adaptive schedule/soft; do
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

@test "soft pruning with group lasso and polarization on the host's own backend" {
    matrix '<criterion plugin="taylor-gate"/><schedule plugin="soft"/>
    <penalty plugin="group-lasso" lambda="0.001"/><penalty plugin="polarization" lambda="0.001"/>' |
        sed '/old-backend/d; s|<latency|<backend plugin="reference"/><latency|' >m.xml
    if [ ! -e "$PRUNEBENCH_BUILD/plugins/backend-reference.so" ]; then
        sed -i 's|<backend plugin="reference"/>|<backend plugin="old-backend"/>|; /group-lasso/d' m.xml
    fi
    run -0 prunebench run m.xml -o out
    all_ok 1
}

@test "scores of single weights, and trainings that are cut into pieces" {
    matrix "<criterion plugin=\"weight-scores\"><option name=\"does\" value=\"places\"/></criterion>$(schedules odd ticket gradual step-ticket)" 0.5 ' measure="weights"' >m.xml
    run -0 prunebench run m.xml -o out
    all_ok 3
}
