#!/usr/bin/env bats
# The README's picture and figures: those of one run, and of this version's matrices.
bats_require_minimum_version 1.5.0

sources=$BATS_TEST_DIRNAME/../..

figures() { "$sources/scripts/readme-figures" "$@"; }

# A copy of what the figures are made from and written to, to spoil; and two finished runs, made up.
setup() {
    export PRUNEBENCH_ROOT=$BATS_TEST_TMPDIR/copy
    mkdir -p "$PRUNEBENCH_ROOT/datasets" "$PRUNEBENCH_ROOT/reports"
    cp "$sources/README.md" "$sources/VERSION" "$PRUNEBENCH_ROOT"
    cp -r "$sources/datasets/matrices" "$PRUNEBENCH_ROOT/datasets"
    cp -r "$sources/reports/figures" "$sources"/reports/*.gp "$PRUNEBENCH_ROOT/reports"
    cd "$PRUNEBENCH_ROOT" || return 1
    mkdir -p demo/cells demo/report/tables demo/report/figures fashion/cells fashion/report/tables
    echo '<svg xmlns="http://www.w3.org/2000/svg"/>' >demo/report/figures/cars.one-shot.accuracy-rate.svg
    cell demo ok
    cell fashion ok
    {
        echo dataset,schedule,criterion,target,name,stage,mean
        for set in aircraft birds cars; do echo "$set,one-shot,,,top1,base,0.7${#set}12"; done
        echo cars,one-shot,bn-scale,r60,top1,final,0.654
        echo cars,one-shot,random,r60,top1,final,0.6
    } >demo/report/tables/values.csv
    {
        echo dataset,schedule,criterion,target,name,stage,mean
        echo fashion-mnist,one-shot,,,top1,base,0.9
        echo fashion-mnist,one-shot,bn-scale,r50,top1,final,0.85
        echo fashion-mnist,one-shot,bn-scale,r50,params-reduction,pruned,0.7612
    } >fashion/report/tables/values.csv
}

cell() { # run, status
    echo "<cell xmlns=\"urn:prunebench:result:1\" id=\"x\" status=\"$2\"><provenance git=\"abc\" numerics=\"n\" backend-detail=\"blis\"/></cell>" >"$1/cells/x.xml"
}

stale() { # part of the message
    run figures --check
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"$1"* ]]
}

@test "the README's picture and figures are of this version's matrices and of one list" {
    PRUNEBENCH_ROOT=$(realpath "$sources") figures --check
}

@test "figures are taken from runs that are whole, and written where the README shows them" {
    cell demo failed
    run figures --demo demo
    [ "$status" -eq 1 ]
    [[ $output == *"x.xml is not ok"* ]]
    cell demo ok
    figures --demo demo --fashion fashion
    grep -q '^Top-1 on the default images, one seed: unpruned 78.1 % (aircraft), 75.1 % (birds) and 74.1 % (cars, drawn$' README.md
    grep -q '60 % of the channels removed in one shot, cars have 65.4 % by `bn-scale` and 60.0 % by the$' README.md
    grep -q 'Measured at commit abc on blis.$' README.md
    grep -q '^and 85.0 % with 24 % of the parameters<!--/fashion-->.$' README.md
    cmp reports/figures/readme.svg demo/report/figures/cars.one-shot.accuracy-rate.svg
    figures --check
}

@test "a figure, a picture or a matrix that was changed by hand is noticed" {
    figures --demo demo --fashion fashion
    cp README.md before
    sed -i 's/74\.1 % (cars/99.9 % (cars/' README.md
    stale "README.md: the text between <!--demo--> and <!--/demo--> is not that of reports/figures/readme.tsv"
    cp before README.md
    echo '<!-- -->' >>reports/figures/readme.svg
    stale "readme.svg is not the picture that was made with the figures"
    figures --demo demo
    figures --check
    sed -i 's/<training epochs="[0-9]*"/<training epochs="99"/' datasets/matrices/default.xml
    stale "one has changed since the figures 'demo' were made"
}

@test "figures of other code, or of a commit that is not in the history, are noticed" {
    figures --demo demo --fashion fashion
    mkdir build
    echo n >build/numerics.sha256
    figures --check
    echo m >build/numerics.sha256
    stale "has changed since the figures 'fashion' were made, at commit abc"
    sed -i 's/^\(.*\.compiler\)\t.*/\1\tanother 1.0/' reports/figures/readme.tsv
    run -0 figures --check
    [[ $output == *"note: the README's figures 'demo' were made with another compiler, another 1.0"* ]]
    git init -q
    git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first
    stale "commit abc, of which the figures 'demo' are, is not in this clone's history"
}
