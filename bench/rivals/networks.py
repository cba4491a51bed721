"""The networks of strait in PyTorch, from its checkpoints, written as a user of PyTorch 2 would who wants speed.

The classes and the names of their weights are those of tests/golden/make_golden.py, which src/models/golden_test.c proves equal to strait.
Here attention and GELU are PyTorch's fused calls, and tables of the time are f32 whatever the weights are."""
import inspect
import json
import math
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
_threads = torch.get_num_threads()
import make_golden  # noqa: E402

torch.set_default_dtype(torch.float32)
torch.set_num_threads(_threads)
DTYPES = {"F32": np.float32, "I32": np.int32, "BF16": np.uint16}


def tensors(path):
    """(metadata, {name: array}) of a safetensors file; bf16 becomes f32."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        out[name] = (array.astype(np.uint32) << 16).view(np.float32) if entry["dtype"] == "BF16" else array
    return header.get("__metadata__", {}), out


class Attention(make_golden.Attention):
    def forward(self, x):
        b, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(b, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, tokens, width))


class Mlp(make_golden.Mlp):
    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(make_golden.Block):
    def attention(self, x):
        b, c, height, width = x.shape
        q, k, v = self.qkv(self.norm2(x)).reshape(b, 3, self.heads, c // self.heads, height * width).transpose(-1, -2).unbind(1)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(b, c, height, width))


class DiT(make_golden.DiT):
    def forward(self, x, t, label=None):
        b, channels, p = x.shape[0], x.shape[1], self.patch
        rows, columns, low = self.height // p, self.width // p, self.x_embedder["proj"].weight.dtype
        x = x.to(low).reshape(b, channels, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5)
        x = self.x_embedder["proj"](x.reshape(b, rows * columns, -1)) + self.pos_embed.to(low)
        angle = self.time_scale * t[:, None] * torch.exp(-math.log(10000) * torch.arange(128) / 128)
        c = self.t_embedder["mlp"](torch.cat([angle.cos(), angle.sin()], dim=1).to(low))
        if label is not None:
            c = c + self.y_embedder["embedding_table"](label)
        for block in self.blocks:
            x = block(x, c)
        shift, scale = self.final_layer["adaLN_modulation"](c).chunk(2, dim=1)
        x = self.final_layer["linear"](make_golden.modulate(x, shift, scale))
        x = x.reshape(b, rows, columns, p, p, channels).permute(0, 5, 1, 3, 2, 4)
        return x.reshape(b, channels, self.height, self.width)


class UNet(make_golden.UNet):
    def embedding(self, t, label, extra):
        half, low = self.base // 2, self.map_layer0.weight.dtype
        angle = self.time_scale * t[:, None] * 10000 ** (-torch.arange(half) / (half - 1))
        e = torch.cat([angle.sin(), angle.cos()], dim=1).to(low)
        if label is not None:
            e = e + self.map_label[label]
        return F.silu(self.map_layer1(F.silu(self.map_layer0(e))))

    def forward(self, x, t, label=None):
        return super().forward(x.to(self.map_layer0.weight.dtype), t, label)


FUSED = {make_golden.Attention: Attention, make_golden.Mlp: Mlp, make_golden.Block: Block}
CLASSES = {"unet": UNet, "dit": DiT}


def create(kind, settings):
    """The network with PyTorch's own first weights."""
    known = inspect.signature(CLASSES[kind].__mro__[1]).parameters  # the rest is of training and of refiners
    settings = {k: v for k, v in settings.items() if k in known}
    net = CLASSES[kind](**settings)
    for module in net.modules():
        module.__class__ = FUSED.get(module.__class__, module.__class__)
    return net.float()


def load(path):
    """(network in eval mode, kind, settings)."""
    metadata, weights = tensors(path)
    model = json.loads(metadata["strait.model"])
    net, state = create(model["kind"], model["settings"]), None
    state = net.state_dict()
    for name, array in weights.items():
        state[name].copy_(torch.from_numpy(np.ascontiguousarray(array)).reshape(state[name].shape))
    return net.eval(), model["kind"], model["settings"]


def inputs(settings, rows):
    """Names and values of a call of `rows` rows."""
    generator = torch.Generator().manual_seed(1)
    out = {"x": torch.randn(rows, settings["channels"], settings["height"], settings["width"], generator=generator), "t": torch.rand(rows, generator=generator)}
    if settings.get("classes"):
        out["label"] = torch.arange(rows) % settings["classes"]
    return out
