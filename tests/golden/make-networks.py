#!/usr/bin/python3
"""Records logits and gradients of torchvision's networks in double precision, on values that a formula gives.

usage: make-networks.py OUT.json. Needs python3-torch and python3-torchvision. README.md beside this file has the form.
"""
import copy
import json
import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torchvision.models as zoo

SHRINK = 8  # every layer has an eighth of its channels
BATCH, CLASSES = 4, 10
NOISE, TRIALS, STEADY = 1e-6, 4, 3e-5  # of values; how often they are disturbed; what a gradient may change by
MASK = (1 << 64) - 1


def uniform(name, count):
    """count values from -1 to 1: SplitMix64 from the FNV-1a hash of the name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def shrunk(width):
    assert width % SHRINK == 0, width
    return width // SHRINK


def shrink(module, name=""):
    """Rebuilds every layer with fewer channels; images keep three, the last layer its classes."""
    for key, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            inputs = 3 if child.in_channels == 3 else shrunk(child.in_channels)
            groups = 1 if child.groups == 1 else inputs
            new = nn.Conv2d(inputs, shrunk(child.out_channels), child.kernel_size, child.stride, child.padding,
                            child.dilation, groups, bias=child.bias is not None)
        elif isinstance(child, nn.BatchNorm2d):
            new = nn.BatchNorm2d(shrunk(child.num_features))
        elif isinstance(child, nn.Linear):
            outputs = CLASSES if child.out_features == CLASSES else shrunk(child.out_features)
            new = nn.Linear(shrunk(child.in_features), outputs)
        elif isinstance(child, nn.Dropout):
            new = nn.Identity()
        else:
            shrink(child, name + key + ".")
            continue
        setattr(module, key, new)


def flatten_as_it_is(model, size):
    """VGG and AlexNet end in hidden layers over all positions of the last pooling, here without resizing it first."""
    if isinstance(getattr(model, "avgpool", None), nn.AdaptiveAvgPool2d) and isinstance(getattr(model, "classifier", None), nn.Sequential):
        model.avgpool = nn.Identity()
        with torch.no_grad():
            values = model.features(torch.zeros(1, 3, size, size)).numel()
        first = next(i for i, layer in enumerate(model.classifier) if isinstance(layer, nn.Linear))
        model.classifier[first] = nn.Linear(values, model.classifier[first].out_features)


def fill(model):
    """Values of every tensor, rounded to float32, from its name."""
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if name.endswith("num_batches_tracked"):
                continue
            u = uniform(name, tensor.numel()).reshape(tensor.shape)
            if name.endswith("running_mean"):
                value = 0.1 * u
            elif name.endswith("running_var"):
                value = 1 + 0.3 * u
            elif tensor.dim() > 1:
                value = math.sqrt(6 / (tensor.numel() // tensor.shape[0])) * u
            elif name.endswith("weight"):
                value = 1 + 0.3 * u
            else:
                value = 0.1 * u
            tensor.copy_(torch.from_numpy(value.astype(np.float32).astype(np.float64)))


def rounded(values):
    return [float(f"{value:.9g}") for value in values]


def images_of(seed, size):
    images = uniform(seed, BATCH * 3 * size * size).reshape(BATCH, 3, size, size)
    return torch.from_numpy(images.astype(np.float32).astype(np.float64))


def run(name, model, images):
    """Logits, loss, and of every parameter's gradient its norm and its product with a fixed vector."""
    model = copy.deepcopy(model).train(name not in RUNNING)
    logits = model(images)
    loss = nn.functional.cross_entropy(logits, torch.arange(BATCH) * 3 % CLASSES)
    loss.backward()
    measured = {}
    for tensor, parameter in model.named_parameters():
        g = parameter.grad.numpy().ravel()
        measured[tensor] = [np.linalg.norm(g), np.dot(g, uniform(tensor + ".direction", g.size))]
    return logits.detach(), float(loss), measured


def disturbed(model, generator):
    """The model as roundings might change it: each value by up to a few units of float32's last place."""
    changed = copy.deepcopy(model)
    with torch.no_grad():
        for tensor in list(changed.parameters()) + list(changed.buffers()):
            if tensor.is_floating_point():
                tensor.mul_(1 + NOISE * (2 * torch.rand(tensor.shape, generator=generator, dtype=torch.float64) - 1))
    return changed


def largest_change(name, model, images, expected):
    """Of a gradient when all values are disturbed, in parts of its norm: large where an input of a ReLU is beside its kink."""
    generator = torch.Generator().manual_seed(1)
    total = math.sqrt(sum(norm**2 for norm, _ in expected.values()))
    worst = 0
    for _ in range(TRIALS):
        _, _, found = run(name, disturbed(model, generator), images)
        for tensor, values in expected.items():
            room = values[0] + 1e-2 * total
            worst = max(worst, *(abs(a - b) / room for a, b in zip(values, found[tensor])))
        if worst > STEADY:
            break
    return worst


def record(name, model, size):
    """On the first images, of those drawn one after the other, beside which no ReLU is so near to its kink that float32 might cross it."""
    model = model.double()
    fill(model)
    for number in range(1, 400):
        images = images_of(f"images.{number}", size)
        logits, loss, measured = run(name, model, images)
        if largest_change(name, model, images, measured) <= STEADY:
            break
    else:
        sys.exit(f"{name}: no steady images")
    with torch.no_grad():
        evaluated = copy.deepcopy(model).eval()(images)
    return {
        "size": size,
        "images": f"images.{number}",
        "statistics": "running" if name in RUNNING else "batch",
        "evaluated": rounded(evaluated.flatten().tolist()),
        "trained": rounded(logits.flatten().tolist()),
        "loss": loss,
        "gradients": {tensor: rounded(values) for tensor, values in measured.items()},
    }


# The deeper or narrower a network, the larger what statistics of a small batch make of a rounding: these train on their running
# statistics here.
RUNNING = {"resnet50", "resnet101", "mobilenet_v2", "densenet121"}

NETWORKS = {
    "vgg11_bn": 64, "vgg13_bn": 64, "vgg16_bn": 32, "vgg19_bn": 32, "vgg11": 64, "alexnet": 95,
    "resnet18": 64, "resnet34": 64, "resnet50": 64, "resnet101": 64, "mobilenet_v2": 32, "densenet121": 64,
}


def main():
    recorded = {}
    for name, size in NETWORKS.items():
        model = getattr(zoo, name)(num_classes=CLASSES)
        shrink(model)
        flatten_as_it_is(model, size)
        recorded[name] = record(name, model, size)
        print(name, sum(p.numel() for p in model.parameters()), recorded[name]["images"], recorded[name]["loss"], flush=True)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f'"{name}": {json.dumps(recorded[name])}' for name in recorded) + "\n}\n")


if __name__ == "__main__":
    main()
