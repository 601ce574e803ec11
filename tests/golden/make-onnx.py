#!/usr/bin/python3
"""Exports small networks by torch.onnx, each with images and PyTorch's logits of them: what the ONNX reader is tested on.

The files are described in README.md beside this one. The exporter needs no package but PyTorch 1.13.
"""
import argparse
import importlib.util
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
# The writer of safetensors files is make-trace.py's.
SPEC = importlib.util.spec_from_file_location("make_trace", HERE / "make-trace.py")
make_trace = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make_trace)

PRESERVE = dict(training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)


def conv3x3(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


class Block(nn.Module):
    """A residual block, with a 1×1 convolution on the shortcut where it changes the shape."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv3x3(outputs, outputs), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 7, 2, padding=3, bias=False), nn.BatchNorm2d(6)
        self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = nn.Sequential(Block(6, 6, 1), Block(6, 6, 1))
        self.layer2 = nn.Sequential(Block(6, 10, 2), Block(10, 10, 1))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(10, 7)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layer2(self.layer1(x))), 1))


def pointwise(inputs, outputs, groups=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, groups=groups, bias=False), nn.BatchNorm2d(outputs))


class Inverted(nn.Module):
    """An inverted residual block: 1×1, depthwise 3×3, 1×1."""

    def __init__(self, inputs, outputs, stride, dilation=1):
        super().__init__()
        hidden = 2 * inputs
        self.conv = nn.Sequential(
            pointwise(inputs, hidden), nn.ReLU6(),
            nn.Sequential(nn.Conv2d(hidden, hidden, 3, stride, dilation, dilation, groups=hidden, bias=False),
                          nn.BatchNorm2d(hidden)), nn.ReLU6(),
            pointwise(hidden, outputs))
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.shortcut else self.conv(x)


class Depthwise(nn.Module):
    """Its last convolution has groups, its head takes the mean over the positions, as MobileNetV2's does."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(conv3x3(3, 4, 2), nn.BatchNorm2d(4), nn.ReLU6()),
            Inverted(4, 6, 2), Inverted(6, 6, 1, dilation=2), Inverted(6, 8, 2),
            nn.Sequential(pointwise(8, 12, groups=2), nn.ReLU6()))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(12, 5))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, narrow, wide):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1, self.expand3x3 = nn.Conv2d(squeeze, narrow, 1), nn.Conv2d(squeeze, wide, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))], 1)


class Concatenated(nn.Module):
    """Two blocks that concatenate; a convolution whose outputs, pooled, are the classes."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2), Fire(6, 3, 4, 5),
                                      nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), Fire(9, 4, 5, 4))
        self.classifier = nn.Sequential(nn.Dropout(0.5), nn.Conv2d(9, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        x = torch.flatten(self.classifier(self.features(x)), 1)
        return F.softmax(x, 1) if self.probabilities else x

    probabilities = False  # what is exported has them, what is recorded does not


class Flat(nn.Module):
    """Images of one channel; a linear layer over channels, rows and columns; kernels and strides that differ by side."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, (3, 5), (1, 2), padding=(1, 2)), nn.ReLU(), nn.MaxPool2d((4, 2)),
                                      nn.Conv2d(4, 6, (5, 3), padding=(1, 0)), nn.BatchNorm2d(6), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(6 * 6 * 6, 9), nn.ReLU(), nn.Dropout(), nn.Linear(9, 3))

    def forward(self, x):
        return self.classifier(self.features(x).view(-1, 6 * 6 * 6))


def initialise(model):
    """Away from the defaults, so that every value matters; some γ negative."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            module.weight.data[::5] *= -1
            nn.init.normal_(module.bias, std=0.3)
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.normal_(module.bias, std=0.3)


# Name, network, channels, and what its export is asked for.
NETWORKS = [
    ("residual", Residual, 3, dict(PRESERVE, opset_version=14, dynamic_axes={"images": {0: "batch"}})),
    ("residual-folded", Residual, 3, dict(opset_version=11)),
    ("depthwise", Depthwise, 3, dict(PRESERVE, opset_version=9)),
    ("depthwise-folded", Depthwise, 3, dict(opset_version=17, dynamic_axes={"images": {0: "batch"}})),
    ("concatenated", Concatenated, 3, dict(opset_version=13)),
    ("flat", Flat, 1, dict(PRESERVE, opset_version=12)),
]


def export(folder, name, network, channels, options):
    torch.manual_seed(11)
    model = network().eval()
    initialise(model)
    images = torch.randn(3, channels, 32, 32)
    with torch.no_grad():
        logits = model(images)
    model.probabilities = True
    torch.onnx.export(model, images[:1], folder / f"{name}.onnx", input_names=["images"], output_names=["output"], **options)
    make_trace.write(folder / f"{name}.safetensors", {"images": images, "logits": logits}, {"torch": torch.__version__})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=HERE / "onnx")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, network, channels, options in NETWORKS:
        export(folder, name, network, channels, options)


if __name__ == "__main__":
    main()
