#!/usr/bin/python3
"""strait and its rivals on the same network with the same weights, in turn: one table a shape.

    bench/rivals/run.py --python VENV/bin/python                        everything; --seconds, --networks and --rivals make it shorter
    bench/rivals/run.py --python VENV/bin/python --prepare              check all answers and fill the compilers' caches; times nothing
    bench/rivals/run.py --python VENV/bin/python --networks dit-b2 --rows 1 --rivals openvino-bf16,torch-compiled-bf16

Each engine is a process that waits for its turn. A pair is some calls of ours, then some of the rival's; the figure is the median of the
pairs' ratios. Rivals are first asked for their answer to the inputs of ours: its relative difference is in the table. README.md beside this
file says how to install them; those that are not there are left out with a message. Needs nothing but Python itself."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RIVALS = {  # name: script, and our dtype that stands beside it
    "torch-eager-bf16": ("with_torch.py", "bf16"),
    "torch-compiled-bf16": ("with_torch.py", "bf16"),
    "openvino-bf16": ("with_openvino.py", "bf16"),
    "openvino-int8": ("with_openvino.py", "int8"),
    "onnx-int8": ("with_onnx.py", "int8"),
    "torch-compiled-f32": ("with_torch.py", "f32"),
    "openvino-f32": ("with_openvino.py", "f32"),
    "onnx-f32": ("with_onnx.py", "f32"),
}
NETWORKS = ["unet-7m", "unet-16m", "dit-s2", "dit-b2", "sit-xl2"]
# A relative difference above this is another network, not another rounding. OpenVINO told to use bf16 rounds the angles of the time too,
# which alone makes 0.19 in the U-Net of 7 M.
LIMITS = {"f32": 1e-3, "bf16": 0.3, "int8": 0.5}


class Engine:
    """A process that answers a line for a line."""

    def __init__(self, command, log):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self.read()

    def read(self):
        """The next answer; other lines are what libraries print."""
        for line in self.process.stdout:
            word = line.strip()
            if word in ("ready", "written") or word.replace(".", "", 1).replace("nan", "0").isdigit():
                return word
        raise RuntimeError("ended without an answer")

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.read()

    def seconds(self, rows, calls):
        return float(self.ask("time", rows, calls)) / calls

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def fit(engine, rows, budget):
    """How many calls take about `budget` seconds, and what one takes; also the warm-up."""
    once = engine.seconds(rows, 1)
    if once < budget:
        once = engine.seconds(rows, 1)
    return max(1, int(budget / once)), once


def compare(ours, theirs, rows, args):
    """Median seconds of each and of their ratio; the largest number of pairs that args.seconds allow, at least one, at most nine."""
    calls, one = fit(ours, rows, args.turn)
    calls2, other = fit(theirs, rows, args.turn)
    pairs = []
    count = max(1, min(9, int(args.seconds / (calls * one + calls2 * other))))
    for _ in range(count):
        pairs.append((ours.seconds(rows, calls), theirs.seconds(rows, calls2)))
    return {"strait": statistics.median(p[0] for p in pairs), "rival_seconds": statistics.median(p[1] for p in pairs),
            "ratio": statistics.median(p[1] / p[0] for p in pairs), "pairs": count}


def network_file(args, name):
    path = os.path.join(args.folder, name + ".safetensors")
    if not os.path.exists(path):
        subprocess.run([args.strait, "bench", "turns", "--network", name, "--save", path], check=True)
    return path


def one_rival(args, network, name, ours, log):
    """Rows of one rival on one network."""
    script, dtype = RIVALS[name]
    path = network_file(args, network)
    try:
        rival = Engine([args.python, os.path.join(HERE, script), "--model", path, "--rival", name, "--threads", str(args.threads)], log)
    except (RuntimeError, OSError):
        print(f"{network:9} {name:20} does not run here (see {log.name})", flush=True)
        return []
    lines = []
    try:
        for rows in args.rows:
            if network == "sit-xl2" and rows > args.largest_rows:
                continue
            values = os.path.join(args.folder, f"{network}-{dtype}-{rows}.values")
            if not os.path.exists(values):
                ours.ask("values", rows, values)
            difference = float(rival.ask("values", rows, values))
            line = {"network": network, "rival": name, "dtype": dtype, "rows": rows, "difference": difference}
            if not difference <= LIMITS[dtype]:
                print(f"{network:9} {name:20} {rows:4d} differs by {difference}: not the same network", flush=True)
                continue
            if not args.prepare:
                line.update(compare(ours, rival, rows, args))
                print(f"{network:9} {name:20} {rows:4d} {1e3 * line['strait']:10.2f} {1e3 * line['rival_seconds']:10.2f} {line['ratio']:7.2f} {line['pairs']:5d} {difference:10.2g}", flush=True)
            else:
                rival.seconds(rows, 1)
                print(f"{network:9} {name:20} {rows:4d} answers alike to {difference:.2g}", flush=True)
            lines.append(line)
    except (RuntimeError, BrokenPipeError) as error:
        print(f"{network:9} {name:20} {error} (see {log.name})", flush=True)
    rival.close()
    return lines


def ggml_bound(args, network, ours, dtype):
    """ggml's products alone beside all of our network: at least so much slower would it be."""
    kind, lines = {"f32": "f32", "bf16": "bf16", "int8": "q8_0"}[dtype], []
    for rows in args.rows:
        if not network.startswith("unet") and not (network == "sit-xl2" and rows > args.largest_rows) and not args.prepare:
            pairs = []
            calls, one = fit(ours, rows, args.turn)
            while not pairs or len(pairs) < 3 and one < 0.5:
                mine = ours.seconds(rows, calls)
                output = subprocess.run([args.ggml, network, str(rows), kind, str(args.threads), str(args.turn)], capture_output=True, text=True, check=True).stdout
                pairs.append((mine, float(output) / 1e3))
            line = {"network": network, "rival": "ggml-" + kind + "-products", "dtype": dtype, "rows": rows, "pairs": len(pairs), "strait": statistics.median(p[0] for p in pairs),
                    "rival_seconds": statistics.median(p[1] for p in pairs), "ratio": statistics.median(p[1] / p[0] for p in pairs)}
            print(f"{network:9} {line['rival']:20} {rows:4d} {1e3 * line['strait']:10.2f} {1e3 * line['rival_seconds']:10.2f} {line['ratio']:7.2f} {line['pairs']:5d}   (a bound)", flush=True)
            lines.append(line)
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the rivals")
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--rivals", default=",".join(RIVALS))
    parser.add_argument("--rows", default="1,4,16")
    parser.add_argument("--largest-rows", type=int, default=4, help="of sit-xl2")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--turn", type=float, default=0.3, help="seconds of one engine's turn")
    parser.add_argument("--seconds", type=float, default=3, help="of one comparison")
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "strait-rivals"), help="for networks, answers and compilers' caches")
    parser.add_argument("--ggml", help="the program with_ggml, for the bound of ggml's products")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--strait", default=os.path.join(ROOT, "build", "strait"))
    parser.add_argument("--json")
    args = parser.parse_args()
    args.rows = [int(r) for r in args.rows.split(",")]
    os.makedirs(args.folder, exist_ok=True)
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.join(args.folder, "inductor"))
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    begun, lines = time.time(), []
    print(f"{args.threads} threads; ratio: the rival's time over ours, median of pairs\n{'network':9} {'rival':20} {'rows':>4} {'strait ms':>10} {'rival ms':>10} {'ratio':>7} {'pairs':>5} {'difference':>10}")
    with open(os.path.join(args.folder, "log"), "w") as log:
        for network in args.networks.split(","):
            for dtype in ("bf16", "int8", "f32"):
                names = [r for r in args.rivals.split(",") if r and RIVALS[r][1] == dtype]
                if not names and not args.ggml:
                    continue
                ours = Engine([args.strait, "bench", "turns", "-m", network_file(args, network), "--dtype", dtype, "-t", str(args.threads)], log)
                for name in names:
                    lines += one_rival(args, network, name, ours, log)
                if args.ggml:
                    lines += ggml_bound(args, network, ours, dtype)
                ours.close()
    print(f"{time.time() - begun:.0f} seconds")
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"threads": args.threads, "rows": lines}, f, indent=1)


if __name__ == "__main__":
    main()
