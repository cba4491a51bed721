"""A rival's side of the protocol of `strait bench turns`: 'time ROWS CALLS' answers seconds, 'values ROWS FILE' how far the answer is from
the one in the file, which `strait` wrote."""
import argparse
import gc
import sys
import time

import networks
import numpy as np
import torch


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--rival", required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return args


def relative(ours, theirs):
    """Root of the mean square of the difference over that of ours."""
    return float(np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(ours ** 2)))


def serve(prepare):
    """prepare(inputs): a function of no arguments that computes v [rows, C, H, W] of those inputs (names to f32 and i64 torch tensors), and one that
    gives it as a numpy array."""
    settings = networks.json.loads(networks.tensors(sys.argv[sys.argv.index("--model") + 1])[0]["strait.model"])["settings"]
    rows, run = 0, None
    print("ready", flush=True)
    for line in sys.stdin:
        what, count, last = line.split(maxsplit=2)
        if int(count) != rows:
            run = None
            gc.collect()
            rows = int(count)
            run, _ = prepare(networks.inputs(settings, rows))
        if what == "time":
            start = time.perf_counter()
            for _ in range(int(last)):
                run()
            print(f"{time.perf_counter() - start:.9f}", flush=True)
        else:
            _, file = networks.tensors(last.strip())
            given = {"x": torch.from_numpy(file["x"].copy()).permute(0, 3, 1, 2).contiguous(), "t": torch.from_numpy(file["t"].copy())}
            if "label" in file:
                given["label"] = torch.from_numpy(file["label"].astype(np.int64))
            _, answer = prepare(given)
            print(f"{relative(np.transpose(file['v'], (0, 3, 1, 2)), answer()):.6f}", flush=True)
