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


def build(layers):
    modules, channels = [], None
    for layer in layers:
        out = layer["shape"][2]
        if layer["op"] == "conv2d":
            modules.append(nn.Conv2d(channels, out, 3, padding=1))
        elif layer["op"] == "batch_norm":
            modules.append(nn.BatchNorm2d(out))
        elif layer["op"] == "relu":
            modules.append(nn.ReLU(inplace=True))
        elif layer["op"] == "max_pool":
            modules.append(nn.MaxPool2d(2))
        elif layer["op"] == "bilinear_pool":
            modules.append(BilinearPool())
        elif layer["op"] == "signed_sqrt":
            modules.append(SignedSqrt())
        elif layer["op"] == "l2_norm":
            modules.append(Normalise())
        elif layer["op"] == "linear":
            modules.append(nn.Linear(channels, out))
        elif layer["op"] != "input":
            sys.exit(f"bench-torch.py: no counterpart of '{layer['op']}'")
        channels = out
    return nn.Sequential(*modules)


class Session:
    def __init__(self, description, batch, training, memory_format):
        torch.manual_seed(1)
        size = description["image_size"]
        self.net = build(description["layers"]).to(memory_format=memory_format)
        self.images = torch.rand(batch, 3, size, size).mul(2).sub(1).contiguous(memory_format=memory_format)
        self.labels = torch.arange(batch) % description["classes"]
        self.training = training
        self.net.train(training)
        self.optimiser = torch.optim.SGD(self.net.parameters(), 1e-6, momentum=0.9, nesterov=True, weight_decay=1e-5)
        self.gammas = [m.weight for m in self.net if isinstance(m, nn.BatchNorm2d)]

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
