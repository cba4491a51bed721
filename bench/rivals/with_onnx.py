"""ONNX Runtime's CPU provider on the module exported by torch.onnx: f32, and its dynamic int8 quantisation of matrix products. It has no bf16
products on a CPU."""
import os
import tempfile

import networks
import numpy as np
import onnxruntime
import torch
import worker


def main():
    args = worker.arguments()
    dtype = args.rival.split("-")[1]
    net, _, _ = networks.load(args.model)
    folder = tempfile.TemporaryDirectory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads

    def prepare(given):
        path = os.path.join(folder.name, "net.onnx")
        with torch.no_grad():
            torch.onnx.export(net, tuple(given.values()), path, input_names=list(given), dynamo=False, opset_version=17)
        if dtype == "int8":
            from onnxruntime.quantization import QuantType, quantize_dynamic
            quantize_dynamic(path, path + ".int8", op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8, per_channel=True)
            path += ".int8"
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feed = {name: np.ascontiguousarray(v.numpy()) for name, v in given.items()}
        run = lambda: session.run(None, feed)[0]  # noqa: E731
        run()
        return run, run

    worker.serve(prepare)


if __name__ == "__main__":
    main()
