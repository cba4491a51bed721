"""Small PyTorch and NumPy archives for src/io/tensors_test.c, and hostile ones.   /usr/bin/python3 tests/golden/make_archives.py (torch 1.13)"""
import collections
import os
import pickle
import zipfile

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__)) + "/archives/"
os.makedirs(here, exist_ok=True)


def number(*shape):
    return torch.arange(int(np.prod(shape)), dtype=torch.float32).reshape(shape)


base = number(4, 6)
tree = {
    "model_state_dict": collections.OrderedDict(
        weight=base, turned=base.t(), part=base[1:3, 2:5], half=number(5).half(), brain=number(5).bfloat16(), wide=number(3).double(),
        whole=torch.arange(7), small=torch.arange(-3, 3, dtype=torch.int8), flags=torch.tensor([True, False, True]), scalar=torch.tensor(2.5),
        empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(number(2, 2))),
    "list": [number(2), (number(3) * 2, {"deep": number(1) + 9})],
    "epoch": 12, "lr": 1e-3, "name": "text", "none": None, "big": 2**70, "yes": True,
}
torch.save(tree, here + "new.pt")
torch.save(tree, here + "old.th", _use_new_zipfile_serialization=False)
np.savez(here + "plain.npz", mu=np.arange(3.0), sigma=np.arange(9.0).reshape(3, 3), arr_0=np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3))
np.savez_compressed(here + "packed.npz", mu=np.arange(3.0), zeros=np.zeros((50, 50), np.float32))


class Call:
    def __reduce__(self):
        return os.system, ("echo pwned > /tmp/strait-was-here",)


def repack(name, change):
    """new.pt with one entry changed."""
    with zipfile.ZipFile(here + "new.pt") as old, zipfile.ZipFile(here + name, "w") as new:
        for item in old.infolist():
            data = change(item.filename, old.read(item))
            if data is not None:
                new.writestr(zipfile.ZipInfo(item.filename), data)


def pickled(payload):
    return lambda name, data: payload if name.endswith("data.pkl") else data


repack("calls.pt", pickled(pickle.dumps({"w": Call()}, protocol=2)))
repack("missing_storage.pt", lambda name, data: None if name.endswith("data/0") else data)
repack("short_storage.pt", lambda name, data: data[:-4] if name.endswith("data/0") else data)
repack("cut_pickle.pt", lambda name, data: data[:-20] if name.endswith("data.pkl") else data)
repack("deep.pt", pickled(b"\x80\x02" + b"]" * 100 + b"a" * 99 + b"."))
lists = b"\x80\x02]q\x00" + b"".join(b"](h%ch%ce" % (i, i) + b"q%c" % (i + 1) for i in range(40)) + b"."
repack("billion_lists.pt", pickled(lists))
repack("memo.pt", pickled(b"\x80\x02}r\xff\xff\xff\x7f."))
repack("big_endian.pt", lambda name, data: b"big" if name.endswith("byteorder") else data)
with zipfile.ZipFile(here + "big_endian.pt", "a") as new:
    new.writestr(zipfile.ZipInfo("new/byteorder"), "big")
torch.save({"a": {"b": number(2)}, "a.b": number(3)}, here + "twice.pt")
np.savez(here + "fortran.npz", turned=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
with zipfile.ZipFile(here + "zeros.pt", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bomb:  # 80 MiB of zeros in 80 KB
    torch.save({"w": torch.zeros(20 << 20)}, "/dev/shm/zeros.pt")
    with zipfile.ZipFile("/dev/shm/zeros.pt") as whole:
        for item in whole.infolist():
            bomb.writestr(zipfile.ZipInfo(item.filename), whole.read(item), zipfile.ZIP_DEFLATED)
    os.remove("/dev/shm/zeros.pt")
with zipfile.ZipFile(here + "bomb.npz", "w", zipfile.ZIP_DEFLATED) as bomb:
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117) + b"\n"
    bomb.writestr(zipfile.ZipInfo("mu.npy"), header + b"\0" * 4096)
old = open(here + "old.th", "rb").read()
open(here + "cut.th", "wb").write(old[:-40])
head = b"".join(pickle.dumps(x, protocol=2) for x in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
open(here + "billion_lists.th", "wb").write(head + lists + pickle.dumps(["0"] * 1000, protocol=2) + b"\0" * 64)
open(here + "calls.th", "wb").write(pickle.dumps({"w": Call()}, protocol=2))
