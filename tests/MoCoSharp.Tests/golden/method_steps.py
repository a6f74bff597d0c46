"""Plain PyTorch steps of what MoCo is compared with, on a narrow ResNet-18 in float64: what our steps are judged by. Makes method_steps.safetensors.

SimCLR with LARS (arXiv 2002.05709), end-to-end (MoCo v1, figure 2a), the memory bank with InfoNCE (MoCo v1) and with InstDisc's NCE (arXiv 1805.01978),
and training on labels. 4 BN groups, sample i of group i mod 4; 10 steps of batch 20 each. Learning rates are small for the reason that moco_steps.py gives.
"""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models.resnet import BasicBlock, ResNet

from tensor_file import view, write

BATCH, SPLITS, STEPS, IMAGES, DIM, TEMPERATURE, NEGATIVES = 20, 4, 10, 50, 16, 0.2, 24


class SplitBatchNorm(nn.BatchNorm2d):
    def _check_input_dim(self, x):
        pass

    def forward(self, x):
        n, c = x.shape[:2]
        self.num_batches_tracked += 1
        mean, var = self.running_mean.repeat(SPLITS), self.running_var.repeat(SPLITS)
        out = F.batch_norm(x.reshape(n // SPLITS, c * SPLITS, *x.shape[2:]), mean, var, self.weight.repeat(SPLITS), self.bias.repeat(SPLITS),
                           True, 0.1, 1e-5).reshape(x.shape)
        self.running_mean.copy_(mean.view(SPLITS, c).mean(0))
        self.running_var.copy_(var.view(SPLITS, c).mean(0))
        return out


def encoder(head):
    net = ResNet(BasicBlock, [2, 2, 2, 2], norm_layer=SplitBatchNorm)
    net.inplanes = 4
    net.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
    net.bn1 = SplitBatchNorm(4)
    net.maxpool = nn.Identity()
    for stage, width in enumerate([4, 8, 16, 32]):
        setattr(net, f"layer{stage + 1}", net._make_layer(BasicBlock, width, 2, stride=1 if stage == 0 else 2))
    net.fc = head
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    return net.double()


def lars(net, velocities, rate, momentum=0.9, decay=1e-3, eta=0.001):
    with torch.no_grad():
        for name, p in net.named_parameters():
            g = p.grad
            if p.dim() > 1:
                g = g + decay * p
                g = g * (eta * p.norm() / g.norm())
            velocities[name] = momentum * velocities.get(name, torch.zeros_like(p)) + rate * g
            p -= velocities[name]


def sgd(*nets):
    return torch.optim.SGD([p for net in nets for p in net.parameters()], lr=0.0003, momentum=0.9, weight_decay=1e-4)


def views(step):
    return [view(step, number, (BATCH, 3, 16, 16)) for number in (0, 1)]


def learn(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def simclr(net):
    losses, velocities = [], {}
    for step in range(STEPS):
        z = F.normalize(net(torch.cat(views(step))), dim=1)
        logits = (z @ z.t() / TEMPERATURE).masked_fill(torch.eye(2 * BATCH, dtype=torch.bool), float("-inf"))
        loss = F.cross_entropy(logits, (torch.arange(2 * BATCH) + BATCH) % (2 * BATCH))
        net.zero_grad()
        loss.backward()
        lars(net, velocities, 0.3)
        losses.append(loss.detach())
    return losses, dict(encoder=net), {f"encoder.{k}": v for k, v in velocities.items()}


def end_to_end(net, orders):
    other, losses = copy.deepcopy(net), []
    optimizer = sgd(net, other)
    for step, order in enumerate(orders):
        a, b = views(step)
        q, k = F.normalize(net(a), dim=1), F.normalize(other(b[order]), dim=1)[torch.argsort(order)]
        loss = F.cross_entropy(q @ k.t() / TEMPERATURE, torch.arange(BATCH))
        learn(optimizer, loss)
        losses.append(loss.detach())
    momentum = {f"{name}.{k}": optimizer.state[p]["momentum_buffer"] for name, e in (("encoder_q", net), ("encoder_k", other)) for k, p in e.named_parameters()}
    return losses, dict(encoder_q=net, encoder_k=other), momentum


def memory_bank(net, bank, indices, draws, nce):
    losses, optimizer, normalizer = [], sgd(net), None
    for step in range(STEPS):
        y = indices[step]
        x = F.normalize(net(views(step)[0]), dim=1)
        if nce:  # as InstDisc's NCEAverage and NCECriterion: draws of each image its own, a constant Z from the first batch
            out = torch.exp(torch.einsum("nkc,nc->nk", bank[torch.cat([y[:, None], draws[step]], dim=1)], x) / TEMPERATURE)
            if normalizer is None:
                normalizer = out.detach().mean() * IMAGES
            p = out / normalizer
            noise = NEGATIVES / IMAGES
            loss = -(torch.log(p[:, 0] / (p[:, 0] + noise + 1e-7)).sum() + torch.log(noise / (p[:, 1:] + noise + 1e-7)).sum()) / BATCH
        else:
            logits = torch.cat([(x * bank[y]).sum(1, keepdim=True), x @ bank[draws[step]].t()], dim=1) / TEMPERATURE
            loss = F.cross_entropy(logits, torch.zeros(BATCH, dtype=torch.long))
        learn(optimizer, loss)
        bank = bank.clone()
        bank[y] = F.normalize(0.5 * bank[y] + 0.5 * x.detach(), dim=1)
        losses.append(loss.detach())
    more = dict(bank=bank) if normalizer is None else dict(bank=bank, normalizer=normalizer.reshape(1))
    return losses, dict(encoder=net), {f"encoder.{k}": optimizer.state[p]["momentum_buffer"] for k, p in net.named_parameters()}, more


def supervised(net, labels):
    losses, optimizer = [], sgd(net)
    for step in range(STEPS):
        loss = F.cross_entropy(net(views(step)[0]), labels[step])
        learn(optimizer, loss)
        losses.append(loss.detach())
    return losses, dict(encoder=net), {f"encoder.{k}": optimizer.state[p]["momentum_buffer"] for k, p in net.named_parameters()}


def main():
    torch.manual_seed(0)
    heads = dict(
        mlp_bn=lambda: nn.Sequential(nn.Linear(32, 32, bias=False), SplitBatchNorm(32), nn.ReLU(), nn.Linear(32, DIM)),
        mlp=lambda: nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, DIM)),
        linear=lambda: nn.Linear(32, 5))
    body, nets = encoder(nn.Identity()), {}
    out = {f"init.{k}": v for k, v in copy.deepcopy(body).state_dict().items() if not k.endswith("num_batches_tracked")}
    for name, head in heads.items():
        nets[name] = copy.deepcopy(body)
        nets[name].fc = head().double()
        out.update({f"init.{name}.{k}": v for k, v in copy.deepcopy(nets[name].fc).state_dict(prefix="fc.").items() if not k.endswith("num_batches_tracked")})
    orders = torch.stack([torch.randperm(BATCH) for _ in range(STEPS)])
    indices = torch.stack([torch.randperm(IMAGES)[:BATCH] for _ in range(STEPS)])
    shared = torch.randint(IMAGES, (STEPS, NEGATIVES))
    own = torch.randint(IMAGES, (STEPS, BATCH, NEGATIVES))
    labels = torch.randint(5, (STEPS, BATCH))
    bank = F.normalize(torch.randn(IMAGES, DIM, dtype=torch.float64), dim=1)
    out.update(orders=orders, indices=indices, shared=shared, own=own, labels=labels, **{"init.bank": bank})
    runs = dict(
        simClr=simclr(copy.deepcopy(nets["mlp_bn"])),
        endToEnd=end_to_end(copy.deepcopy(nets["mlp"]), orders),
        infoNce=memory_bank(copy.deepcopy(nets["mlp"]), bank, indices, shared, nce=False),
        nce=memory_bank(copy.deepcopy(nets["mlp"]), bank, indices, own, nce=True),
        supervised=supervised(copy.deepcopy(nets["linear"]), labels))
    for name, (losses, trained, momentum, *more) in runs.items():
        print(name, "loss", losses[0].item(), "->", losses[-1].item())
        out[f"{name}.losses"] = torch.stack(losses)
        single = lambda v: v.float() if v.is_floating_point() else v  # the result of float64 steps, in half the bytes
        out.update({f"{name}.{part}.{k}": single(v) for part, net in trained.items() for k, v in net.state_dict().items()})
        if name in ("simClr", "endToEnd"):
            out.update({f"{name}.momentum.{k}": single(v) for k, v in momentum.items()})
        out.update({f"{name}.{k}": v for extra in more for k, v in extra.items()})
    write("method_steps.safetensors", out)


main()
