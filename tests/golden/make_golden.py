#!/usr/bin/python3
"""Golden tensors for src/models/golden_test.c: our own PyTorch versions of the networks, written from the papers.

    /usr/bin/python3 tests/golden/make_golden.py        (Debian 12: python3-torch 1.13, python3-numpy)

Each file holds one small network with random weights that are nowhere zero (so that every gradient is exercised), a batch,
the output, loss = mean((v - target)^2) and the gradient of every parameter and of x:

    w/NAME, g/NAME   weights and gradients; convolutions [out,in,kh,kw]      b/NAME   fixed tables
    x, t, label, extra, target, v, g:x   images [B,H,W,C]                    loss     [1]

All is computed in float64 and stored as float32, so the oracle's rounding is not part of the comparison.
The metadata says kind, settings, seed and versions.
"""
import json
import math
import os
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def save(path, tensors, metadata):
    """The safetensors format: u64 header length, JSON header padded to 8 bytes, raw tensors."""
    header, offset = {"__metadata__": metadata}, 0
    for name, array in tensors.items():
        kind = {"float32": "F32", "int32": "I32"}[array.dtype.name]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            f.write(np.ascontiguousarray(array).tobytes())


# ---- DDPM++ U-Net: score_sde's network in the form and with the names of EDM's SongUNet ----

