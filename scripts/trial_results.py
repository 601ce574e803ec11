"""What a trial compares: a run's results less what a clock or the machine decides, and what is left on the disk and of processes."""
import glob
import os
import re


class Differs(Exception):
    pass


def processes():
    """Process id, parent and command line of all that run."""
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(folder + "/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
            with open(folder + "/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue  # it has ended
        if state != "Z":
            yield int(os.path.basename(folder)), int(parent), words


def processes_on(out):
    return [pid for pid, _, words in processes() if any(out.encode() in word for word in words)]


def timeless(document):
    """A result without what a clock or the machine decides."""
    document = re.sub(r'\s(seconds|started|git|host|latency-setup|peak-rss-bytes|peak-rss-growth)="[^"]*"', "", document)
    return re.sub(r"<latency [^>]*>|<resources[^>]*>", "", document)


def state_of(out):
    state = {"documents": {}, "networks": {}, "temporary": []}
    for path in glob.glob(out + "/cells/*.xml"):
        with open(path) as file:
            state["documents"][os.path.basename(path)] = timeless(file.read())
    for path in glob.glob(out + "/stages/*/network.safetensors"):
        with open(path, "rb") as file:
            state["networks"][path.split("/")[-2]] = file.read()
    for folder, folders, files in os.walk(out):
        for name in folders + files:
            if re.search(r"\.tmp$|\.new-|\.partial$|\.damaged|\.claim$", name) or folder.endswith("/stages/locks"):
                state["temporary"].append(os.path.relpath(os.path.join(folder, name), out))
    return state


def compare(expected, found):
    troubles = []
    for kind in "documents", "networks":
        missing = sorted(expected[kind].keys() - found[kind].keys())
        more = sorted(found[kind].keys() - expected[kind].keys())
        unlike = sorted(key for key in expected[kind].keys() & found[kind].keys() if expected[kind][key] != found[kind][key])
        troubles += [f"{kind} {what}: {', '.join(names)}" for what, names in
                     (("missing", missing), ("unexpected", more), ("of other content", unlike)) if names]
    if found["temporary"]:
        troubles.append(f"temporary files left: {', '.join(sorted(found['temporary']))}")
    if troubles:
        raise Differs("\n  DIFFERS: ".join(troubles))
