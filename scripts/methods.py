"""docs/methods.md: every criterion, schedule and penalty that comes with the program, from what the plugins say of themselves."""
import json
import os
import re
import subprocess

INTRO = """# Methods

Every criterion, schedule and penalty that comes with prunebench, as the plugins describe themselves. This file is made by
`scripts/generated-docs`; `prunebench plugins describe KIND/NAME` prints the same of any plugin, also of your own. How criteria are
ranked, what they can ask for, and what soft pruning measured is in [pruning.md](pruning.md).

"""

READING = """## How to read it

- **Needs** must exist in the network, else the cell fails with the reason; **uses** is read where it exists. The names are those of
  [what a criterion can ask for](pruning.md#what-a-criterion-can-ask-for).
- **Ranked** says whether one threshold is for all layers or each has its own, **normalised by** how the scores of a layer are divided before
  layers are compared, and **coupled layers** how the scores of channels that can only be removed together are combined. All three are
  the plugin's defaults: `<ranking scope="…" normalise="…" coupling="…"/>` overrides them.
- **Published code** says where released programs, or the paper itself, differ from the plugin.
- **Single weights** are scored for targets with `measure="weights"`.

"""

NOT_IMPLEMENTED = """## Not implemented, and why

| Method | Why not |
|---|---|
| L0 regularisation (Louizos 2018), variational dropout (Molchanov 2017) | Their gates are drawn at random in every step of the training, which takes operators that the graph does not have. Gale et al. (2019) find that `magnitude` is as good as either on large networks. |
| ResRep (Ding 2021) | It inserts a 1×1 convolution behind every batch norm and merges it again after the training. The surgery of a graph only makes layers narrower. |
| Sparse structure selection, SSS (Huang and Wang 2018) | Its factors scale channels, groups of a convolution and residual blocks. On the channels of these models they are the scales of batch norms, which `<sparsity>` makes small and a target with `measure="threshold"` removes; the proximal step and factors of blocks are missing. |
| ABCPruner (Lin 2020) | Its bee colony searches what `halving` and `amc` search. The released code trains each candidate and then measures it on the test images; searches here see the validation images alone. |
| BinaryConnect (Courbariaux 2015) | It computes with the signs of weights and updates the weights themselves. Backends compute with the very weights that they update, and no channel is removed. |
| Low-rank factors (Jaderberg 2014) | A k×k convolution becomes one of k×1 and one of 1×k: other layers, not narrower ones. |
| GReg-2 (Wang 2021) | It penalises all filters alike, and chooses by how far each has shrunk since. A penalty's coefficients depend on the network as it is, so that a resumed training has the same; `growing` is GReg-1, which needs no more. |
"""

TRAITS = {
    "random": "looks at nothing: a control that others are compared with",
    "scales": "its scores are the scales of batch norms, which sparse training makes small",
    "comparable": "its scores compare across layers as they are",
}
SCOPES = {"global": "all layers together", "layer": "each layer alone"}
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
        facts.append(f"Ranked: {SCOPES[plugin['scope']]} (`scope=\"{plugin['scope']}\"`). "
                     f"Normalised by: {plugin['normalise']}. Coupled layers: {plugin['coupling']}.")
    if plugin["selects"]:
        facts.append("Chooses the channels itself, the same share of every layer (`scope=\"layer\"`).")
    if plugin["repairs"]:
        facts.append("Repairs the layers that lost inputs, where the schedule asks for it.")
    if plugin["repairs_weights"]:
        facts.append("Changes the weights that are left in a layer once single weights of it are masked.")
    return facts + [f"Trait `{trait}`: {TRAITS[trait]}." for trait in plugin["traits"]]


def sentence(text):
    """With a capital letter and a full stop; a formula in front stays as it is."""
    return (text[0].upper() + text[1:] if re.match("[a-z]+[ ,]", text) else text) + "."


def section_of(plugin):
    lines = [f"### `{plugin['name']}`", "", sentence(plugin["summary"]), ""]
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
    return text + NOT_IMPLEMENTED
