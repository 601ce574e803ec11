#!/usr/bin/env python3
"""Times PyTorch on the network that `prunebench count --json` describes on standard input.

usage: bench-torch.py BATCH THREADS train|infer RUNS < layers.json
Prints one JSON object: images_per_second (median) of the better memory layout, and which one that was; null where PyTorch
dies in both.
"""
import json
import statistics
import subprocess
import sys
import time

import torch
from torch import nn


class BilinearPool(nn.Module):
    def forward(self, x):
        n, c, h, w = x.shape
        x = x.reshape(n, c, h * w)
        return torch.bmm(x, x.transpose(1, 2)).reshape(n, c * c) / (h * w)


class SignedSqrt(nn.Module):
    def forward(self, b):
        return torch.sign(b) * torch.sqrt(torch.abs(b) + 1e-8)


class Normalise(nn.Module):
    def forward(self, v):
        return nn.functional.normalize(v)


def convolution(layer, inputs):
    return nn.Conv2d(inputs[2], layer["channels"], tuple(layer["kernel"]), tuple(layer["stride"]), tuple(layer["pad"]),
                     tuple(layer["dilation"]), layer["groups"], bias=layer["bias"])


def pooling(kind):
    return lambda layer, inputs: kind(tuple(layer["kernel"]), tuple(layer["stride"]), tuple(layer["pad"]))


MODULES = {  # of an operator with one input, from its description and its input's height, width and channels
    "conv2d": convolution,
    "batch_norm": lambda layer, inputs: nn.BatchNorm2d(inputs[2]),
    "relu": lambda layer, inputs: nn.ReLU(inplace=True),
    "relu6": lambda layer, inputs: nn.ReLU6(inplace=True),
    "max_pool": pooling(nn.MaxPool2d),
    "avg_pool": pooling(nn.AvgPool2d),
    "bilinear_pool": lambda layer, inputs: BilinearPool(),
    "signed_sqrt": lambda layer, inputs: SignedSqrt(),
    "l2_norm": lambda layer, inputs: Normalise(),
    "dropout": lambda layer, inputs: nn.Dropout(layer["share"]),
    "linear": lambda layer, inputs: nn.Sequential(
        nn.Flatten(), nn.Linear(inputs[0] * inputs[1] * inputs[2], layer["channels"], bias=layer["bias"])),
}
JOINED = {"add": lambda values: values[0] + values[1], "multiply": lambda values: values[0] * values[1],
          "concat": lambda values: torch.cat(values, 1)}


class Network(nn.Module):
    """The described layers, in order; an output is forgotten behind its last reader."""

    def __init__(self, layers):
        super().__init__()
        shapes = {layer["name"]: layer["shape"] for layer in layers}
        last = {name: i for i, layer in enumerate(layers) for name in layer["inputs"]}
        self.modules_of, self.steps = nn.ModuleList(), []
        for i, layer in enumerate(layers[1:], 1):
            if layer["op"] not in MODULES and layer["op"] not in JOINED:
                sys.exit(f"bench-torch.py: no counterpart of '{layer['op']}'")
            module = None
            if layer["op"] in MODULES:
                module = MODULES[layer["op"]](layer, shapes[layer["inputs"][0]])
                self.modules_of.append(module)
            done = [name for name in set(layer["inputs"]) if last[name] == i]
            self.steps.append((layer["name"], layer["inputs"], module or JOINED[layer["op"]], module is not None, done))
        self.first, self.final = layers[0]["name"], layers[-1]["name"]

    def forward(self, images):
        values = {self.first: images}
        for name, inputs, step, single, done in self.steps:
            values[name] = step(values[inputs[0]]) if single else step([values[one] for one in inputs])
            for one in done:
                del values[one]
        return values[self.final].flatten(1)


class Session:
    def __init__(self, description, batch, training, memory_format):
        torch.manual_seed(1)
        size = description["image_size"]
        self.net = Network(description["layers"]).to(memory_format=memory_format)
        self.images = torch.rand(batch, 3, size, size).mul(2).sub(1).contiguous(memory_format=memory_format)
        self.labels = torch.arange(batch) % description["classes"]
        self.training = training
        self.net.train(training)
        self.optimiser = torch.optim.SGD(self.net.parameters(), 1e-6, momentum=0.9, nesterov=True, weight_decay=1e-5)
        self.gammas = [m.weight for m in self.net.modules() if isinstance(m, nn.BatchNorm2d)]

    def step(self):
        if not self.training:
            with torch.no_grad():
                self.net(self.images)
            return
        self.optimiser.zero_grad()
        nn.functional.cross_entropy(self.net(self.images), self.labels).backward()
        with torch.no_grad():
            for gamma in self.gammas:
                gamma.grad.add_(torch.sign(gamma), alpha=1e-4)
        self.optimiser.step()

    def seconds(self, runs):
        self.step()
        start = time.perf_counter()
        self.step()
        warm = time.perf_counter() - start
        steps = max(1, int(0.25 / warm + 1)) if warm < 0.25 else 1
        taken = []
        for _ in range(runs):
            start = time.perf_counter()
            for _ in range(steps):
                self.step()
            taken.append((time.perf_counter() - start) / steps)
        return statistics.median(taken)


LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


def measure(layout):
    """In a process of its own: PyTorch 1.13 dies of a segmentation fault on some pruned widths, in one layout or both."""
    done = subprocess.run([sys.executable, __file__, *sys.argv[1:5], layout], input=json.dumps(DESCRIPTION), text=True,
                          stdout=subprocess.PIPE)
    if done.returncode:
        print(f"bench-torch.py: PyTorch ended with {done.returncode} in layout {layout}", file=sys.stderr)
        return None
    return float(done.stdout), layout


def main():
    batch, threads, mode, runs = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if len(sys.argv) > 5:
        torch.set_num_threads(threads)
        print(Session(DESCRIPTION, batch, mode == "train", LAYOUTS[sys.argv[5]]).seconds(runs))
        return
    measured = [found for found in map(measure, LAYOUTS) if found]
    seconds, layout = min(measured) if measured else (None, None)
    print(json.dumps({"images_per_second": batch / seconds if seconds else None, "layout": layout, "torch": torch.__version__}))


DESCRIPTION = json.load(sys.stdin)
main()
