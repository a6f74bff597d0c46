"""One MoCo v2 step as a careful PyTorch user writes it: channels last, bf16 by autocast, logsumexp without a copy of the queue, a momentum update
in place, fused or foreach SGD, BN groups as channels of one BatchNorm. What an older PyTorch lacks is written as it has to be there.

    python3 bench/peers/moco_step_strong.py --model r18-cifar --batch 256 --queue 4096 --precision bf16 --groups 8
    python3 bench/peers/moco_step_strong.py --device cpu --threads 2 --batch 128 --queue 4096 --precision bf16 --steps 5

Prints one JSON object: milliseconds of a step, and the highest memory. On a GPU, a step is the mean of steps between which nobody waits, and the
memory is what PyTorch reserved; on a CPU, a step is the median, and the memory is that of the process.
"""
import argparse
import copy
import json
import resource
import time
from statistics import median

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

MOMENTUM, TEMPERATURE = 0.999, 0.2
WARM_UP = {"cuda": 8, "cpu": 4}  # steps


class SplitBatchNorm(nn.BatchNorm2d):
    """Sample i belongs to group i mod S; S groups become channels of one operation."""

    groups = 1

    def forward(self, x):
        if self.groups == 1:
            return super().forward(x)
        n, c, h, w = x.shape
        s = self.groups
        mean, var = self.running_mean.repeat(s), self.running_var.repeat(s)
        side = x.permute(0, 2, 3, 1).reshape(n // s, s, h, w, c).permute(0, 2, 3, 1, 4).reshape(n // s, h, w, s * c)
        out = F.batch_norm(side.permute(0, 3, 1, 2), mean, var, self.weight.repeat(s), self.bias.repeat(s), True, self.momentum, self.eps)
        self.running_mean.copy_(mean.view(s, c).mean(0))
        self.running_var.copy_(var.view(s, c).mean(0))
        return out.permute(0, 2, 3, 1).reshape(n // s, h, w, s, c).permute(0, 3, 1, 2, 4).reshape(n, h, w, c).permute(0, 3, 1, 2)


def encoder(model):
    build = torchvision.models.resnet50 if model == "r50" else torchvision.models.resnet18
    net = build(num_classes=128, norm_layer=SplitBatchNorm)
    if model == "r18-cifar":
        net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    width = net.fc.in_features
    net.fc = nn.Sequential(nn.Linear(width, width), nn.ReLU(), net.fc)
    return net


def update(keys, queries):
    if hasattr(torch, "_foreach_lerp_"):
        torch._foreach_lerp_(keys, queries, 1 - MOMENTUM)
        return
    for key, query in zip(keys, queries):
        key.lerp_(query, 1 - MOMENTUM)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--threads", type=int, default=2, help="on a CPU")
    parser.add_argument("--model", choices=["r18-cifar", "r50"], default="r18-cifar")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--queue", type=int, default=4096)
    parser.add_argument("--groups", type=int, default=0, help="of BatchNorm; 0 is 8 on a GPU and 1 on a CPU")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--steps", type=int, default=30)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    device, batch, is_cpu = torch.device(arguments.device), arguments.batch, arguments.device == "cpu"
    if is_cpu:
        torch.set_num_threads(arguments.threads)
    SplitBatchNorm.groups = arguments.groups or (1 if is_cpu else 8)
    query_net = encoder(arguments.model).to(device, memory_format=torch.channels_last)
    key_net = copy.deepcopy(query_net)
    for p in key_net.parameters():
        p.requires_grad = False
    queue, pointer = F.normalize(torch.randn(arguments.queue, 128, device=device), dim=1), 0
    sgd = dict(foreach=True) if is_cpu else dict(fused=True)
    optimizer = torch.optim.SGD(query_net.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4, **sgd)
    size = 32 if arguments.model == "r18-cifar" else 224
    views = [torch.rand(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last) for _ in range(2)]
    keys_of, queries_of = list(key_net.parameters()), list(query_net.parameters())
    narrow = torch.autocast(arguments.device, torch.bfloat16, enabled=arguments.precision == "bf16")
    warm_up, seconds = WARM_UP[arguments.device], []
    for step in range(warm_up + arguments.steps):
        if step == warm_up and not is_cpu:
            torch.cuda.synchronize()
        if is_cpu or step == warm_up:
            begun = time.perf_counter()
        with torch.no_grad():
            update(keys_of, queries_of)
            order = torch.randperm(batch, device=device)
            with narrow:
                key = key_net(views[1][order])
            key = F.normalize(key.float(), dim=1)[torch.argsort(order)]
        with narrow:
            query = query_net(views[0])
        query = F.normalize(query.float(), dim=1)
        positive = (query * key).sum(1) / TEMPERATURE
        negative = query @ queue.t() / TEMPERATURE
        loss = (torch.logaddexp(positive, torch.logsumexp(negative, 1)) - positive).mean()
        loss.backward()
        queue[pointer:pointer + batch] = key
        pointer = (pointer + batch) % arguments.queue
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if is_cpu:
            seconds.append(time.perf_counter() - begun)
    if is_cpu:
        step = median(seconds[warm_up:])
        memory = dict(peakBytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, threads=arguments.threads)
    else:
        torch.cuda.synchronize()
        step = (time.perf_counter() - begun) / arguments.steps
        memory = dict(reservedBytes=torch.cuda.max_memory_reserved(), device=torch.cuda.get_device_name())
    print(json.dumps(dict(model=arguments.model, batch=batch, groups=SplitBatchNorm.groups, precision=arguments.precision,
                          stepMilliseconds=round(step * 1000, 2), imagesPerSecond=round(batch / step, 1), torch=torch.__version__, **memory)))


if __name__ == "__main__":
    main()
