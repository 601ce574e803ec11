#!/usr/bin/python3
"""Records logits and gradients of torchvision's networks, of two more trunks and of all heads in double precision, on values that a
formula gives.

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
from torchvision.models.resnet import BasicBlock

SHRINK = 8  # every layer of a trunk has an eighth of its channels
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


def hashes(u, outputs):
    """Signs of a projection; of a tensor sketch the rows are places, signs, places, signs."""
    value = np.where(u < 0, -1.0, 1.0)
    if outputs:
        value[0::2] = np.floor((u[0::2] + 1) / 2 * outputs)
    return value


def bare(name):
    """A head's nodes are called as they are, not as a part of it."""
    return name[len("head.") :] if name.startswith("head.") else name


def named_tensors(model):
    return [(bare(name), tensor) for name, tensor in list(model.named_parameters()) + list(model.named_buffers())]


def fill(model):
    """Values of every tensor, rounded to float32, from its name."""
    with torch.no_grad():
        for name, tensor in named_tensors(model):
            if name.endswith("num_batches_tracked"):
                continue
            u = uniform(name, tensor.numel()).reshape(tensor.shape)
            if name.endswith("hash"):
                value = hashes(u, model.head.outputs)
            elif name.endswith("running_mean"):
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


# The deeper or narrower a network, the larger what statistics of a small batch make of a rounding: these train on their running
# statistics here, and so do all with a head of ours, whose trunks are recorded on batch statistics without it.
RUNNING = {"resnet50", "resnet101", "mobilenet_v1", "mobilenet_v2", "densenet121"}


def uses_running(name):
    return name in RUNNING or " with " in name


def rounded(values):
    return [float(f"{value:.9g}") for value in values]


def images_of(seed, size):
    images = uniform(seed, BATCH * 3 * size * size).reshape(BATCH, 3, size, size)
    return torch.from_numpy(images.astype(np.float32).astype(np.float64))


def run(name, model, images):
    """Logits, loss, and of every parameter's gradient its norm and its product with a fixed vector."""
    model = copy.deepcopy(model).train(not uses_running(name))
    logits = model(images)
    loss = nn.functional.cross_entropy(logits, torch.arange(BATCH) * 3 % CLASSES)
    loss.backward()
    measured = {}
    for tensor, parameter in ((bare(name), parameter) for name, parameter in model.named_parameters()):
        g = parameter.grad.numpy().ravel()
        measured[tensor] = [np.linalg.norm(g), np.dot(g, uniform(tensor + ".direction", g.size))]
    return logits.detach(), float(loss), measured


def disturbed(model, generator):
    """The model as roundings might change it: each value by up to a few units of float32's last place."""
    changed = copy.deepcopy(model)
    with torch.no_grad():
        for name, tensor in named_tensors(changed):
            if tensor.is_floating_point() and not name.endswith("hash"):
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
    print(name, sum(p.numel() for p in model.parameters()), f"images.{number}", loss, flush=True)
    with torch.no_grad():
        evaluated = copy.deepcopy(model).eval()(images)
    return {
        "size": size,
        "images": f"images.{number}",
        "statistics": "running" if uses_running(name) else "batch",
        "evaluated": rounded(evaluated.flatten().tolist()),
        "trained": rounded(logits.flatten().tolist()),
        "loss": loss,
        "gradients": {tensor: rounded(values) for tensor, values in measured.items()},
    }


class SeparableBlock(nn.Module):
    """Of MobileNet v1, with timm's names."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv_dw = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv_pw = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = nn.functional.relu6(self.bn1(self.conv_dw(x)))
        return nn.functional.relu6(self.bn2(self.conv_pw(x)))


class MobileNetV1(nn.Module):
    """A. Howard 2017, with timm's names."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        stages, inputs = [], 32
        for outputs, blocks, stride in (64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2):
            stage = []
            for block in range(blocks):
                stage.append(SeparableBlock(inputs, outputs, 1 if block else stride))
                inputs = outputs
            stages.append(nn.Sequential(*stage))
        self.blocks = nn.Sequential(*stages)
        self.classifier = nn.Linear(1024, num_classes)

    def forward(self, x):
        x = self.blocks(nn.functional.relu6(self.bn1(self.conv_stem(x))))
        return self.classifier(x.mean((2, 3)))