def group_norm(channels):
    groups = min(channels // 4, 32)
    return nn.GroupNorm(groups, channels, eps=1e-6)


def resample(x, how):
    if how == "down":
        return F.avg_pool2d(x, 2)
    if how == "up":
        return F.interpolate(x, scale_factor=2, mode="nearest")
    return x


class Block(nn.Module):
    """Two convolutions with the embedding added between them, a skip, and optionally attention; each sum over sqrt 2."""

    def __init__(self, cin, cout, emb, how=None, heads=0):
        super().__init__()
        self.how, self.heads = how, heads
        self.norm0, self.conv0 = group_norm(cin), nn.Conv2d(cin, cout, 3, padding=1)
        self.affine = nn.Linear(emb, cout)
        self.norm1, self.conv1 = group_norm(cout), nn.Conv2d(cout, cout, 3, padding=1)
        self.skip = nn.Conv2d(cin, cout, 1) if cin != cout or how else None
        if heads:
            self.norm2, self.qkv, self.proj = group_norm(cout), nn.Conv2d(cout, 3 * cout, 1), nn.Conv2d(cout, cout, 1)

    def forward(self, x, emb):
        h = self.conv0(resample(F.silu(self.norm0(x)), self.how))
        h = h + self.affine(emb)[:, :, None, None]
        h = self.conv1(F.silu(self.norm1(h)))
        x = resample(x, self.how)
        x = (h + (self.skip(x) if self.skip else x)) * math.sqrt(0.5)
        return (x + self.attention(x)) * math.sqrt(0.5) if self.heads else x

    def attention(self, x):
        b, c, height, width = x.shape
        q, k, v = self.qkv(self.norm2(x)).reshape(b, 3, self.heads, c // self.heads, height * width).unbind(1)  # which, head, dim
        weights = torch.softmax(torch.einsum("bhdq,bhdk->bhqk", q, k) / math.sqrt(c // self.heads), dim=-1)
        return self.proj(torch.einsum("bhqk,bhdk->bhdq", weights, v).reshape(b, c, height, width))


class UNet(nn.Module):
    def __init__(self, height, width, channels, base, multipliers, blocks, attention, heads=1, classes=0, extra=0, time_scale=999):
        super().__init__()
        self.base, self.multipliers, self.blocks, self.time_scale = base, multipliers, blocks, time_scale
        emb, size = 4 * base, lambda level: f"{height >> level}x{width >> level}"
        attend = lambda level: heads if (height >> level) in attention else 0
        if classes:
            self.map_label = nn.Parameter(torch.empty(classes + 1, base))
        if extra:
            self.map_extra = nn.Linear(extra, base)
        self.map_layer0, self.map_layer1 = nn.Linear(base, emb), nn.Linear(emb, emb)

        self.enc, widths, c = nn.ModuleDict(), [], base
        for level, m in enumerate(multipliers):
            if level == 0:
                self.enc[f"{size(0)}_conv"] = nn.Conv2d(channels, base, 3, padding=1)
            else:
                self.enc[f"{size(level)}_down"] = Block(c, c, emb, "down")
            widths.append(c)
            for i in range(blocks):
                self.enc[f"{size(level)}_block{i}"] = Block(c, base * m, emb, heads=attend(level))
                c = base * m
                widths.append(c)

        self.dec, last = nn.ModuleDict(), len(multipliers) - 1
        for level, m in reversed(list(enumerate(multipliers))):
            if level == last:
                self.dec[f"{size(level)}_in0"] = Block(c, c, emb, heads=heads)
                self.dec[f"{size(level)}_in1"] = Block(c, c, emb)
            else:
                self.dec[f"{size(level)}_up"] = Block(c, c, emb, "up")
            for i in range(blocks + 1):
                self.dec[f"{size(level)}_block{i}"] = Block(c + widths.pop(), base * m, emb, heads=attend(level) if i == blocks else 0)
                c = base * m
        self.dec[f"{size(0)}_aux_norm"] = group_norm(c)
        self.dec[f"{size(0)}_aux_conv"] = nn.Conv2d(c, channels, 3, padding=1)

    def embedding(self, t, label, extra):
        half = self.base // 2
        angle = self.time_scale * t[:, None] * 10000 ** (-torch.arange(half) / (half - 1))
        e = torch.cat([angle.sin(), angle.cos()], dim=1)
        if label is not None:
            e = e + self.map_label[label]
        if extra is not None:
            e = e + self.map_extra(extra)
        return F.silu(self.map_layer1(F.silu(self.map_layer0(e))))

    def forward(self, x, t, label=None, extra=None):
        emb, skips = self.embedding(t, label, extra), []
        for name, layer in self.enc.items():
            x = layer(x) if name.endswith("conv") else layer(x, emb)
            skips.append(x)
        for name, layer in self.dec.items():
            if "aux" in name:
                x = layer(F.silu(x)) if name.endswith("aux_conv") else layer(x)
            else:
                x = layer(torch.cat([x, skips.pop()], dim=1) if "block" in name else x, emb)
        return x


# ---- DiT with adaLN-zero ----

def sincos_positions(side, width):
    """Rows of the grid in order; the first half of the channels encodes the column, the second the row; sines first."""
    omega = 10000.0 ** (-np.arange(width // 4) / (width / 4))
    row, column = np.divmod(np.arange(side * side), side)
    half = lambda p: np.concatenate([np.sin(np.outer(p, omega)), np.cos(np.outer(p, omega))], axis=1)
    return torch.tensor(np.concatenate([half(column), half(row)], axis=1))


def modulate(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(b, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(width // self.heads), dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        h = self.fc1(x)
        h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h ** 3)))
        return self.fc2(h)


class DiTBlock(nn.Module):
    def __init__(self, width, heads, ratio):
        super().__init__()
        self.attn, self.mlp = Attention(width, heads), Mlp(width, int(ratio * width))
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c).chunk(6, dim=1)
        x = x + gate1[:, None] * self.attn(modulate(x, shift1, scale1))
        return x + gate2[:, None] * self.mlp(modulate(x, shift2, scale2))


class DiT(nn.Module):
    def __init__(self, height, width, channels, patch, depth, hidden, heads, mlp_ratio=4, classes=0, extra=0, time_scale=1000):
        super().__init__()
        self.height, self.width, self.patch, self.time_scale = height, width, patch, time_scale
        self.x_embedder = nn.ModuleDict({"proj": nn.Linear(channels * patch * patch, hidden)})
        self.register_buffer("pos_embed", sincos_positions(height // patch, hidden))
        self.t_embedder = nn.ModuleDict({"mlp": nn.Sequential(nn.Linear(256, hidden), nn.SiLU(), nn.Linear(hidden, hidden))})
        if classes:
            self.y_embedder = nn.ModuleDict({"embedding_table": nn.Embedding(classes + 1, hidden)})
        if extra:
            self.extra_embedder = nn.Linear(extra, hidden)
        self.blocks = nn.ModuleList([DiTBlock(hidden, heads, mlp_ratio) for _ in range(depth)])
        self.final_layer = nn.ModuleDict({"adaLN_modulation": nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden)),
                                          "linear": nn.Linear(hidden, patch * patch * channels)})

    def forward(self, x, t, label=None, extra=None):
        b, channels, p = x.shape[0], x.shape[1], self.patch
        rows, columns = self.height // p, self.width // p
        x = x.reshape(b, channels, rows, p, columns, p).permute(0, 2, 4, 1, 3, 5)  # inner order c, py, px: a p x p convolution
        x = self.x_embedder["proj"](x.reshape(b, rows * columns, -1)) + self.pos_embed
        angle = self.time_scale * t[:, None] * torch.exp(-math.log(10000) * torch.arange(128) / 128)
        c = self.t_embedder["mlp"](torch.cat([angle.cos(), angle.sin()], dim=1))
        if label is not None:
            c = c + self.y_embedder["embedding_table"](label)
        if extra is not None:
            c = c + self.extra_embedder(extra)
        for block in self.blocks:
            x = block(x, c)
        shift, scale = self.final_layer["adaLN_modulation"](c).chunk(2, dim=1)
        x = self.final_layer["linear"](modulate(x, shift, scale))
        x = x.reshape(b, rows, columns, p, p, channels).permute(0, 5, 1, 3, 2, 4)  # inner order py, px, c
        return x.reshape(b, channels, self.height, self.width)


# ---- MLP of the 2-D toys ----

class ToyMlp(nn.Module):
    def __init__(self, dim, width, layers, features, classes=0, extra=0):
        super().__init__()
        self.features = features
        inputs = dim + 1 + features + (16 if classes else 0) + extra
        if classes:
            self.label = nn.Parameter(torch.empty(classes + 1, 16))
        self.layers = nn.ModuleList([nn.Linear(inputs if i == 0 else width, width) for i in range(layers)])
        self.out = nn.Linear(width, dim)

    def forward(self, x, t, label=None, extra=None):
        angle = math.pi * t[:, None] * 2.0 ** torch.arange(self.features // 2 - 1, -1, -1)  # highest frequency first
        parts = [x, t[:, None], angle.sin(), angle.cos()]
        if label is not None:
            parts.append(self.label[label])
        if extra is not None:
            parts.append(extra)
        h = torch.cat(parts, dim=1)
        for layer in self.layers:
            h = F.silu(layer(h))
        return self.out(h)


# ---- the two MNIST flows of other people that src/models reads (their code's layers, our conventions around them) ----

class Unpatch(nn.Module):
    """A transposed convolution that does not overlap; the weight is kept as a linear layer's."""

    def __init__(self, hidden, channels, patch):
        super().__init__()
        self.patch, self.weight, self.bias = patch, nn.Parameter(torch.empty(channels * patch * patch, hidden)), nn.Parameter(torch.empty(channels))

    def forward(self, x):
        weight = self.weight.T.reshape(x.shape[1], -1, self.patch, self.patch)
        return F.conv_transpose2d(x, weight, self.bias, stride=self.patch)


class MnistVit(nn.Module):
    def __init__(self, height, width, channels, patch, depth, hidden, heads, mlp, features, classes, limit):
        super().__init__()
        self.hidden, self.features, self.limit = hidden, features, limit
        self.grid = height // patch, width // patch
        self.patch_embed = nn.Conv2d(channels, hidden, patch, stride=patch)
        self.pos_embed = nn.Parameter(torch.empty(1, self.grid[0] * self.grid[1], hidden))
        self.y_encoder = nn.Embedding(classes + 1, features)
        self.transformer = nn.ModuleList([nn.TransformerEncoderLayer(hidden, heads, mlp, dropout=0.0, activation="gelu", batch_first=True)
                                          for _ in range(depth)])
        self.unpatch = Unpatch(hidden, channels, patch)

    def picture(self, x, s, label):
        """x1 in [0,1] from s x1 + (1-s) x0."""
        h = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        angle = s[:, None] * torch.exp(-math.log(10000) * torch.arange(self.features // 2) / (self.features // 2 - 1))
        time = torch.cat([angle.sin(), angle.cos()], dim=1)
        tokens = h.shape[1]
        h = torch.cat([h, time.reshape(len(x), -1, self.hidden), self.y_encoder(label).reshape(len(x), -1, self.hidden)], dim=1)
        for layer in self.transformer:
            h = layer(h)
        return self.unpatch(h[:, :tokens].transpose(1, 2).reshape(len(x), self.hidden, *self.grid))

    def forward(self, y, t, label=None, extra=None):
        u = t[:, None, None, None]
        picture = self.picture((y + u) / (1 + u), 2 * t / (1 + t), label)
        return (2 * picture - 1 - y) / (1 - u).clamp(min=self.limit)


class Affine(nn.Module):
    """A batch norm with its statistics folded in."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))

    def forward(self, x):
        return x * self.weight[:, None, None] + self.bias[:, None, None]


class MnistBlock(nn.Module):
    def __init__(self, channels, time, label):
        super().__init__()
        half = lambda: nn.Sequential(nn.SiLU(), Affine(channels), nn.Conv2d(channels, channels, 3, padding=1))
        adapter = lambda width: nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, channels))
        self.block1, self.time_adapter, self.y_adapter, self.block2 = half(), adapter(time), adapter(label), half()

    def forward(self, x, t, y):
        h = self.block1(x) + self.time_adapter(t)[:, :, None, None] + self.y_adapter(y)[:, :, None, None]
        return x + self.block2(h)


class MnistUnet(nn.Module):
    def __init__(self, height, width, channels, widths, blocks, waves, label_width, classes):
        super().__init__()
        self.time_embedder = nn.Module()
        self.time_embedder.register_buffer("weights", torch.linspace(-1.5, 1.7, waves)[None])
        self.y_embedder = nn.Embedding(classes + 1, label_width)
        level = lambda c: nn.ModuleList([MnistBlock(c, 2 * waves, label_width) for _ in range(blocks)])
        self.init_conv = nn.Sequential(nn.Conv2d(channels, widths[0], 3, padding=1), Affine(widths[0]), nn.SiLU())
        self.encoders = nn.ModuleList([nn.ModuleDict({"res_blocks": level(a), "downsample": nn.Conv2d(a, b, 3, stride=2, padding=1)})
                                       for a, b in zip(widths, widths[1:])])
        self.midcoder = nn.ModuleDict({"res_blocks": level(widths[-1])})
        up = lambda a, b: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(b, a, 3, padding=1))
        self.decoders = nn.ModuleList([nn.ModuleDict({"upsample": up(a, b), "res_blocks": level(a)})
                                       for a, b in reversed(list(zip(widths, widths[1:])))])
        self.final_conv = nn.Conv2d(widths[0], channels, 3, padding=1)

    def forward(self, x, t, label=None, extra=None):
        angle = 2 * math.pi * t[:, None] * self.time_embedder.weights
        time, y, kept = math.sqrt(2) * torch.cat([angle.sin(), angle.cos()], dim=1), self.y_embedder(label), []
        h = self.init_conv(x)
        for side in self.encoders:
            for block in side["res_blocks"]:
                h = block(h, time, y)
            h = side["downsample"](h)
            kept.append(h)
        for block in self.midcoder["res_blocks"]:
            h = block(h, time, y)
        for side in self.decoders:
            h = side["upsample"](h + kept.pop())
            for block in side["res_blocks"]:
                h = block(h, time, y)
        return self.final_conv(h)


# ---- writing ----

def round_to_f32(tensor):
    return tensor.float().double()


def randomise(net, rng):
    """Weights of variance 1/fan-in, biases and tables of order 0.1 to 1, gains around 1: the signal keeps its size."""
    for name, p in net.named_parameters():
        noise = torch.tensor(rng.standard_normal(tuple(p.shape)))
        if p.dim() >= 2 and "label" not in name and "table" not in name:
            noise = noise / math.sqrt(p[0].numel())
        elif "norm" in name and name.endswith("weight"):
            noise = 1 + 0.2 * noise
        else:
            noise = 0.3 * noise
        p.data = round_to_f32(noise)
    for p in net.buffers():
        p.data = round_to_f32(p.data)


def channels_last(x):
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def make(name, kind, cls, settings, rows, seed):
    rng = np.random.default_rng(seed)
    net = cls(**settings)
    randomise(net, rng)
    shape = (rows, settings["dim"]) if kind == "mlp" else (rows, settings["channels"], settings["height"], settings["width"])
    x = round_to_f32(torch.tensor(rng.standard_normal(shape))).requires_grad_()
    target = round_to_f32(torch.tensor(rng.standard_normal(shape)))
    t = round_to_f32(torch.tensor(np.linspace(0.0, 1.0, rows) * 0.9 + 0.03))
    classes, width = settings.get("classes", 0), settings.get("extra", 0)
    label = torch.tensor([classes] + [(3 * i) % classes for i in range(1, rows)]) if classes else None  # row 0: no class
    extra = round_to_f32(torch.tensor(rng.standard_normal((rows, width)))) if width else None
    v = net(x, t, label, extra)
    loss = ((v - target) ** 2).mean()
    loss.backward()

    f32 = lambda a: a.detach().numpy().astype(np.float32)
    tensors = {"x": f32(channels_last(x)), "t": f32(t), "target": f32(channels_last(target)), "v": f32(channels_last(v)),
               "loss": f32(loss.reshape(1)), "g:x": f32(channels_last(x.grad))}
    if label is not None:
        tensors["label"] = label.numpy().astype(np.int32)
    if extra is not None:
        tensors["extra"] = f32(extra)
    for key, p in net.named_parameters():
        tensors["w/" + key], tensors["g/" + key] = f32(p), f32(p.grad)
    for key, p in net.named_buffers():
        tensors["b/" + key] = f32(p)
    path = os.path.join(HERE, name + ".safetensors")
    save(path, tensors, {"strait.model": json.dumps({"kind": kind, "settings": settings}), "seed": str(seed),
                         "torch": torch.__version__, "numpy": np.__version__, "script": "tests/golden/make_golden.py"})
    smallest = min(float(p.grad.abs().max()) for p in net.parameters())
    print(f"{name}: {sum(p.numel() for p in net.parameters())} parameters, {os.path.getsize(path)} bytes, loss {float(loss):.6f}, "
          f"smallest largest gradient {smallest:.2e}")


if __name__ == "__main__":
    make("unet28", "unet", UNet, dict(height=28, width=28, channels=1, base=8, multipliers=[1, 2, 2], blocks=1, attention=[14],
                                      classes=10), rows=3, seed=1)
    make("unet32", "unet", UNet, dict(height=32, width=32, channels=3, base=8, multipliers=[2, 2], blocks=2, attention=[16],
                                      heads=2, extra=5), rows=2, seed=2)
    make("dit16", "dit", DiT, dict(height=16, width=16, channels=3, patch=2, depth=2, hidden=48, heads=3, classes=10), rows=3, seed=3)
    make("mlp2", "mlp", ToyMlp, dict(dim=2, width=24, layers=3, features=8, classes=4, extra=3), rows=5, seed=4)
    make("mnist_vit", "mnist_vit", MnistVit, dict(height=12, width=8, channels=2, patch=4, depth=2, hidden=16, heads=2, mlp=24, features=32,
                                                  classes=5, limit=0.1), rows=3, seed=5)
    make("mnist_unet", "mnist_unet", MnistUnet, dict(height=8, width=12, channels=1, widths=[4, 6, 8], blocks=1, waves=5, label_width=3,
                                                     classes=5), rows=3, seed=6)
