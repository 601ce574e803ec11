#!/usr/bin/python3
"""Writes the .pth files of tests/golden/torch as PyTorch writes them: make-pth.py FOLDER.

They are described in README.md beside this file.
"""
import importlib.util
import pathlib
import sys

import torch
import torch.nn as nn

WIDTHS = [2, "M", 3, "M", 2, 3, "M", 2, 3, "M", 2, 3, "M"]
CLASSES, HIDDEN, PIXELS = 3, 4, 2 * 2


class Vgg11(nn.Module):
    """The modules of torchvision's vgg11_bn for images of 64 px, with a few channels each."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for width in WIDTHS:
            if width == "M":
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(channels * PIXELS, HIDDEN), nn.ReLU(), nn.Dropout(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
            nn.Dropout(), nn.Linear(HIDDEN, CLASSES))


def vgg11():
    """Every value is another one, running statistics included."""
    model = Vgg11()
    for value in model.state_dict().values():
        if value.dtype == torch.float32:
            value.copy_(torch.rand(value.shape) + 0.5)
    return model


def write_safetensors(path, tensors):
    spec = importlib.util.spec_from_file_location("make_trace", pathlib.Path(__file__).with_name("make-trace.py"))
    make_trace = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_trace)
    make_trace.write(path, tensors, {"torch": torch.__version__})


def trained(model):
    """What a training script keeps: SGD's momentum is there after one step."""
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sum(parameter.sum() for parameter in model.parameters()).backward()
    optimiser.step()
    return {"epoch": 2 ** 70, "arch": "vgg11_bn", "best": torch.tensor(71.5), "shape": torch.Size([3, 64, 64]),
            "history": [(1, 0.5), (-2, 0.25)], "note": None, "state_dict": model.state_dict(),
            "optimizer": optimiser.state_dict()}


def kinds():
    """Every type; tensors that share a storage; a parameter; no dimension; no value; a dimension of one value."""
    values = torch.arange(24, dtype=torch.float32)
    tensors = {str(dtype).split(".")[1]: torch.tensor([0, 1, 2]).to(dtype) for dtype in (
        torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8,
        torch.bool)}
    tensors.update(whole=values, part=values[6:18].view(3, 4), last=values[23], parameter=nn.Parameter(values[2:4]),
                   none=torch.empty(0, 5), narrow=values.view(6, 1, 4)[2:3])
    tensors["größe"] = values[:1]
    return tensors


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.manual_seed(5)
    model = vgg11()
    weights = model.state_dict()
    torch.save(weights, folder / "vgg11-bn.pth")
    write_safetensors(folder / "vgg11-bn.safetensors", weights)
    torch.save(weights, folder / "old-form.pth", _use_new_zipfile_serialization=False)
    torch.save(trained(model), folder / "checkpoint.pth", pickle_protocol=4)
    torch.save(kinds(), folder / "kinds.pth")
    torch.save({"straight": torch.zeros(2, 3), "turned": torch.zeros(2, 3).t()}, folder / "turned.pth")
    torch.save(nn.Linear(2, 1), folder / "whole-model.pth")
    torch.jit.save(torch.jit.script(nn.Linear(2, 1)), folder / "script.pt")


if __name__ == "__main__":
    main()
