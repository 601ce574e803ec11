#!/usr/bin/env bats
# Plugins that write where they must not, crash, exit, hang or fill the log: the cell fails and its document names plugin,
# hook, layer and array.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

is_sanitized() { grep -q __asan_init "$PRUNEBENCH_BUILD/prunebench"; }

# A matrix of small cells; $1: its choices.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency runs="0"/>
  <targets>0.3</targets>
  $1
</matrix>
END
}

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    export EVIL=$PRUNEBENCH_BUILD/tests/evil RUN=$BATS_FILE_TMPDIR
    "$PRUNEBENCH_BUILD/prunebench" synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    local criteria='' does
    for does in nothing write-weight write-name write-view write-options read-behind scores-near scores-far \
        scores-before alloc-behind alloc-before alloc-twice null-gamma exits aborts killed recurses loops logs prints; do
        criteria+="<criterion plugin=\"careless\" label=\"$does\"><option name=\"does\" value=\"$does\"/></criterion>"
    done
    for does in nothing write-gamma write-activation; do
        criteria+="<criterion plugin=\"prying\" label=\"prying-$does\"><option name=\"does\" value=\"$does\"/></criterion>"
    done
    matrix "<dataset plugin=\"birds\" root=\"sets/CUB_200_2011\"/>$criteria<schedule plugin=\"one-shot\"/>
            <override criterion=\"loops\"><limits time=\"4s\"/></override>" >m.xml
    "$PRUNEBENCH_BUILD/prunebench" run m.xml -o out -j 2 --plugin-dir "$EVIL" >run.log 2>&1 || true
}

setup() { cd "$RUN" || return 1; }

# The message of a cell of the shared run.
message() { # LABEL
    sed -n 's/.*<message>\(.*\)<\/message>.*/\1/p' "out/cells/birds.vgg11-bcnn.$1.one-shot.blis.r30.s1.xml" |
        sed 's/&gt;/>/g; s/&lt;/</g; s/&apos;/'\''/g'
}

status_of() { # LABEL
    sed -n 's/^<cell .* status="\([a-z-]*\)".*/\1/p' "out/cells/birds.vgg11-bcnn.$1.one-shot.blis.r30.s1.xml"
}

expect() { # LABEL STATUS MESSAGE
    echo "$1: $(status_of "$1"): $(message "$1")"
    [ "$(status_of "$1")" = "$2" ] || return 1
    [[ $(message "$1") == *"$3"* ]] || return 1
}

@test "a criterion that writes to what it is shown fails its cell by plugin, layer and array" {
    expect write-weight failed "criterion 'careless' wrote to 'weight' of layer 'conv2_1' in score; views are read-only"
    expect write-name failed "criterion 'careless' wrote to 'name' of layer 'conv2_1' in score; views are read-only"
    expect write-view failed "criterion 'careless' wrote to 'the view' of layer 'conv2_1' in score; views are read-only"
    expect write-options failed "criterion 'careless' wrote to 'options' of layer 'conv2_1' in score; views are read-only"
    expect prying-write-gamma failed "criterion 'prying' wrote to 'gamma' of layer 'conv2_1' in score; views are read-only"
    expect prying-write-activation failed \
        "criterion 'prying' wrote to 'activation' of layer 'conv2_1' in observe; views are read-only"
    # and one that does not is shown the same as before
    expect nothing ok ""
    expect prying-nothing ok ""
}

@test "what is read or written beside an array is found, near and far" {
    expect read-behind failed "criterion 'careless' read past the end of 'weight' of layer 'conv2_1' in score: at offset"
    expect scores-near failed \
        "criterion 'careless' wrote past the end of 'scores' of layer 'conv2_1' in score: at offset 128 of its 128 bytes"
    expect scores-far failed "criterion 'careless' wrote past the end of 'scores' of layer 'conv2_1' in score: at offset"
    expect scores-before failed "criterion 'careless' wrote before the beginning of 'scores' of layer 'conv2_1' in score"
    expect alloc-behind failed "criterion 'careless' wrote past the end of memory from host->alloc: at offset 100 of its 100 bytes, in score, layer 'conv2_1'"
    expect alloc-before failed "criterion 'careless' wrote before the beginning of memory from host->alloc (100 bytes), in score, layer 'conv2_1'"
    expect alloc-twice failed "criterion 'careless' gave host->free what is not from host->alloc, or gave it twice, in score, layer 'conv2_1'"
}

