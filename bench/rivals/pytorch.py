#!/usr/bin/python3
"""The same network with the same weights in PyTorch and in strait, on the same machine in turn.

    /usr/bin/python3 bench/rivals/pytorch.py --model models/fashion-rf.safetensors --rows 1,4,16
    /usr/bin/python3 bench/rivals/pytorch.py --network dit-s2 --rows 1,4          (random weights)

Debian 12's python3-torch (1.13), python3-numpy. PyTorch runs eager in f32, in bf16, and traced + frozen + optimised for inference
(what 1.13 has for compiling), U-Nets also with channels last; the best of them counts. `strait bench model` is called for both dtypes. The
two take turns for --rounds rounds; a ratio is the median of the rounds' ratios. That both compute the same
is what src/models/golden_test.c proves with the same classes.

Not a dependency: nothing else in the project needs it."""
import argparse
import copy
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import make_golden  # noqa: E402  the networks, written from the papers

NETWORKS = {
    "dit-s2": ("dit", dict(height=32, width=32, channels=4, patch=2, depth=12, hidden=384, heads=6, classes=1000)),
    "dit-b2": ("dit", dict(height=32, width=32, channels=4, patch=2, depth=12, hidden=768, heads=12, classes=1000)),
    "sit-xl2": ("dit", dict(height=32, width=32, channels=4, patch=2, depth=28, hidden=1152, heads=16, classes=1000)),
    "unet-7m": ("unet", dict(height=32, width=32, channels=3, base=64, multipliers=[1, 2, 2], blocks=2, attention=[16], classes=10)),
    "unet-16m": ("unet", dict(height=32, width=32, channels=3, base=96, multipliers=[1, 2, 2], blocks=2, attention=[16], classes=10)),
}
CLASSES = {"unet": make_golden.UNet, "dit": make_golden.DiT}


def build(kind, config):
    torch.set_default_dtype(torch.float32)
    config = {k: v for k, v in config.items() if v and k not in ("dropout", "refines")}
    net = CLASSES[kind](**config)
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.02)
    return net.float().eval(), config


def load(path):
    """Our checkpoint: settings in the metadata, weights by the names of the paper's code."""
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
        data = f.read()
    model = json.loads(header["__metadata__"]["strait.model"])
    net, config = build(model["kind"], model["settings"])
    state = net.state_dict()
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":
            array = (np.frombuffer(data[begin:end], np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            array = np.frombuffer(data[begin:end], np.float32)
        state[name].copy_(torch.from_numpy(array.copy()).reshape(entry["shape"]))
    return net, config


def variants(net, kind, inputs):
    """Name, dtype and a function of no arguments."""
    def eager(n, args):
        return lambda: n(*args)

    def halves(n, args):
        """All in bf16: autocast of 1.13 refuses group norms. The default type is what the networks make their tables of."""
        low = copy.deepcopy(n).bfloat16()
        args = tuple(a.bfloat16() if a.is_floating_point() else a for a in args)

        def run():
            torch.set_default_dtype(torch.bfloat16)
            try:
                return low(*args)
            finally:
                torch.set_default_dtype(torch.float32)
        return run

    yield "eager f32", "f32", eager(net, inputs)
    yield "eager bf16", "bf16", halves(net, inputs)
    if kind == "unet":
        last = copy.deepcopy(net).to(memory_format=torch.channels_last)
        args = (inputs[0].to(memory_format=torch.channels_last), *inputs[1:])
        yield "channels last f32", "f32", eager(last, args)
        yield "channels last bf16", "bf16", halves(last, args)
    try:
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, inputs, check_trace=False)))
        frozen(*inputs)
        yield "traced, frozen f32", "f32", eager(frozen, inputs)
    except RuntimeError as error:
        print(f"    traced, frozen: {str(error).splitlines()[0]}", file=sys.stderr)


def seconds(run, budget):
    """As src/base/stopwatch.c does: the second best of seven samples."""
    start, warm = time.perf_counter(), 0
    while warm == 0 or time.perf_counter() - start < budget / 10:
        run()
        warm += 1
    times = int(budget / 7 / ((time.perf_counter() - start) / warm)) + 1
    samples = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(times):
            run()
        samples.append((time.perf_counter() - start) / times)
    return sorted(samples)[1]


def strait(args, dtype, rows):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        source = ["-m", args.model] if args.model else ["--network", args.network]
        subprocess.run([args.strait, "bench", "model", *source, "--dtype", dtype, "--rows", str(rows), "--budget", str(args.budget), "-t",
                        str(args.threads), "--json", report.name], check=True, stdout=subprocess.DEVNULL)
        return json.load(open(report.name))["rows"][0]["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--network", choices=NETWORKS, default="dit-s2")
    parser.add_argument("--rows", default="1,4,16")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=1.0, help="seconds a figure")
    parser.add_argument("--strait", default=os.path.join(ROOT, "build", "strait"))
    parser.add_argument("--json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
    kind = NETWORKS[args.network][0]
    if args.model:
        net, config = load(args.model)
        kind = "unet" if isinstance(net, make_golden.UNet) else "dit"
    else:
        net, config = build(*NETWORKS[args.network])
    print(f"{args.model or args.network}: {sum(p.numel() for p in net.parameters()) / 1e6:.2f} M parameters, {args.threads} threads, PyTorch {torch.__version__}")
    print(f"{'rows':>4} {'dtype':>5} {'strait ms':>10} {'PyTorch ms':>11} {'ratio':>6}  best rival variant")
    lines = []
    for rows in map(int, args.rows.split(",")):
        inputs = (torch.randn(rows, config["channels"], config["height"], config["width"]), torch.rand(rows),
                  torch.arange(rows) % config["classes"] if config.get("classes") else None)
        rounds = {"f32": [], "bf16": []}
        with torch.no_grad():
            rivals = list(variants(net, kind, tuple(i for i in inputs if i is not None)))
            for _ in range(args.rounds):
                theirs = {}
                for name, dtype, run in rivals:
                    took = seconds(run, args.budget)
                    if dtype not in theirs or took < theirs[dtype][0]:
                        theirs[dtype] = took, name
                for dtype in rounds:
                    rounds[dtype].append((strait(args, dtype, rows), *theirs[dtype]))
        for dtype, took in rounds.items():
            ratio = statistics.median(t[1] / t[0] for t in took)
            ours, other = statistics.median(t[0] for t in took), statistics.median(t[1] for t in took)
            print(f"{rows:4d} {dtype:>5} {1e3 * ours:10.3f} {1e3 * other:11.3f} {ratio:6.2f}  {took[-1][2]}", flush=True)
            lines.append(dict(rows=rows, dtype=dtype, strait=ours, pytorch=other, ratio=ratio, variant=took[-1][2]))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(dict(model=args.model or args.network, threads=args.threads, torch=torch.__version__, rows=lines), f, indent=2)


if __name__ == "__main__":
    main()
