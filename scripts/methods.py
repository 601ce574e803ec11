"""docs/methods.md: every criterion, schedule and penalty that comes with the program, from what the plugins say of themselves."""
import json
import os
import subprocess

INTRO = """# Methods

Every criterion, schedule and penalty that comes with prunebench, as the plugins describe themselves. This file is made by
`scripts/generated-docs`; `prunebench plugins describe KIND/NAME` prints the same of any plugin, also of your own. How criteria are
ranked, what they can ask for, and what soft pruning measured is in [pruning.md](pruning.md).

"""

READING = """## How to read it

- **Needs** must exist in the network, else the cell fails with the reason; **uses** is read where it exists. The names are those of
  [what a criterion can ask for](pruning.md#what-a-criterion-can-ask-for).
- **Normalised by** is how the scores of a layer are divided before layers are compared, and **coupled layers** is how the scores of channels
  that can only be removed together are combined. Both are defaults: `<ranking normalise="…" coupling="…"/>` overrides them.
- **Published code** says where released programs, or the paper itself, differ from the plugin.
- **Single weights** are scored for targets with `measure="weights"`.

"""

TRAITS = {
    "random": "looks at nothing: a control that others are compared with",
    "scales": "its scores are the scales of batch norms, which sparse training makes small",
    "comparable": "its scores compare across layers as they are",
}
HEADINGS = {"criterion": "Criteria", "schedule": "Schedules", "penalty": "Penalties"}


def plugins_of(build):
    environment = {name: value for name, value in os.environ.items() if name != "PRUNEBENCH_PLUGIN_PATH"}
    text = subprocess.run([os.path.join(build, "prunebench"), "plugins", "list", "--json"], check=True, env=environment,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout
    return json.loads(text)["plugins"]


def cell(text):
    """Text in a Markdown table."""
    return text.replace("|", "\\|").replace("<", "\\<").replace("\n", " ")


def values_of(option):
    if option["choices"]:
        text = ", ".join(f"`{choice}`" for choice in option["choices"])
    elif option["type"] == "bool":
        text = "`true`, `false`"
    else:
        bounds = [f"{name} {option[key]:g}" for name, key in (("from", "min"), ("to", "max")) if option[key] is not None]
        text = " ".join([{"int": "whole number", "real": "number"}.get(option["type"], option["type"])] + bounds)
    return text + (f", in {option['unit']}" if option["unit"] else "")


def options_of(plugin):
    if not plugin["options"]:
        return []
    lines = ["", "| Option | Default | Values | Meaning |", "|---|---|---|---|"]
    for option in plugin["options"]:
        default = "must be given" if option["required"] else f"`{option['default']}`" if option["default"] else "empty"
        lines.append(f"| `{option['name']}` | {default} | {cell(values_of(option))} | {cell(option['help'])} |")
    return lines


def criterion_facts(plugin):
    facts = ["Needs: " + (", ".join(plugin["needs"]) or "nothing") + "."]
    if plugin["uses"]:
        facts.append("Uses: " + ", ".join(plugin["uses"]) + ".")
    kinds = [text for key, text in (("scores_channels", "channels"), ("scores_weights", "single weights")) if plugin[key]]
    if kinds:
        facts.append("Scores: " + " and ".join(kinds) + ".")
        facts.append(f"Normalised by: {plugin['normalise']}. Coupled layers: {plugin['coupling']}.")
    if plugin["selects"]:
        facts.append("Chooses the channels itself, the same share of every layer (`scope=\"layer\"`).")
    if plugin["repairs"]:
        facts.append("Repairs the layers that lost inputs, where the schedule asks for it.")
    if plugin["repairs_weights"]:
        facts.append("Changes the weights that are left in a layer once single weights of it are masked.")
    return facts + [f"Trait `{trait}`: {TRAITS[trait]}." for trait in plugin["traits"]]


def section_of(plugin):
    summary = plugin["summary"]
    lines = [f"### `{plugin['name']}`", "", summary[0].upper() + summary[1:] + ".", ""]
    facts = [f"Source: {plugin['reference']}."] if plugin["reference"] else []
    if plugin["reference_code"]:
        facts.append(f"Published code: {cell(plugin['reference_code'])}")
    if plugin["kind"] == "criterion":
        facts += criterion_facts(plugin)
    elif plugin["kind"] == "schedule" and plugin["adaptive"]:
        facts.append("What it does depends on measured values, so that its cost cannot be predicted in full.")
    lines += [f"- {fact}" for fact in facts] + options_of(plugin)
    while lines[-1] == "":
        lines.pop()
    return "\n".join(lines) + "\n\n"


def document(build):
    plugins = plugins_of(build)
    text = INTRO + READING
    for kind, heading in HEADINGS.items():
        text += f"## {heading}\n\n" + "".join(section_of(plugin) for plugin in plugins if plugin["kind"] == kind)
    return text.rstrip("\n") + "\n"
