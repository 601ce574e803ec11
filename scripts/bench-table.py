#!/usr/bin/env python3
"""The table of scripts/bench-peers from its folder of measurements: medians over the rounds, and their ratios.

usage: bench-table.py FOLDER THREADS
"""
import pathlib
import statistics
import sys


def read(path):
    rows = {}
    for line in path.read_text().splitlines():
        who, images, *rest = line.split("\t")
        rows.setdefault(who, []).append((float(images), rest))
    return rows


def cell(values):
    speeds = [images for images, _ in values]
    return f"{statistics.median(speeds):.2f} ({min(speeds):.2f} … {max(speeds):.2f})"


def main():
    folder, threads = pathlib.Path(sys.argv[1]), sys.argv[2]
    titles = sorted(folder.glob("*.title"), key=lambda path: int(path.stem))
    cases = [(title.read_text().strip(), read(folder / title.stem)) for title in titles]
    backends = [who for who in cases[0][1] if who != "pytorch"]
    torch = "pytorch" in cases[0][1]
    head = ["images per second, median (range)"] + backends
    head += ["PyTorch", "blis / PyTorch", "blis, share of peak"] if torch else ["blis, share of peak"]
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for title, rows in cases:
        line = [title] + [cell(rows[who]) for who in backends]
        blis = statistics.median(images for images, _ in rows["blis"])
        if torch:
            peer = statistics.median(images for images, _ in rows["pytorch"])
            line += [f"{cell(rows['pytorch'])} {rows['pytorch'][0][1][0]}", f"{blis / peer:.2f}"]
        shares = [float(rest[0]) / float(rest[1]) for _, rest in rows["blis"]]
        line.append(f"{100 * statistics.median(shares):.0f} %")
        print("| " + " | ".join(line) + " |")
    print(f"\n{threads} threads; PyTorch in the better of channels_last and contiguous." if torch else f"\n{threads} threads.")


main()
