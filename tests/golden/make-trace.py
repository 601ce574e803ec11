#!/usr/bin/python3
"""Records the training of a small bilinear CNN in double precision: an oracle for `prunebench verify`.

The form is described in README.md beside this file.
"""
import argparse
import json
import struct
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F


def numbers(text):
    return [int(part) for part in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--widths", type=numbers, default=[8, 12, 16, 10])
    parser.add_argument("--pools", type=numbers, default=[0, 1, 1, 0])
    parser.add_argument("--size", type=numbers, default=[16, 16], help="height,width")
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--all-gradients", action="store_true", help="of every step, not of the first alone")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--plain-momentum", action="store_true", help="no Nesterov")
    parser.add_argument("--weight-decay", type=float, default=1e-5)
    parser.add_argument("--l1", type=float, default=1e-4, help="penalty on every γ")
    parser.add_argument("--l1-last", type=float, default=1e-3, help="the same on the last batch norm, instead")
    return parser.parse_args()


class BilinearCnn(nn.Module):
    def __init__(self, args):
        super().__init__()
        inputs = [args.channels] + args.widths[:-1]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in zip(inputs, args.widths))
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for width in args.widths)
        self.fc = nn.Linear(args.widths[-1] ** 2, args.classes)
        self.pools = args.pools

    def forward(self, x):
        for conv, bn, pool in zip(self.convs, self.bns, self.pools):
            x = F.relu(bn(conv(x)))
            if pool:
                x = F.max_pool2d(x, 2)
        n, c, h, w = x.shape
        x = x.reshape(n, c, h * w)
        b = torch.bmm(x, x.transpose(1, 2)) / (h * w)
        # At b = 0 the gradient is 0 by definition; PyTorch's would be that of √(|b| + ε)·sign(b), which is 0, too.
        z = torch.sign(b) * torch.sqrt(torch.abs(b) + 1e-8)
        return self.fc(F.normalize(z.reshape(n, c * c), dim=1, eps=1e-12))


def state(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items() if "num_batches" not in name}


def initialise(model):
    """γ and β away from 1 and 0, some γ negative, so that signs and shifts matter."""
    for conv in model.convs:
        nn.init.kaiming_normal_(conv.weight, mode="fan_out")
        nn.init.normal_(conv.bias, std=0.1)
    for bn in model.bns:
        nn.init.uniform_(bn.weight, 0.5, 1.5)
        bn.weight.data[::5] *= -1
        nn.init.normal_(bn.bias, std=0.2)
        nn.init.normal_(bn.running_mean, std=0.2)
        nn.init.uniform_(bn.running_var, 0.5, 1.5)
    nn.init.normal_(model.fc.weight, std=0.5)


def record(args):
    torch.manual_seed(args.seed)
    torch.set_default_dtype(torch.float64)
    model = BilinearCnn(args)
    initialise(model)
    # Start from values that float32 holds exactly, as the file does.
    for value in list(model.parameters()) + list(model.buffers()):
        if value.dtype == torch.float64:
            value.data = value.data.float().double()
    x = torch.randn(args.batch, args.channels, *args.size).float().double()
    labels = torch.randint(0, args.classes, (args.batch,))
    tensors = {"input": x, "labels": labels}
    optimiser = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum,
                                nesterov=not args.plain_momentum, weight_decay=args.weight_decay)
    tensors.update((f"step0.{name}", value) for name, value in state(model).items())
    model.train()
    for step in range(args.steps):
        optimiser.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        tensors[f"step{step}.logits"] = logits.detach().clone()
        tensors[f"step{step}.loss"] = loss.detach().reshape(1).clone()
        if step == 0 or args.all_gradients:
            tensors.update((f"grad{step}.{name}", value.grad.clone()) for name, value in model.named_parameters())
        for bn in model.bns:
            bn.weight.grad += (args.l1_last if bn is model.bns[-1] else args.l1) * torch.sign(bn.weight.data)
        optimiser.step()
        tensors.update((f"step{step + 1}.{name}", value) for name, value in state(model).items())
    model.eval()
    with torch.no_grad():
        tensors[f"eval{args.steps}.logits"] = model(x)
    return tensors


def write(path, tensors, metadata):
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        whole = tensor.dtype == torch.int64
        blob = (tensor if whole else tensor.float()).contiguous().numpy().tobytes()
        header[name] = {"dtype": "I64" if whole else "F32", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    args = arguments()
    if len(args.widths) != len(args.pools):
        sys.exit("make-trace: --widths and --pools must be of equal length")
    metadata = {"torch": torch.__version__, "seed": str(args.seed), "widths": ",".join(map(str, args.widths)),
                "pools": ",".join(map(str, args.pools)), "lr": repr(args.lr), "momentum": repr(args.momentum),
                "nesterov": "false" if args.plain_momentum else "true", "weight_decay": repr(args.weight_decay),
                "lambda": repr(args.l1), "lambda_last": repr(args.l1_last),
                "command": "make-trace.py " + " ".join(sys.argv[2:])}
    write(args.out, record(args), metadata)


if __name__ == "__main__":
    main()
