"""The recipe moco-cifar10-cpu in plain PyTorch and torchvision, as a user of the authors' CIFAR demo would write it.

    python3 bench/peers/moco_cifar10.py DATA --seed 0 --threads 2 --workers 0 --json OUT

DATA holds train/CLASS/*.jpg and test/CLASS/*.jpg of 32x32 images. Each file is decoded once and kept as uint8 in memory.
"""
import argparse
import copy
import json
import math
import os
import platform
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

BATCH, QUEUE, MOMENTUM, TEMPERATURE, SPLITS = 256, 4096, 0.99, 0.1, 8
LEARNING_RATE, WEIGHT_DECAY = 0.03, 5e-4
NORMALIZE = transforms.Normalize([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])
TRAIN = transforms.Compose([
    transforms.RandomResizedCrop(32),
    transforms.RandomHorizontalFlip(p=0.5),
    transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
    transforms.RandomGrayscale(p=0.2),
    transforms.ToTensor(),
    NORMALIZE])
TEST = transforms.Compose([transforms.ToTensor(), NORMALIZE])


class Folder:
    """Pixels [M, 32, 32, 3] and labels [M] of class folders."""

    def __init__(self, root):
        self.pixels, self.labels = [], []
        for label, name in enumerate(sorted(os.listdir(root))):
            for file in sorted(os.listdir(os.path.join(root, name))):
                self.pixels.append(np.asarray(Image.open(os.path.join(root, name, file)).convert("RGB")))
                self.labels.append(label)
        self.pixels = np.stack(self.pixels)


class Pairs(Dataset):
    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data.labels)

    def __getitem__(self, index):
        image = Image.fromarray(self.data.pixels[index])
        return TRAIN(image), TRAIN(image)


class Plain(Pairs):
    def __getitem__(self, index):
        return TEST(Image.fromarray(self.data.pixels[index])), self.data.labels[index]


class SplitBatchNorm(nn.BatchNorm2d):
    """Statistics of each of SPLITS interleaved groups of the batch apart."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        n, c, h, w = x.shape
        mean, var = self.running_mean.repeat(SPLITS), self.running_var.repeat(SPLITS)
        out = F.batch_norm(x.reshape(-1, c * SPLITS, h, w), mean, var, self.weight.repeat(SPLITS), self.bias.repeat(SPLITS),
                           True, self.momentum, self.eps).reshape(n, c, h, w)
        self.running_mean.copy_(mean.view(SPLITS, c).mean(0))
        self.running_var.copy_(var.view(SPLITS, c).mean(0))
        return out


def encoder():
    """ResNet-18 of width 16: 3x3 stem without pool, linear head."""
    net = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2], num_classes=128, width_per_group=64, norm_layer=SplitBatchNorm)
    net.inplanes = 16
    net.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
    net.bn1 = SplitBatchNorm(16)
    net.maxpool = nn.Identity()
    net.layer1 = net._make_layer(torchvision.models.resnet.BasicBlock, 16, 2)
    net.layer2 = net._make_layer(torchvision.models.resnet.BasicBlock, 32, 2, stride=2)
    net.layer3 = net._make_layer(torchvision.models.resnet.BasicBlock, 64, 2, stride=2)
    net.layer4 = net._make_layer(torchvision.models.resnet.BasicBlock, 128, 2, stride=2)
    net.fc = nn.Linear(128, 128)
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    return net


@torch.no_grad()
def knn(net, bank, test, k=200, t=0.1):
    """The demo's protocol: weighted votes of the k nearest training images, on the normalised output of the head."""
    net.eval()

    def features(data):
        rows = [(F.normalize(net(x), dim=1), y) for x, y in DataLoader(Plain(data), batch_size=500)]
        return torch.cat([r[0] for r in rows]), torch.cat([r[1] for r in rows])

    (known, known_labels), (asked, asked_labels) = features(bank), features(test)
    right = 0
    for q, y in zip(asked.split(256), asked_labels.split(256)):
        similarity, index = (q @ known.t()).topk(k, dim=1)
        votes = torch.zeros(len(q), 10).scatter_add_(1, known_labels[index], (similarity / t).exp())
        right += (votes.argmax(1) == y).sum().item()
    net.train()
    return right / len(asked_labels)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    train, test = Folder(os.path.join(arguments.data, "train")), Folder(os.path.join(arguments.data, "test"))
    query_net = encoder()
    key_net = copy.deepcopy(query_net)
    for p in key_net.parameters():
        p.requires_grad = False
    queue, pointer = F.normalize(torch.randn(128, QUEUE), dim=0), 0
    optimizer = torch.optim.SGD(query_net.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=WEIGHT_DECAY)
    loader = DataLoader(Pairs(train), batch_size=BATCH, shuffle=True, drop_last=True, num_workers=arguments.workers)
    total = len(loader) * arguments.epochs
    started = time.time()
    results = [dict(epoch=0, knn=knn(query_net, train, test), evaluationSeconds=time.time() - started)]
    print(results[-1], flush=True)
    step = 0
    for epoch in range(1, arguments.epochs + 1):
        begun, losses = time.time(), []
        for query_views, key_views in loader:
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * step / total))
            with torch.no_grad():
                for k, q in zip(key_net.parameters(), query_net.parameters()):
                    k.data = k.data * MOMENTUM + q.data * (1 - MOMENTUM)
            query = F.normalize(query_net(query_views), dim=1)
            with torch.no_grad():
                order = torch.randperm(BATCH)
                key = F.normalize(key_net(key_views[order]), dim=1)[torch.argsort(order)]
            positive = torch.einsum("nc,nc->n", [query, key]).unsqueeze(-1)
            negative = torch.einsum("nc,ck->nk", [query, queue.clone().detach()])
            loss = F.cross_entropy(torch.cat([positive, negative], dim=1) / TEMPERATURE, torch.zeros(BATCH, dtype=torch.long))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            queue[:, pointer:pointer + BATCH] = key.t()
            pointer = (pointer + BATCH) % QUEUE
            losses.append(loss.item())
            step += 1
            if step % 20 == 0:
                print(f"step {step}/{total} loss {losses[-1]:.3f} {(time.time() - begun) / len(losses):.2f} s/step", flush=True)
        trained = time.time()
        accuracy = knn(query_net, train, test)
        results.append(dict(epoch=epoch, loss=sum(losses) / len(losses), knn=accuracy, trainSeconds=trained - begun, evaluationSeconds=time.time() - trained))
        print(results[-1], flush=True)
    summary = dict(seed=arguments.seed, threads=arguments.threads, workers=arguments.workers, wallSeconds=time.time() - started,
                   torch=torch.__version__, torchvision=torchvision.__version__, python=platform.python_version(), epochs=results)
    print(json.dumps(summary))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(summary, file, indent=1)


if __name__ == "__main__":
    main()
