"""PyTorch 2: eager and compiled, f32 and bf16. Compiled: inductor with freezing, which packs weights once; U-Nets channels last."""
import networks
import torch
import worker


def main():
    args = worker.arguments()
    _, how, dtype = args.rival.split("-")
    net, kind, _ = networks.load(args.model)
    for p in net.parameters():
        p.requires_grad_(False)
    if dtype == "bf16":
        net = net.bfloat16()
    if kind == "unet":
        net = net.to(memory_format=torch.channels_last)
    if how == "compiled":
        torch._inductor.config.freezing = True
        net = torch.compile(net, dynamic=False)  # a kernel for each number of rows, as ours has a plan

    def prepare(given):
        if kind == "unet":
            given["x"] = given["x"].to(memory_format=torch.channels_last)
        order = tuple(given.values())

        def run():
            with torch.inference_mode(how != "compiled"), torch.no_grad():
                return net(*order)
        run()
        return run, lambda: run().float().numpy()

    worker.serve(prepare)


if __name__ == "__main__":
    main()