class ResNet20(nn.Module):
    """For images of 32 pixels (K. He 2016, 4.2), with 1×1 convolutions where the shape changes, and torchvision's names."""

    def __init__(self, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for stage, outputs in enumerate((16, 32, 64), 1):
            blocks = []
            for block in range(3):
                stride = 2 if stage > 1 and block == 0 else 1
                short = None
                if stride > 1:
                    short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
                blocks.append(BasicBlock(inputs, outputs, stride, short))
                inputs = outputs
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def covariance(x):
    """X·Xᵀ/n of N×C×H×W."""
    x = x.flatten(2)
    return x @ x.transpose(1, 2) / x.shape[2]


def normalised(x):
    """Signed square root, where 0 stays 0, and L2 norm."""
    x = x.flatten(1)
    roots = torch.where(x == 0, torch.zeros_like(x), torch.sign(x) * torch.sqrt(x.abs() + 1e-8))
    return nn.functional.normalize(roots, eps=1e-12)


class Head(nn.Module):
    """What follows the trunk, by its formula; the modules' names are those of the nodes. outputs: of a tensor sketch."""

    def __init__(self, channels, values, outputs=0, reduction=0):
        super().__init__()
        self.outputs = outputs
        if reduction:
            self.reduce = nn.Conv2d(channels, reduction, 1, bias=False)
            self.reduce_bn = nn.BatchNorm2d(reduction)
        self.fc = nn.Linear(values, CLASSES)

    def reduced(self, x):
        return torch.relu(self.reduce_bn(self.reduce(x)))


class Gap(Head):
    def __init__(self, channels):
        super().__init__(channels, channels)

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


class Bilinear(Head):
    def __init__(self, channels):
        super().__init__(channels, channels * channels)

    def forward(self, x):
        return self.fc(normalised(covariance(x)))


class TensorSketch(Head):
    """Of every position's outer product, by the circular convolution of two count sketches (N. Pham, R. Pagh 2013)."""

    def __init__(self, channels, dimension):
        super().__init__(channels, dimension, outputs=dimension)
        self.sketch = nn.Module()
        self.sketch.register_buffer("hash", torch.zeros(4, channels))

    def count_sketch(self, x, places, signs):
        empty = x.new_zeros(x.shape[0], x.shape[1], self.outputs)
        return empty.index_add(2, places.long(), x * signs)

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2)  # N×HW×C
        h1, s1, h2, s2 = self.sketch.hash
        first, second = (torch.fft.fft(self.count_sketch(x, h, s)) for h, s in ((h1, s1), (h2, s2)))
        return self.fc(normalised(torch.fft.ifft(first * second).real.mean(1)))


class RandomMaclaurin(Head):
    def __init__(self, channels, dimension):
        super().__init__(channels, dimension)
        for name in "signs_1", "signs_2":
            setattr(self, name, nn.Module())
            getattr(self, name).register_buffer("hash", torch.zeros(dimension, channels))

    def forward(self, x):
        x = x.flatten(2)
        return self.fc(normalised(((self.signs_1.hash @ x) * (self.signs_2.hash @ x)).mean(2)))


class LowRank(Head):
    """‖U₊ᵀPX‖² − ‖U₋ᵀPX‖² + b per class, as means over positions."""

    def __init__(self, channels, reduction, rank):
        super().__init__(channels, 1)
        self.reduce = nn.Conv2d(channels, reduction, 1, bias=False)
        self.factors = nn.Conv2d(reduction, CLASSES * rank, 1, bias=False)
        self.fc = nn.Module()
        self.fc.bias = nn.Parameter(torch.zeros(CLASSES))

    def forward(self, x):
        squares = (self.factors(self.reduce(x)) ** 2).mean((2, 3))
        positive, negative = squares.reshape(len(x), CLASSES, 2, -1).sum(3).unbind(2)
        return positive - negative + self.fc.bias