@test "a crash names plugin, hook and layer, and why a pointer was NULL" {
    if is_sanitized; then # which ends the process before the access
        expect null-gamma failed "its process was ended by exit(1) in criterion 'careless', hook score, layer 'conv2_1'"
    else
        expect null-gamma crashed "its process died of SIGSEGV in criterion 'careless', hook score, layer 'conv2_1': it read address 0x0; gamma, beta, running_mean, running_var are NULL because the criterion does not ask for batch norm (PB_DATA_NORM)"
    fi
    expect recurses crashed "its process died of SIGSEGV in criterion 'careless', hook score, layer 'conv2_1': its stack ran out"
    expect aborts crashed "its process died of SIGABRT in criterion 'careless', hook score, layer 'conv2_1': abort"
    expect killed crashed "its process died of SIGKILL"
    expect killed crashed "in criterion 'careless', hook score, layer 'conv2_1'"
    expect exits failed "its process was ended by exit(3) in criterion 'careless', hook score, layer 'conv2_1'"
}

@test "a time-out in a hook names it and does not just advise a higher limit" {
    expect loops timed-out "it ran longer than 4 s, and has not returned for "
    expect loops timed-out " seconds from criterion 'careless', hook score, layer 'conv2_1'; look there for a loop without an end"
    [[ $(message loops) != *"; raise <limits time>"* ]]
}

@test "a chatty plugin's cell is ok, its log stays small, and log and document say what is left out" {
    expect logs ok ""
    expect prints ok ""
    log=out/logs/birds.vgg11-bcnn.prints.one-shot.blis.r30.s1.log
    [ "$(stat -c %s $log)" -gt $((4 << 20)) ]
    [ "$(stat -c %s $log)" -lt $(((4 << 20) + 20000)) ]
    grep -q '^199999: the quick brown fox' $log # the last lines are the most telling
    tail -n 1 $log | grep -q 'warning: the output was longer than 4 MiB; [0-9]* more bytes were left out'
    grep -q ' log-left-out="[0-9]* bytes"' "out/cells/birds.vgg11-bcnn.prints.one-shot.blis.r30.s1.xml"
    log=out/logs/birds.vgg11-bcnn.logs.one-shot.blis.r30.s1.log
    [ "$(stat -c %s $log)" -lt $((1100 << 10)) ]
    tail -n 1 $log | grep -q "warning: criterion 'careless': [0-9]* more lines left out"
    grep -q ' log-left-out="[0-9]* lines of plugins"' "out/cells/birds.vgg11-bcnn.logs.one-shot.blis.r30.s1.xml"
    prunebench report out --quiet # documents with it are documents
}

@test "schedules, data sets and backends: what they are given is read-only, and their crashes are named" {
    local birds='<dataset plugin="birds" root="sets/CUB_200_2011"/>' does schedules=''
    for does in write-rounds write-task alloc-behind null-spec segfaults; do
        schedules+="<schedule plugin=\"careless\" label=\"$does\"><option name=\"does\" value=\"$does\"/></schedule>"
    done
    matrix "$birds<criterion plugin=\"bn-scale\"/>$schedules" >schedules.xml
    run prunebench check schedules.xml --plugin-dir "$EVIL" --threads 1
    echo "$output"
    [[ $output == *"schedule 'write-rounds' died of SIGSEGV while it was planned: schedule 'careless' wrote to 'rounds' in run; what a hook is given as const is read-only"* ]] || is_sanitized
    [[ $output == *": schedule 'careless', hook run: it wrote to address 0x48"* ]]
    run prunebench run schedules.xml -o out-schedules --plugin-dir "$EVIL"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"write-rounds.blis.r30.s1: failed, "*": schedule 'careless' wrote to 'rounds' in run; what a hook is given as const is read-only"* ]]
    [[ $output == *"write-task.blis.r30.s1: failed, "*": schedule 'careless' wrote to 'task' in run; "* ]]
    [[ $output == *"alloc-behind.blis.r30.s1: failed, "*": schedule 'careless' wrote past the end of memory from host->alloc: at offset 12 of its 10 bytes, in run"* ]]
    [[ $output == *"null-spec.blis.r30.s1: failed, "*": schedule 'careless': it called train with NULL for spec"* ]]
    [[ $output == *"segfaults.blis.r30.s1: crashed, "*": its process died of SIGSEGV in schedule 'careless', hook run: it wrote to address 0x48"* ]]
    matrix '<dataset plugin="careless" root="sets/CUB_200_2011"/><criterion plugin="bn-scale"/><schedule plugin="one-shot"/>' >data.xml
    run prunebench run data.xml -o out-data --plugin-dir "$EVIL"
    echo "$output"
    [[ $output == *"its process died of SIGSEGV in dataset 'careless', hook open: it wrote to address 0x50"* ]]
    matrix "$birds<criterion plugin=\"bn-scale\"/><schedule plugin=\"one-shot\"/><backend plugin=\"careless\"/>" >backend.xml
    run prunebench run backend.xml -o out-backend --plugin-dir "$EVIL"
    echo "$output"
    [[ $output == *"its process died of SIGSEGV in operator 'bilinear_forward' of backend 'careless', node '"* ]]
}

