"""A training step in PyTorch beside strait's, in turn: velocity loss, backward, clipping, AdamW and the moving average of the weights, on random
images; bf16 with f32 master weights on both sides (PyTorch: autocast, fused AdamW, U-Nets channels last; --compile for inductor).

    VENV/bin/python bench/rivals/train.py --networks unet-4m,dit-s2 --batch 64"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import networks
import torch

SETTINGS = {
    "unet-4m": ("unet", dict(height=32, width=32, channels=3, base=64, multipliers=[1, 2, 2], blocks=1, attention=[16], classes=10)),
    "dit-s2": ("dit", dict(height=32, width=32, channels=4, patch=2, depth=12, hidden=384, heads=6, classes=10)),
}


class Rival:
    """One step a call."""

    def __init__(self, kind, settings, batch, compiled):
        self.net = networks.create(kind, settings).train()
        for p in self.net.parameters():
            torch.nn.init.normal_(p, std=0.02)
        self.last = torch.channels_last if kind == "unet" else torch.contiguous_format
        self.net = self.net.to(memory_format=self.last)
        self.parameters = list(self.net.parameters())
        self.average = [p.detach().clone() for p in self.parameters]
        self.adam = torch.optim.AdamW(self.parameters, lr=1e-4, fused=True)
        self.forward = torch.compile(self.net, dynamic=False) if compiled else self.net
        self.data = torch.randn(batch, settings["channels"], settings["height"], settings["width"]).to(memory_format=self.last)
        self.label = torch.arange(batch) % settings["classes"]

    def step(self):
        noise, t = torch.randn_like(self.data), torch.rand(len(self.data))
        at = t[:, None, None, None]
        with torch.autocast("cpu", torch.bfloat16):
            v = self.forward((1 - at) * noise + at * self.data, t, self.label)
        loss = torch.mean((v.float() - (self.data - noise)) ** 2)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1)
        self.adam.step()
        torch._foreach_lerp_(self.average, self.parameters, 1e-3)
        return float(loss.detach())


def strait(args, recipe):
    """images/s of the fastest of a few steps, on random images (the recipe must name data all the same)."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        subprocess.run([args.strait, "bench", "train", recipe, "--batch", str(args.batch), "--steps", str(args.steps), "-t", str(args.threads), "--budget", "0", "--json", report.name],
                       check=True, stdout=subprocess.DEVNULL)
        return json.load(open(report.name))["images_per_second"]


def theirs(args, rival):
    rival.step()
    times = []
    for _ in range(args.steps):
        start = time.perf_counter()
        loss = rival.step()
        times.append(time.perf_counter() - start)
    assert loss == loss, "the rival's loss is not a number"
    return args.batch / min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="unet-4m,dit-s2")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--micro-batch", type=int, default=8, help="of strait; PyTorch runs the whole batch at once")
    parser.add_argument("--steps", type=int, default=3, help="of a turn; the fastest counts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--strait", default=os.path.join(networks.ROOT, "build", "strait"))
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    lines = []
    print(f"batch {args.batch}, {args.threads} threads, PyTorch {torch.__version__}{' compiled' if args.compile else ''}\n{'network':9} {'strait images/s':>16} {'PyTorch':>9} {'ratio':>6}")
    for name in args.networks.split(","):
        kind, settings = SETTINGS[name]
        rival = Rival(kind, settings, args.batch, args.compile)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as recipe:
            json.dump({"model": {"kind": kind, **settings}, "data": {"name": "cifar10"}, "train": {"steps": 100, "batch": args.batch, "micro_batch": args.micro_batch, "lr": 1e-4, "dtype": "bf16", "clip": 1, "ema": 0.999}}, recipe)
            recipe.flush()
            pairs = [(strait(args, recipe.name), theirs(args, rival)) for _ in range(args.rounds)]
        ours, other = (statistics.median(p[i] for p in pairs) for i in (0, 1))
        ratio = statistics.median(p[0] / p[1] for p in pairs)
        print(f"{name:9} {ours:16.1f} {other:9.1f} {ratio:6.2f}", flush=True)
        lines.append({"network": name, "strait": ours, "pytorch": other, "ratio": ratio})
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"batch": args.batch, "threads": args.threads, "torch": torch.__version__, "compiled": args.compile, "rows": lines}, f, indent=1)


if __name__ == "__main__":
    main()
