"""One step of the official MoCo algorithm in plain PyTorch, timed: NCHW, fp32, queue cloned, logits concatenated, key encoder updated parameter by parameter.

    python3 bench/peers/moco_step.py --model r18-cifar --batch 128 --queue 4096 --threads 2 --steps 2

Prints one JSON object: seconds of each step after four that warm up, of a forward and backward pass of the encoder alone, and the highest resident memory.
"""
import argparse
import copy
import json
import resource
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

MOMENTUM, TEMPERATURE = 0.999, 0.2
WARM_UP = 4  # steps


def encoder(model):
    """MoCo v2's encoder: the MLP head; r18-cifar has a 3x3 stem without pool."""
    net = torchvision.models.resnet50(num_classes=128) if model == "r50" else torchvision.models.resnet18(num_classes=128)
    if model == "r18-cifar":
        net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    width = net.fc.in_features
    net.fc = nn.Sequential(nn.Linear(width, width), nn.ReLU(), net.fc)
    return net


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=["r18-cifar", "r50"], default="r18-cifar")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--queue", type=int, default=4096)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    query_net = encoder(arguments.model)
    key_net = copy.deepcopy(query_net)
    for p in key_net.parameters():
        p.requires_grad = False
    queue, pointer, batch = F.normalize(torch.randn(128, arguments.queue), dim=0), 0, arguments.batch
    optimizer = torch.optim.SGD(query_net.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    size = 32 if arguments.model == "r18-cifar" else 224
    query_views, key_views = torch.rand(batch, 3, size, size), torch.rand(batch, 3, size, size)
    seconds = []
    for _ in range(WARM_UP + arguments.steps):
        begun = time.perf_counter()
        query = F.normalize(query_net(query_views), dim=1)
        with torch.no_grad():
            for k, q in zip(key_net.parameters(), query_net.parameters()):
                k.data = k.data * MOMENTUM + q.data * (1.0 - MOMENTUM)
            order = torch.randperm(batch)
            key = F.normalize(key_net(key_views[order]), dim=1)[torch.argsort(order)]
        positive = torch.einsum("nc,nc->n", [query, key]).unsqueeze(-1)
        negative = torch.einsum("nc,ck->nk", [query, queue.clone().detach()])
        logits = torch.cat([positive, negative], dim=1) / TEMPERATURE
        queue[:, pointer:pointer + batch] = key.t()
        pointer = (pointer + batch) % arguments.queue
        loss = F.cross_entropy(logits, torch.zeros(batch, dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    optimizer.zero_grad()
    begun = time.perf_counter()
    query_net(query_views).sum().backward()
    passes = time.perf_counter() - begun
    print(json.dumps(dict(seconds=seconds[WARM_UP:], encoderSeconds=passes, peakBytes=peak, torch=torch.__version__)))


if __name__ == "__main__":
    main()
