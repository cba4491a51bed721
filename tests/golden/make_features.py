#!/usr/bin/python3
"""Golden tensors of the feature networks for src/models/features_test.c.

    /usr/bin/python3 tests/golden/make_features.py        (Debian 12: python3-torch 1.13, python3-numpy)

The published weights are large or not at hand, so every number of every weight file is a function of (tensor name, index), the same
here and in the test: `numbers`. The networks are written with torch.nn.functional from the papers and the public code named in
src/models/features/, batch norms unfolded, in float64; results are stored as float32:

    NET/x          pictures [B,H,W,C] in [-1,1]
    NET/features   NET/logits   NET/tap0 ...: the mean over pixels of each tap [B,C]
    LPIPS/a LPIPS/b, LPIPS/d [B], LPIPS/grad: d(sum d)/da
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_golden import HERE, save  # noqa: E402

torch.set_default_dtype(torch.float64)
torch.set_num_threads(2)


def numbers(name, count):
    """Uniform in [0,1): splitmix64 of the FNV-1a hash of the name plus the index times the golden ratio; 24 bits."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**24


def tensor(name, *shape):
    """A tensor of a weight file, rounded to float32."""
    u = numbers(name, int(np.prod(shape)))
    last = name.rsplit(".", 1)[-1]
    if len(shape) > 1:  # He: the size of what flows through stays
        v = (2 * u - 1) * np.sqrt(6.0 / np.prod(shape[1:]))
    elif last in ("running_var", "weight"):
        v = 0.5 + u
    else:
        v = 0.2 * (2 * u - 1)
    return torch.from_numpy(v.astype(np.float32).astype(np.float64)).reshape(shape)


def picture(name, *shape):
    return torch.from_numpy((2 * numbers(name, int(np.prod(shape))) - 1).astype(np.float32).astype(np.float64)).reshape(shape)


def conv(name, x, width, k, stride=1, pad=0, relu=True):
    kh, kw = (k, k) if isinstance(k, int) else k
    x = F.conv2d(x, tensor(name + ".weight", width, x.shape[1], kh, kw), tensor(name + ".bias", width), stride, pad)
    return F.relu(x) if relu else x


def norm(name, x, eps):
    c = x.shape[1]
    return F.batch_norm(x, tensor(name + ".running_mean", c), tensor(name + ".running_var", c), tensor(name + ".weight", c),
                        tensor(name + ".bias", c), False, 0, eps)


def linear(name, x, width, bias=True):
    return F.linear(x, tensor(name + ".weight", width, x.shape[1]), tensor(name + ".bias", width) if bias else None)


