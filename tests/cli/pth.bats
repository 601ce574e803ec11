#!/usr/bin/env bats
# Pretrained weights in PyTorch's .pth files: they count as the same weights in safetensors do, and no pickle is executed.
bats_require_minimum_version 1.5.0
prunebench() { "$PRUNEBENCH_BUILD/prunebench" "$@"; }

setup_file() {
    prunebench synth "$BATS_FILE_TMPDIR/sets" --sets birds,fish --classes 3 --train 8 --test 4 --size 64 --quiet
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    ln -s "$BATS_FILE_TMPDIR/sets" sets
}

# A small cell; $1: what its model starts from.
matrix() {
    cat <<END
<matrix xmlns="urn:prunebench:matrix:1" name="small">
  <pretraining label="fish" plugin="folder" root="sets/fish" model="vgg11-bcnn" seed="1"/>
  <model name="vgg11-bcnn" image-size="32" width-multiplier="0.125" $1/>
  <training epochs="1" batch="8" lr="0.05" validation="0.2"/>
  <latency runs="0"/>
  <dataset plugin="birds" root="sets/CUB_200_2011"/>
  <schedule plugin="one-shot"/>
  <criterion plugin="bn-scale"/>
  <targets>0.3</targets>
  <stages keep="all"/>
</matrix>
END
}

# Writes the tensors of a safetensors file as torch.save does, with Python's own pickle and zipfile.
to_pth() { # from, to
    python3 - "$@" <<'END'
import collections, json, pickle, struct, sys, types, zipfile

for name in ("torch", "torch._utils"):
    sys.modules[name] = types.ModuleType(name)

def rebuild(*arguments):
    raise NotImplementedError

rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
sys.modules["torch._utils"]._rebuild_tensor_v2 = rebuild
storages = {"F32": type("FloatStorage", (), {"__module__": "torch"}), "I64": type("LongStorage", (), {"__module__": "torch"})}
for storage in storages.values():
    setattr(sys.modules["torch"], storage.__name__, storage)

class Storage:
    def __init__(self, *identifier):
        self.identifier = identifier

class Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape
    def __reduce__(self):
        strides, step = [], 1
        for size in reversed(self.shape):
            strides.insert(0, step)
            step *= size
        return rebuild, (self.storage, 0, tuple(self.shape), tuple(strides), False, collections.OrderedDict())

class Pickler(pickle.Pickler):
    def persistent_id(self, thing):
        return thing.identifier if isinstance(thing, Storage) else None

data = open(sys.argv[1], "rb").read()
(length,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8:8 + length])
header.pop("__metadata__", None)
state = collections.OrderedDict()
with zipfile.ZipFile(sys.argv[2], "w") as archive:
    for key, (name, entry) in enumerate(header.items()):
        begin, end = entry["data_offsets"]
        count = (end - begin) // {"F32": 4, "I64": 8}[entry["dtype"]]
        state[name] = Tensor(Storage("storage", storages[entry["dtype"]], str(key), "cpu", count), entry["shape"])
        archive.writestr(f"archive/data/{key}", data[8 + length + begin:8 + length + end])
    with archive.open("archive/data.pkl", "w") as file:
        Pickler(file, 2).dump({"epoch": 3, "state_dict": state})
    archive.writestr("archive/byteorder", "little")
    archive.writestr("archive/version", "3\n")
END
}

# The content of every network that a run has stored.
networks() { find "$1/stages" -name network.safetensors -exec sha256sum {} + | cut -d ' ' -f 1 | sort; }

@test "a .pth file starts a cell from the same network as safetensors" {
    matrix 'pretraining="fish"' >m.xml
    prunebench run m.xml -o first --threads 1 --quiet
    cp first/pretrained/fish-*.safetensors weights.safetensors
    to_pth weights.safetensors weights.pth
    matrix 'pretrained="weights.safetensors"' >m.xml
    prunebench run m.xml -o from-safetensors --threads 1 --quiet
    matrix 'pretrained="weights.pth"' >m.xml
    prunebench run m.xml -o from-pth --threads 1 --quiet
    networks from-safetensors | tee networks
    [ "$(wc -l <networks)" -ge 2 ]
    networks from-pth | diff networks -
    grep -q 'features.0.weight -> conv1_1.weight' -r from-pth --include=*.log
}

@test "a pickle that calls a command is refused by the command's name, and is not executed" {
    python3 - <<'END'
import os, pickle, zipfile

class Evil:
    def __reduce__(self):
        return os.system, ("touch executed",)

with zipfile.ZipFile("weights.pth", "w") as archive:
    archive.writestr("archive/data.pkl", pickle.dumps({"state_dict": {}, "other": Evil()}, 2))
END
    matrix 'pretrained="weights.pth"' >m.xml
    run prunebench run m.xml -o out
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"'weights.pth' is not a usable .pth file: the pickle calls 'posix.system'; only tensors are read, nothing is executed"* ]]
    [ ! -e executed ]
    # Python does execute it
    python3 -c 'import pickle, zipfile; pickle.loads(zipfile.ZipFile("weights.pth").read("archive/data.pkl"))'
    [ -e executed ]
}
