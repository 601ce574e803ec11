#!/usr/bin/env bats
# prunebench audit: a small run keeps the rules, a planted violation is found, a team adds rules of its own.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

ID=drawn.vgg11-bcnn.bn-scale.one-shot.blis.r50.s

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    prunebench synth sets --sets birds --classes 3 --train 8 --test 4 --size 64 --quiet
    cat >m.xml <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.0625"/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <retraining epochs="1"/>
  <latency batch="1" runs="1"/>
  <dataset plugin="birds" label="drawn" root="$PWD/sets/CUB_200_2011"/>
  <criterion plugin="bn-scale"/>
  <criterion plugin="random"/>
  <schedule plugin="one-shot"/>
  <targets>0.5</targets>
  <seeds>1 2 3</seeds>
</matrix>
END
    prunebench run m.xml -o out --threads 1 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    cp -a "$BATS_FILE_TMPDIR/out" .
}

# A rule file; $1: the rule's elements but for message and reason.
rules() {
    cat <<END
<audit xmlns="urn:prunebench:audit:1" xmlns:r="urn:prunebench:result:1" xmlns:run="urn:prunebench:run:1">
  <rule id="ours" about="cell" severity="error">
    $1
    <message>not as &lt;we&gt; do it</message><reason>we say so</reason>
  </rule>
</audit>
END
}

@test "a real run keeps every rule, and each of them found something to look at" {
    run -0 prunebench audit out
    echo "$output"
    [[ ${lines[0]} == "Passed: of 19 rules, "*" 0 not applicable; 6 cells." ]]
    run -0 prunebench audit out --quiet
    [ -z "$output" ]
}

@test "a changed accuracy is found: exit code 1, rule and cell named; JSON names them, too" {
    # One right answer more than the record of right answers has, or none where all are right.
    python3 - "out/cells/${ID}2.xml" <<'END'
import re, sys
text = open(sys.argv[1]).read()
row = re.search(r'<accuracy [^>]*\bright="[^>]*', text)[0]
top1, images = (float(re.search(rf' {name}="([^"]*)"', row)[1]) for name in ("top1", "images"))
other = re.sub(r' top1="[^"]*"', f' top1="{(round(top1 * images) + 1) % (images + 1) / images}"', row)
open(sys.argv[1], "w").write(text.replace(row, other))
END
    run -1 prunebench audit out
    echo "$output"
    [[ ${lines[0]} == "Failed: of 19 rules, "* ]]
    [[ $output == *"right-answers-kept (error): "* && $output == *" images: ${ID}2"* ]]
    run -1 --separate-stderr prunebench audit out --json
    echo "$output" >found.json
    python3 - "${ID}2" <<'END'
import json, sys
found = json.load(open("found.json"))
failed = [rule for rule in found["rules"] if rule["verdict"] == "failed" and rule["severity"] == "error"]
assert [rule["id"] for rule in failed] == ["right-answers-kept"], failed
assert [row["cells"] for row in failed[0]["broken"]] == [[sys.argv[1]]], failed
assert found["exit_code"] == 1 and found["verdict"] == "failed" and failed[0]["line"] > 1
END
}

@test "a cell that was removed is missed" {
    rm "out/cells/${ID}3.xml"
    run -1 prunebench audit out
    [[ $output == *"cells-complete (error): "*$'\n'"  ${ID}3"* ]]
}

@test "a team's own rule is checked, too" {
    rules "<for>/r:cell</for><must>number(r:data/@test) &gt;= 1000</must><found>r:data/@test</found>" >ours.xml
    run -1 prunebench audit out --rules ours.xml
    echo "$output"
    [[ $output == *"ours (error): not as <we> do it. we say so"*$'\n'"  12: ${ID}1, "* ]]
    rules "<for>/r:cell</for><must>number(r:data/@test) = 12</must>" >ours.xml
    run -0 prunebench audit out --rules ours.xml
    [[ ${lines[0]} == "Passed: of 20 rules, "* ]]
}

@test "the rules of docs/audit.md work: other images of the same number break the one that names a fingerprint" {
    sed -n '/^```xml$/,/^```$/p' "$BATS_TEST_DIRNAME/../../docs/audit.md" | sed '/^```/d' >documented.xml
    sed -i "s/'birds'/'drawn'/; s/&gt;= 5/\&gt;= 3/" documented.xml # this run's data set and seeds
    fingerprint=$(sed -n 's/.* dataset-sha256="\([0-9a-f]*\)".*/\1/p' "out/cells/${ID}1.xml")
    sed -i -E "s/(dataset-sha256 = ')[0-9a-f]*/\1$fingerprint/" documented.xml
    run -0 prunebench audit out --rules documented.xml
    [[ ${lines[0]} == "Passed: of 21 rules, "* ]]
    prunebench synth other --sets birds --classes 3 --train 8 --test 4 --size 64 --seed 2 --quiet
    sed "s|root=\"[^\"]*\"|root=\"$PWD/other/CUB_200_2011\"|" "$BATS_FILE_TMPDIR/m.xml" >other.xml
    prunebench run other.xml -o elsewhere --threads 1 --quiet
    run -1 prunebench audit elsewhere --rules documented.xml
    echo "$output"
    [[ $output == *"our-birds (error): the images or labels are not those that we have checked."*": ${ID}1, "* ]]
    [[ $output != *"data-official (error)"* && $output != *"five-seeds (error)"* ]]
}

@test "the document that rules about the run look at is printed" {
    prunebench audit out --document >run.xml
    [ "$(xmllint --xpath 'count(//*[local-name()="row"]/*[local-name()="cell"])' run.xml)" -eq 6 ]
}

@test "wrong use, a damaged file of rules and a bad expression are named: exit code 2" {
    rules "<for>/r:cell</for><must>@id =</must>" >bad.xml
    run -2 prunebench audit out --rules bad.xml
    [[ $output == *"bad.xml:3: rule 'ours': <must> is not an XPath expression"* ]]
    rules "<for>/r:cell</for><must>1</must>" | head -c 250 >cut.xml
    run -2 prunebench audit out --rules cut.xml
    [[ $output == *"cut.xml:"*"not well-formed"* ]]
    rules "<must>1</must><for>/r:cell</for>" >turned.xml
    run -2 prunebench audit out --rules turned.xml
    [[ $output == *"turned.xml:3: "* ]]
    run -2 prunebench audit out --rules none.xml
    run -2 prunebench audit none
    run -2 prunebench audit
}