def imagenet(x):
    """x in [-1,1], [B,3,H,W], as torchvision's networks want it."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((x + 1) / 2 - mean[:, None, None]) / std[:, None, None]


# ---- akamaster/pytorch_resnet_cifar10 ----

def resnet(x, depth):
    def cn(name, bn, x, width, stride):
        x = F.conv2d(x, tensor(name + ".weight", width, x.shape[1], 3, 3), None, stride, 1)
        return norm(bn, x, 1e-5)

    h, taps = F.relu(cn("module.conv1", "module.bn1", imagenet(x), 16, 1)), []
    for s in range(3):
        for i in range((depth - 2) // 6):
            n, width, stride = f"module.layer{s + 1}.{i}.", 16 << s, 2 if s and not i else 1
            y = F.relu(cn(n + "conv1", n + "bn1", h, width, stride))
            y = cn(n + "conv2", n + "bn2", y, width, 1)
            if stride == 2:
                h = F.pad(h[:, :, ::2, ::2], (0, 0, 0, 0, width // 4, width // 4))
            h = F.relu(y + h)
        taps.append(h)
    f = h.mean((2, 3))
    return f, linear("module.linear", f, 10), taps


# ---- SqueezeNet 1.1: torchvision, and the Caffe file in ncnn form ----

def squeezenet(x, caffe):
    if caffe:
        x = (x * 127.5 + 127.5).flip(1) - torch.tensor([104.0, 117.0, 123.0])[:, None, None]
        first, last, pad = "conv1", "conv10", 1
        fires = [f"fire{i}/" for i in range(2, 10)]
    else:
        x = imagenet(x)
        first, last, pad = "features.0", "classifier.1", 0
        fires = [f"features.{i}." for i in (3, 4, 6, 7, 9, 10, 11, 12)]
    h = conv(first, x, 64, 3, 2)
    taps = [h]
    for i, n in enumerate(fires):
        if i in (0, 2, 4):
            h = F.max_pool2d(h, 3, 2, ceil_mode=True)
        s = 16 * (i // 2 + 1)
        h = conv(n + ("squeeze1x1" if caffe else "squeeze"), h, s, 1)
        h = torch.cat([conv(n + "expand1x1", h, 4 * s, 1), conv(n + "expand3x3", h, 4 * s, 3, 1, 1)], 1)
        if i == 1 or i > 2:
            taps.append(h)
    return h.mean((2, 3)), conv(last, h, 1000, 1, 1, pad).mean((2, 3)), taps


# ---- torchvision's VGG-16 and AlexNet; the classifiers are 500 MB and stay out ----

def vgg16(x):
    h, taps, index = imagenet(x), [], 0
    for stage, (count, width) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))):
        if stage:
            h, index = F.max_pool2d(h, 2), index + 1
        for _ in range(count):
            h, index = conv(f"features.{index}", h, width, 3, 1, 1), index + 2
        taps.append(h)
    return None, None, taps


def alexnet(x, head=False):
    h = conv("features.0", imagenet(x), 64, 11, 4, 2)
    taps = [h]
    h = conv("features.3", F.max_pool2d(h, 3, 2), 192, 5, 1, 2)
    taps.append(h)
    h = conv("features.6", F.max_pool2d(h, 3, 2), 384, 3, 1, 1)
    taps.append(h)
    for i in (8, 10):
        h = conv(f"features.{i}", h, 256, 3, 1, 1)
        taps.append(h)
    if not head:
        return None, None, taps
    h = F.max_pool2d(h, 3, 2).flatten(1)  # 256 x 6 x 6
    h = F.relu(linear("classifier.1", h, 4096))
    f = F.relu(linear("classifier.4", h, 4096))
    return f, linear("classifier.6", f, 1000), taps


# ---- FID Inception v3: mseitzer/pytorch-fid ----

def inception(x, prepare):
    def c(name, x, width, k, stride=1, pad=0):
        kh, kw = (k, k) if isinstance(k, int) else k
        x = F.conv2d(x, tensor(name + ".conv.weight", width, x.shape[1], kh, kw), None, stride, pad)
        return F.relu(norm(name + ".bn", x, 1e-3))

    def mean(x):
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    def a(n, x, pooled):
        p1 = c(n + "branch1x1", x, 64, 1)
        p5 = c(n + "branch5x5_2", c(n + "branch5x5_1", x, 48, 1), 64, 5, 1, 2)
        p3 = c(n + "branch3x3dbl_2", c(n + "branch3x3dbl_1", x, 64, 1), 96, 3, 1, 1)
        p3 = c(n + "branch3x3dbl_3", p3, 96, 3, 1, 1)
        return torch.cat([p1, p5, p3, c(n + "branch_pool", mean(x), pooled, 1)], 1)

    def b(n, x):
        p3 = c(n + "branch3x3", x, 384, 3, 2)
        d = c(n + "branch3x3dbl_2", c(n + "branch3x3dbl_1", x, 64, 1), 96, 3, 1, 1)
        return torch.cat([p3, c(n + "branch3x3dbl_3", d, 96, 3, 2), F.max_pool2d(x, 3, 2)], 1)

    def seven(n, x, c7):
        p1 = c(n + "branch1x1", x, 192, 1)
        s = c(n + "branch7x7_2", c(n + "branch7x7_1", x, c7, 1), c7, (1, 7), 1, (0, 3))
        s = c(n + "branch7x7_3", s, 192, (7, 1), 1, (3, 0))
        d = c(n + "branch7x7dbl_2", c(n + "branch7x7dbl_1", x, c7, 1), c7, (7, 1), 1, (3, 0))
        d = c(n + "branch7x7dbl_3", d, c7, (1, 7), 1, (0, 3))
        d = c(n + "branch7x7dbl_4", d, c7, (7, 1), 1, (3, 0))
        d = c(n + "branch7x7dbl_5", d, 192, (1, 7), 1, (0, 3))
        return torch.cat([p1, s, d, c(n + "branch_pool", mean(x), 192, 1)], 1)

    def d(n, x):
        p3 = c(n + "branch3x3_2", c(n + "branch3x3_1", x, 192, 1), 320, 3, 2)
        s = c(n + "branch7x7x3_2", c(n + "branch7x7x3_1", x, 192, 1), 192, (1, 7), 1, (0, 3))
        s = c(n + "branch7x7x3_3", s, 192, (7, 1), 1, (3, 0))
        return torch.cat([p3, c(n + "branch7x7x3_4", s, 192, 3, 2), F.max_pool2d(x, 3, 2)], 1)

    def e(n, x, pooled):
        p3 = c(n + "branch3x3_1", x, 384, 1)
        p3 = torch.cat([c(n + "branch3x3_2a", p3, 384, (1, 3), 1, (0, 1)), c(n + "branch3x3_2b", p3, 384, (3, 1), 1, (1, 0))], 1)
        q = c(n + "branch3x3dbl_2", c(n + "branch3x3dbl_1", x, 448, 1), 384, 3, 1, 1)
        q = torch.cat([c(n + "branch3x3dbl_3a", q, 384, (1, 3), 1, (0, 1)), c(n + "branch3x3dbl_3b", q, 384, (3, 1), 1, (1, 0))], 1)
        return torch.cat([c(n + "branch1x1", x, 320, 1), p3, q, c(n + "branch_pool", pooled, 192, 1)], 1)

    h = c("Conv2d_2a_3x3", c("Conv2d_1a_3x3", prepare(x), 32, 3, 2), 32, 3)
    h = F.max_pool2d(c("Conv2d_2b_3x3", h, 64, 3, 1, 1), 3, 2)
    taps = [h]
    h = F.max_pool2d(c("Conv2d_4a_3x3", c("Conv2d_3b_1x1", h, 80, 1), 192, 3), 3, 2)
    taps.append(h)
    for n, pooled in (("b", 32), ("c", 64), ("d", 64)):
        h = a(f"Mixed_5{n}.", h, pooled)
    h = b("Mixed_6a.", h)
    for n, c7 in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
        h = seven(f"Mixed_6{n}.", h, c7)
    taps.append(h)
    h = d("Mixed_7a.", h)
    h = e("Mixed_7b.", h, mean(h))
    h = e("Mixed_7c.", h, F.max_pool2d(h, 3, 1, 1))
    taps.append(h)
    f = h.mean((2, 3))
    return f, linear("fc", f, 1008, bias=False), taps


def tensorflow1(x, size=299):
    """Bilinear as tf.image.resize_bilinear(align_corners=False) of TensorFlow 1: output o reads at o * in / out."""
    for axis in (2, 3):
        n = x.shape[axis]
        at = torch.arange(size) * (n / size)
        low = at.floor().long()
        high, share = (low + 1).clamp(max=n - 1), at - low
        share = share.reshape([-1 if k == axis else 1 for k in range(4)])
        x = x.index_select(axis, low) * (1 - share) + x.index_select(axis, high) * share
    return x


def torch_fidelity(x):
    return tensorflow1((x * 127.5 + 127.5 - 128) / 128)


def pytorch_fid(x):
    return F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)


# ---- LPIPS v0.1: richzhang/PerceptualSimilarity ----

def lpips(net, a, b):
    total = 0
    for i, (x, z) in enumerate(zip(net(a)[2], net(b)[2])):
        x, z = (t / (t.pow(2).sum(1, keepdim=True).sqrt() + 1e-10) for t in (x, z))
        head = torch.from_numpy(numbers(f"lin{i}.model.1.weight", x.shape[1]).astype(np.float32).astype(np.float64))
        total = total + ((x - z).pow(2) * head[:, None, None]).sum(1).mean((1, 2))
    return total


def stored(t):
    return np.ascontiguousarray(t.detach().numpy().astype(np.float32))


def main():
    out = {}
    cases = [
        ("resnet20", lambda x: resnet(x, 20), (2, 32, 32)),
        ("squeezenet", lambda x: squeezenet(x, False), (2, 61, 70)),
        ("squeezenet-caffe", lambda x: squeezenet(x, True), (2, 61, 70)),
        ("vgg16", vgg16, (1, 48, 40)),
        ("alexnet", alexnet, (2, 67, 80)),
        ("alexnet-head", lambda x: alexnet(x, True), (1, 224, 224)),
        ("inception", lambda x: inception(x, torch_fidelity), (1, 32, 32)),
        ("inception-pytorch", lambda x: inception(x, pytorch_fid), (1, 24, 37)),
    ]
    for name, net, size in cases:
        b, h, w = size
        x = picture(name, b, h, w, 3)
        f, logits, taps = net(x.permute(0, 3, 1, 2))
        if f is not None:
            out[f"{name}/features"], out[f"{name}/logits"] = stored(f), stored(logits)
        for i, t in enumerate(taps):
            out[f"{name}/tap{i}"] = stored(t.mean((2, 3)))
        print(name, "features", None if f is None else float(f.abs().mean()), "tap", float(taps[-1].abs().mean()))
    for name, net in (("lpips-vgg", vgg16), ("lpips-alex", alexnet), ("lpips-squeeze", lambda x: squeezenet(x, False)),
                      ("perceptual-squeeze-caffe", lambda x: squeezenet(x, True))):
        a, b = (picture(f"{name}/{k}", 2, 40, 48, 3).permute(0, 3, 1, 2).clone().requires_grad_() for k in "ab")
        d = lpips(net, a, b)
        grad, = torch.autograd.grad(d.sum(), a)
        assert torch.isfinite(grad).all()
        out[f"{name}/d"], out[f"{name}/grad"] = stored(d), stored(grad.permute(0, 2, 3, 1))
        print(name, d.tolist(), float(grad.abs().max()))
    save(os.path.join(HERE, "features.safetensors"), out,
         {"torch": torch.__version__, "numpy": np.__version__, "script": "tests/golden/make_features.py"})


if __name__ == "__main__":
    main()