@test "a command that runs plugins itself says where it crashed" {
    run prunebench bench --backend careless --model vgg11-bcnn --classes 3 --image-size 32 --width-multiplier 0.125 --batch 2 --threads 1 --plugin-dir "$EVIL"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"prunebench: SIGSEGV in operator 'bilinear_forward' of backend 'careless', node '"* ]]
}

@test "a quiet run prints nothing; one that fails prints that alone" {
    matrix '<dataset plugin="birds" root="sets/CUB_200_2011"/><criterion plugin="bn-scale"/><schedule plugin="one-shot"/>' >quiet.xml
    run prunebench run quiet.xml -o out-quiet --quiet
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    sed -i 's/<criterion plugin="bn-scale"\/>/<criterion plugin="not-a-number"\/>/' quiet.xml
    run prunebench run quiet.xml -o out-quiet --quiet --plugin-dir "$EVIL"
    echo "$output"
    [ "$status" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == "prunebench: 1 cells failed or are blocked: see out-quiet/logs; "* ]]
}

@test "a criterion that selects channels: wrong indices fail that cell by name, and the host decides how many go" {
    cd "$BATS_TEST_TMPDIR"
    local criteria='' does
    for does in last twice outside nothing behind; do
        criteria+="<criterion plugin=\"selects\" label=\"$does\"><option name=\"does\" value=\"$does\"/></criterion>"
    done
    matrix "<dataset plugin=\"birds\" root=\"$RUN/sets/CUB_200_2011\"/>$criteria<schedule plugin=\"one-shot\"/>" >m.xml
    run -1 prunebench run m.xml -o out -j 2 --plugin-dir "$EVIL"
    expect twice failed "criterion 'selects' selected channel 7 of group 'conv1_1' twice"
    expect outside failed "criterion 'selects' selected channel 8 of group 'conv1_1', which has 8 channels"
    expect nothing failed "criterion 'selects' selected channel 4294967295 of group 'conv1_1', which has 8 channels"
    expect behind failed "criterion 'selects' wrote beside 'removed' of group 'conv1_1', which has room for 2 indices"
    expect last ok ""
    grep -q '<cost stage="pruned".* widths="6 11 22 22 45 45 45 45".* requested="0.3"' out/cells/*.last.*.xml
    matrix "<dataset plugin=\"birds\" root=\"$RUN/sets/CUB_200_2011\"/><criterion plugin=\"selects\" scope=\"global\"/><schedule plugin=\"one-shot\"/>" >g.xml
    run -2 prunebench check g.xml --plugin-dir "$EVIL"
    [[ $output == *"criterion 'selects' chooses channels within each layer and gives no scores to compare layers by; leave out scope=\"global\", or set scope=\"layer\" on it"* ]]
}

@test "a criterion with an objective and a direction of its own: what is not finite, zero or beside fails that cell by name" {
    cd "$BATS_TEST_TMPDIR"
    local criteria='' does
    for does in well nan-objective behind-objective nan-direction zero-direction behind-direction write-rows; do
        criteria+="<criterion plugin=\"derives\" label=\"$does\"><option name=\"does\" value=\"$does\"/></criterion>"
    done
    matrix "<dataset plugin=\"birds\" root=\"$RUN/sets/CUB_200_2011\"/>$criteria<schedule plugin=\"one-shot\"/>" >m.xml
    run -1 prunebench run m.xml -o out -j 2 --plugin-dir "$EVIL"
    expect nan-objective failed "criterion 'derives' gave the objective of batch 0, example 0, a derivative of"
    expect behind-objective failed "criterion 'derives' wrote beside 'derivative' of a batch in objective_grad"
    expect nan-direction failed "gave direction 0 a gamma of"
    expect nan-direction failed "in layer 'conv2_1'; directions must be finite"
    expect zero-direction failed "criterion 'derives': direction 0 has a length of 0"
    expect behind-direction failed "criterion 'derives' wrote past the end of 'gamma' of layer 'conv2_1' in direction"
    expect write-rows failed "criterion 'derives' wrote to 'input_rows' of layer 'conv1_1' in observe; views are read-only"
    expect well ok ""
    # and the same numbers when it runs again
    run -0 prunebench run m.xml -o again --only '*.well.*' --plugin-dir "$EVIL"
    [ "$(grep -o 'widths="[0-9 ]*"' out/cells/*.well.*.xml)" = "$(grep -o 'widths="[0-9 ]*"' again/cells/*.well.*.xml)" ]
}
