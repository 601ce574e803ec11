#!/usr/bin/env bats
# The manual and the README's tables are what the program says of itself, and the manual names all that the schema has.
bats_require_minimum_version 1.5.0

prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup() {
    sources=$(realpath "$BATS_TEST_DIRNAME/../..")
    cd "$BATS_TEST_TMPDIR" || return
}

@test "docs/matrix.md, docs/methods.md and the README's tables are current" {
    "$sources/scripts/generated-docs" --check "$PRUNEBENCH_BUILD"
}

@test "a change by hand of what the program writes is noticed, and undone" {
    mkdir -p copy/docs
    cp "$sources/README.md" copy
    cp "$sources"/docs/{matrix,methods}.md copy/docs
    export PRUNEBENCH_ROOT=$PWD/copy
    "$sources/scripts/generated-docs" --check "$PRUNEBENCH_BUILD"
    for file in README.md docs/matrix.md docs/methods.md; do
        cp "copy/$file" before
        case $file in
        README.md) sed -i 's/^| `bn-scale` | /&really /' copy/$file ;;
        docs/methods.md) sed -i 's/^### `bn-scale`$/&, really/' copy/$file ;;
        docs/matrix.md) sed -i 's/^| `lr` | /&really /' copy/$file ;;
        esac
        run -1 cmp -s before "copy/$file"
        run -1 "$sources/scripts/generated-docs" --check "$PRUNEBENCH_BUILD"
        [[ $output == *"not current: $file;"* ]]
        "$sources/scripts/generated-docs" "$PRUNEBENCH_BUILD"
        cmp before "copy/$file"
    done
}

@test "the catalogue has every plugin of every kind, and every model, and the README every model and study" {
    prunebench help catalogue >plain
    prunebench help catalogue --markdown >markdown
    for name in $(prunebench plugins | awk '{ print $2 }'); do
        grep -qE "^  $name " plain
        grep -qF "| \`$name\` |" markdown
    done
    prunebench --complete models >models
    grep -qx alexnet models
    while read -r name; do
        grep -qE "^  $name " plain
        grep -qE "^\| \`$name\` \| [^|]+ \| [0-9.]+ \| [0-9.]+ \|$" markdown
        grep -qF "| \`$name\` |" "$sources/README.md"
    done <models
    for study in "$sources"/studies/*/; do
        grep -qF "\`$(basename "$study")\`" "$sources/README.md"
        grep -qF -- "- \`$(basename "$study")\`:" "$sources/studies/README.md"
    done
    grep -qE '^\| `vgg16` \| .* \| 138.4 \| 15.47 \|$' markdown # torchvision's own number of parameters
}

@test "the matrices of the catalogue can be planned, and have every criterion, schedule and penalty" {
    for matrix in catalogue catalogue-weights; do
        prunebench check --no-speed --json "$sources/datasets/matrices/$matrix.xml" >$matrix.json
    done
    prunebench plugins list --json >plugins.json
    python3 - "$sources/datasets/matrices" <<'END'
import json, sys
import xml.etree.ElementTree as ET
named = {matrix: {(e.tag.split("}")[1], e.get("plugin")) for e in ET.parse(f"{sys.argv[1]}/{matrix}.xml").iter() if e.get("plugin")}
         for matrix in ("catalogue", "catalogue-weights")}
plugins = json.load(open("plugins.json"))["plugins"]
assert len(plugins) > 30
for plugin in plugins:
    entry = plugin["kind"], plugin["name"]
    if plugin["kind"] == "criterion":
        if plugin["scores_channels"] or plugin["selects"]:
            assert entry in named["catalogue"], f"add {entry} to datasets/matrices/catalogue.xml"
        if plugin["scores_weights"]:
            assert entry in named["catalogue-weights"], f"add {entry} to datasets/matrices/catalogue-weights.xml"
    elif plugin["kind"] == "penalty" or (plugin["kind"] == "schedule" and plugin["name"] != "train"):  # it prunes nothing
        assert entry in named["catalogue"], f"add {entry} to datasets/matrices/catalogue.xml"
for matrix in named:
    assert len(json.load(open(f"{matrix}.json"))["cells"]) > 100, matrix
END
}

@test "the matrices of the catalogue have every choice of a criterion's options, every repair, teacher, allocation and measure" {
    prunebench plugins list --json >plugins.json
    python3 - "$sources/datasets/matrices" <<'END'
import json, sys
import xml.etree.ElementTree as ET
NAMESPACE = "{urn:prunebench:matrix:1}"
choices, settings = set(), set()
for matrix in ("catalogue", "catalogue-weights"):
    for element in ET.parse(f"{sys.argv[1]}/{matrix}.xml").iter():
        settings.update(element.items())
        if element.tag == NAMESPACE + "criterion":
            choices.update((element.get("plugin"), o.get("name"), o.get("value")) for o in element.iter(NAMESPACE + "option"))
left_out = {("obd", "estimator", "exact"), ("obs", "estimator", "exact"),  # a Hessian product for each weight takes hours
            ("thinet", "repair", "none")}  # as without a repair
for plugin in json.load(open("plugins.json"))["plugins"]:
    if plugin["kind"] != "criterion":
        continue
    for option in plugin["options"]:
        for choice in option["choices"] or []:
            entry = plugin["name"], option["name"], choice
            assert choice == option["default"] or entry in choices | left_out, f"add {entry} to a matrix of the catalogue"
for setting in (("distillation", "soft-targets"), ("distillation", "logits"), ("repair", "criterion"), ("repair", "mean"),
                ("allocation", "uniform"), ("allocation", "uniform-plus"), ("allocation", "erk"),
                ("measure", "channels"), ("measure", "weights"), ("measure", "gap"), ("measure", "threshold")):
    assert setting in settings, f"add {setting} to a matrix of the catalogue"
END
}

@test "the manual names every element of the schema with each of its attributes, and no others" {
    prunebench help matrix >manual
    python3 - "$sources/harness/schema/matrix-1.xsd" manual <<'END'
import re, sys
import xml.etree.ElementTree as ET
XS = "{http://www.w3.org/2001/XMLSchema}"
root = ET.parse(sys.argv[1]).getroot()
types = {t.get("name"): t for t in root.findall(XS + "complexType")}
def attributes(name):
    return {a.get("name") for a in types[name].iter(XS + "attribute")}
schema = {"matrix": attributes("matrix")}
for element in types["matrix"].find(XS + "choice"):
    schema[element.get("name")] = attributes(element.get("type"))
manual = {}
for line in open(sys.argv[2], encoding="utf-8"):
    if match := re.match(r"<([a-z]+)>$", line):
        names = manual.setdefault(match[1], set())
    elif match := re.match(r"  ([a-z-]+): ", line):
        names.add(match[1])
assert len(schema) > 20, schema
assert manual == schema, {name: (schema.get(name), manual.get(name)) for name in schema.keys() | manual.keys()
                          if schema.get(name) != manual.get(name)}
END
}

@test "help explains commands, and says what it does not know" {
    prunebench help | diff - <(prunebench --help)
    prunebench help run | diff - <(prunebench run --help)
    run -2 prunebench help rnu
    [[ $output == *"unknown command 'rnu'; did you mean 'run'?" ]]
    run -2 prunebench help run --markdown
    [[ $output == *"--markdown is for 'matrix' and 'catalogue'" ]]
}
