"""OpenVINO's CPU plug-in on the same module, converted by openvino.convert_model: f32, bf16, and int8 by NNCF's post-training quantisation
(calibrated on the inputs of the benchmark)."""
import networks
import numpy as np
import openvino
import torch
import worker


def converted(net, given):
    with torch.no_grad():
        return openvino.convert_model(net, example_input=tuple(given.values()), input=[list(v.shape) for v in given.values()])


def quantised(model, given):
    import nncf
    batch = {model.inputs[i].get_any_name(): v.numpy() for i, v in enumerate(given.values())}
    return nncf.quantize(model, nncf.Dataset([batch]), subset_size=1, model_type=nncf.ModelType.TRANSFORMER)


def main():
    args = worker.arguments()
    dtype = args.rival.split("-")[1]
    net, _, _ = networks.load(args.model)
    core = openvino.Core()
    hint = {"INFERENCE_PRECISION_HINT": "f32" if dtype == "f32" else "bf16", "INFERENCE_NUM_THREADS": args.threads, "PERFORMANCE_HINT": "LATENCY"}

    def prepare(given):
        model = converted(net, given)
        if dtype == "int8":
            model = quantised(model, given)
        request = core.compile_model(model, "CPU", hint).create_infer_request()
        for i, v in enumerate(given.values()):
            request.set_input_tensor(i, openvino.Tensor(np.ascontiguousarray(v.numpy())))
        request.infer()
        return request.infer, lambda: (request.infer(), np.array(request.get_output_tensor(0).data, np.float32))[1]

    worker.serve(prepare)


if __name__ == "__main__":
    main()