class MatrixRoot(Head):
    """iSQRT-COV: five Newton–Schulz iterations on the covariance divided by its trace."""

    def __init__(self, channels, reduction):
        super().__init__(channels, reduction * (reduction + 1) // 2, reduction=reduction)

    def forward(self, x):
        x = self.reduced(x)
        a = covariance(x - x.mean((2, 3), keepdim=True))
        trace = a.diagonal(dim1=1, dim2=2).sum(1).reshape(-1, 1, 1)
        three = 3 * torch.eye(a.shape[1], dtype=a.dtype)
        y, z = a / trace, torch.eye(a.shape[1], dtype=a.dtype).expand_as(a)
        for _ in range(5):
            w = (three - z @ y) / 2
            y, z = y @ w, w @ z
        row, column = torch.triu_indices(a.shape[1], a.shape[1])
        return self.fc((torch.sqrt(trace) * y)[:, row, column])


class Grassmann(Head):
    """The projector on the leading left singular vectors."""

    def __init__(self, channels, reduction, rank):
        super().__init__(channels, reduction * reduction, reduction=reduction)
        self.rank = rank

    def forward(self, x):
        _, vectors = torch.linalg.eigh(covariance(self.reduced(x)))
        leading = vectors[:, :, -self.rank :]
        return self.fc((leading @ leading.transpose(1, 2)).flatten(1))


class Hierarchical(Head):
    """HBP: products of the projections of the last three activations."""

    def __init__(self, channels, dimension):
        super().__init__(channels, 3 * dimension)
        for i in 1, 2, 3:
            setattr(self, f"project_{i}", nn.Conv2d(channels, dimension, 1))

    def forward(self, x):
        first, second, third = self.project_1(x[0]), self.project_2(x[1]), self.project_3(x[2])
        pairs = (first, second), (first, third), (second, third)
        return self.fc(normalised(torch.cat([(a * b).mean((2, 3)) for a, b in pairs], 1)))


class HeadOnTrunk(nn.Module):
    """A head on what VGG-16 has before its last pooling, or behind the blocks of a residual network."""

    def __init__(self, trunk, head):
        super().__init__()
        self.features = trunk.features[:-1] if isinstance(trunk, zoo.VGG) else None
        if self.features is None:
            for name, child in list(trunk.named_children())[:-2]:
                setattr(self, name, child)
        self.head = head

    def activations(self, x):
        if self.features is None:
            x = torch.relu(self.bn1(self.conv1(x)))
            return [self.layer4(self.layer3(self.layer2(self.layer1(self.maxpool(x)))))]
        found = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(x)
        return found

    def forward(self, x):
        found = self.activations(x)
        return self.head(found[-3:] if isinstance(self.head, Hierarchical) else found[-1])


NETWORKS = {
    "vgg11_bn": 64, "vgg13_bn": 64, "vgg16_bn": 32, "vgg19_bn": 32, "vgg11": 64, "alexnet": 95,
    "resnet18": 64, "resnet34": 64, "resnet50": 64, "resnet101": 64, "mobilenet_v2": 32, "densenet121": 64,
    "mobilenet_v1": 64, "resnet20": 32,
}
OTHERS = {"mobilenet_v1": MobileNetV1, "resnet20": ResNet20}

# Head, trunk, sizes as head-dimension, head-reduction and head-rank call them.
HEADS = [
    (Gap, "gap", "vgg11_bn", {}), (Bilinear, "bilinear", "vgg11_bn", {}), (Bilinear, "bilinear", "resnet18", {}),
    (TensorSketch, "tensor-sketch", "vgg11_bn", {"dimension": 48}),
    (RandomMaclaurin, "random-maclaurin", "vgg11_bn", {"dimension": 16}),
    (LowRank, "low-rank", "vgg11_bn", {"reduction": 12, "rank": 4}), (MatrixRoot, "isqrt-cov", "vgg11_bn", {"reduction": 12}),
    (Grassmann, "grassmann", "vgg11_bn", {"reduction": 12, "rank": 3}), (Hierarchical, "hbp", "vgg16_bn", {"dimension": 8}),
]
HEAD_SIZE = {"vgg11_bn": 64, "vgg16_bn": 32, "resnet18": 96}


def network(name):
    model = (OTHERS.get(name) or getattr(zoo, name))(num_classes=CLASSES)
    shrink(model)
    return model


def main():
    recorded = {}
    for name, size in NETWORKS.items():
        model = network(name)
        flatten_as_it_is(model, size)
        recorded[name] = {"model": name, **record(name, model, size)}
    for head, name, trunk, sizes in HEADS:
        title, size = f"{trunk} with {name}", HEAD_SIZE[trunk]
        model = HeadOnTrunk(network(trunk), head(512 // SHRINK, **sizes))
        recorded[title] = {"model": trunk, "head": name, **sizes, **record(title, model, size)}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f'"{name}": {json.dumps(recorded[name])}' for name in recorded) + "\n}\n")


if __name__ == "__main__":
    main()
