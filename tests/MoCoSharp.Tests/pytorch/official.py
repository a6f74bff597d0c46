"""What MoCo's official code does with a checkpoint, on a CPU, in one process: strict loads of model and optimizer, steps, a save.

official.py start ARCH OUT legacy|zip STEPS             a fresh model takes steps and is saved
official.py resume FILE OUT legacy|zip STEPS [TYPE]     loads, takes steps on in float32 or float64, is saved where OUT is not -
official.py features ARCH OUT                           a torchvision network, and its features and outputs for one batch
Several commands are parted by "then". Losses are printed, one a line.
"""
import os
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
from tensor_file import view  # noqa: E402

DIM, QUEUE, MOMENTUM, TEMPERATURE, RATE, SHAPE = 16, 48, 0.99, 0.2, 0.01, (8, 3, 64, 64)


class MoCo(nn.Module):
    def __init__(self, arch):
        super().__init__()
        self.encoder_q, self.encoder_k = (getattr(torchvision.models, arch)(num_classes=DIM) for _ in range(2))
        for net in (self.encoder_q, self.encoder_k):
            size = net.fc.weight.shape[1]
            net.fc = nn.Sequential(nn.Linear(size, size), nn.ReLU(), net.fc)
        for q, k in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            k.data.copy_(q.data)
            k.requires_grad = False
        self.register_buffer("queue", F.normalize(torch.randn(DIM, QUEUE), dim=0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))

    def forward(self, query_images, key_images):
        q = F.normalize(self.encoder_q(query_images), dim=1)
        with torch.no_grad():
            for a, b in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
                b.data = b.data * MOMENTUM + a.data * (1 - MOMENTUM)
            k = F.normalize(self.encoder_k(key_images), dim=1)
        positive = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        negative = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
        logits = torch.cat([positive, negative], dim=1) / TEMPERATURE
        with torch.no_grad():
            start = int(self.queue_ptr)
            self.queue[:, start:start + len(k)] = k.T
            self.queue_ptr[0] = (start + len(k)) % QUEUE
        return logits


def run(model, optimizer, first, steps, kind):
    model.train()
    for step in range(first, first + steps):
        logits = model(view(step, 0, SHAPE, kind), view(step, 1, SHAPE, kind))
        loss = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(repr(loss.item()))


def build(arch, kind):
    model = nn.DataParallel(MoCo(arch)).to(getattr(torch, kind))
    return model, torch.optim.SGD(model.parameters(), RATE, momentum=0.9, weight_decay=1e-4)


def save(epoch, arch, model, optimizer, out, form):
    torch.save({"epoch": epoch, "arch": arch, "state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}, out,
               _use_new_zipfile_serialization=form == "zip")


def start(arch, out, form, steps):
    model, optimizer = build(arch, "float32")
    run(model, optimizer, 0, int(steps), torch.float32)
    save(int(steps), arch, model, optimizer, out, form)


def resume(source, out, form, steps, kind="float32"):
    checkpoint = torch.load(source)
    epoch, arch = checkpoint["epoch"], checkpoint["arch"]
    model, optimizer = build(arch, kind)
    print(model.load_state_dict(checkpoint["state_dict"]))
    optimizer.load_state_dict(checkpoint["optimizer"])
    assert len(optimizer.state) == len(list(model.module.encoder_q.parameters()))
    for group in optimizer.param_groups:
        group["lr"] = RATE
    run(model, optimizer, epoch, int(steps), getattr(torch, kind))
    if out != "-":
        save(epoch + int(steps), arch, model, optimizer, out, form)


def features(arch, out):
    net = getattr(torchvision.models, arch)()
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if name.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
        net.eval()
        torch.save(net.state_dict(), out)
        images = view(0, 0, SHAPE, torch.float32)
        trunk = nn.Sequential(*list(net.children())[:-1], nn.Flatten())
        torch.save({"features": trunk(images), "outputs": net(images)}, out + ".expected")


torch.manual_seed(0)
for command in " ".join(sys.argv[1:]).split(" then "):
    name, *arguments = command.split()
    {"start": start, "resume": resume, "features": features}[name](*arguments)
