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


def record(name, model, size):
    model = model.double()
    fill(model)
    images = uniform("images", BATCH * 3 * size * size).reshape(BATCH, 3, size, size)
    images = torch.from_numpy(images.astype(np.float32).astype(np.float64))
    labels = torch.arange(BATCH) * 3 % CLASSES
    with torch.no_grad():
        evaluated = copy.deepcopy(model).eval()(images)
    model.train(name not in RUNNING)
    logits = model(images)
    loss = nn.functional.cross_entropy(logits, labels)
    loss.backward()
    gradients = {}
    for tensor, parameter in model.named_parameters():
        g = parameter.grad.numpy().ravel()
        gradients[tensor] = rounded([np.linalg.norm(g), np.dot(g, uniform(tensor + ".direction", g.size))])
    return {
        "size": size,
        "statistics": "running" if name in RUNNING else "batch",
        "evaluated": rounded(evaluated.flatten().tolist()),
        "trained": rounded(logits.detach().flatten().tolist()),
        "loss": float(loss),
        "gradients": gradients,
    }


# The more layers, the larger what statistics of a small batch make of a rounding, and the likelier that one value is so near to
# a ReLU's kink that float32 takes the other side: the deepest networks train on their running statistics here.
RUNNING = {"resnet50", "resnet101", "densenet121"}

NETWORKS = {
    "vgg11_bn": 64, "vgg13_bn": 64, "vgg16_bn": 64, "vgg19_bn": 64, "vgg11": 64, "alexnet": 95,
    "resnet18": 64, "resnet34": 64, "resnet50": 64, "resnet101": 64, "mobilenet_v2": 64, "densenet121": 64,
}


def main():
    recorded = {}
    for name, size in NETWORKS.items():
        model = getattr(zoo, name)(num_classes=CLASSES)
        shrink(model)
        flatten_as_it_is(model, size)
        recorded[name] = record(name, model, size)
        print(name, sum(p.numel() for p in model.parameters()), recorded[name]["loss"], recorded[name]["trained"][:3])
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f'"{name}": {json.dumps(recorded[name])}' for name in recorded) + "\n}\n")


if __name__ == "__main__":
    main()
