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


def median(values):
    return statistics.median(images for images, _ in values)


def unpruned(cases, title):
    """blis's speed on the first network listed, in this title's mode and at its batch; None where it has no such row."""
    first = cases[0][0].rsplit(", ", 2)[0]
    wanted = ", ".join([first] + title.rsplit(", ", 2)[1:])
    return next((median(rows["blis"]) for other, rows in cases if other == wanted), None)


def main():
    folder, threads = pathlib.Path(sys.argv[1]), sys.argv[2]
    titles = sorted(folder.glob("*.title"), key=lambda path: int(path.stem))
    cases = [(title.read_text().strip(), read(folder / title.stem)) for title in titles]
    backends = [who for who in cases[0][1] if who != "pytorch"]
    torch = "pytorch" in cases[0][1]
    head = ["images per second, median (range)"] + backends
    head += ["PyTorch", "blis / PyTorch"] if torch else []
    head += ["blis / blis on the first network", "blis, share of peak", "blis, MB resident"]
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for title, rows in cases:
        line = [title] + [cell(rows[who]) if who in rows else "–" for who in backends]
        blis, whole = median(rows["blis"]), unpruned(cases, title)
        if torch and "pytorch" not in rows:
            line += ["died", ""]
        elif torch:
            line += [f"{cell(rows['pytorch'])} {rows['pytorch'][0][1][0]}", f"{blis / median(rows['pytorch']):.2f}"]
        shares = [float(rest[0]) / float(rest[1]) for _, rest in rows["blis"]]
        line += [f"{blis / whole:.2f}" if whole else "", f"{100 * statistics.median(shares):.0f} %"]
        line.append(f"{max(int(rest[2]) for _, rest in rows['blis']) / 1e6:.0f}")
        print("| " + " | ".join(line) + " |")
    print(f"\n{threads} threads; PyTorch in the better of channels_last and contiguous." if torch else f"\n{threads} threads.")


main()
