"""Plain PyTorch MoCo v2 on a narrow ResNet-18: what our steps are judged by. Makes moco_steps.safetensors and moco_symmetric.safetensors.

MLP head, 4 BN groups (sample i of group i mod 4), shuffled keys, 96 keys with batch 20 so that the ring wraps inside a batch.
A step: momentum update, query, key, loss, backward, enqueue, SGD with weight decay on every learned parameter.

The learning rate is small on purpose: at 0.01 float32 rounding decides the outcome, and with mkldnn off PyTorch departs from its own float64 run
by 16 % in the worst tensor; at 0.0003 and this seed, changes of the initial weights by float32 rounding stay under 2e-5 in every tensor (24 runs).
"""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models.resnet import BasicBlock, ResNet

from tensor_file import view, write

BATCH, QUEUE, SPLITS, MOMENTUM, TEMPERATURE = 20, 96, 4, 0.99, 0.2


class SplitBatchNorm(nn.BatchNorm2d):
    def forward(self, x):
        n, c, h, w = x.shape
        self.num_batches_tracked += 1
        mean, var = self.running_mean.repeat(SPLITS), self.running_var.repeat(SPLITS)
        out = F.batch_norm(x.reshape(-1, c * SPLITS, h, w), mean, var, self.weight.repeat(SPLITS), self.bias.repeat(SPLITS),
                           True, 0.1, 1e-5).reshape(n, c, h, w)
        self.running_mean.copy_(mean.view(SPLITS, c).mean(0))
        self.running_var.copy_(var.view(SPLITS, c).mean(0))
        return out


def encoder():
    net = ResNet(BasicBlock, [2, 2, 2, 2], norm_layer=SplitBatchNorm)
    net.inplanes = 4
    net.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
    net.bn1 = SplitBatchNorm(4)
    net.maxpool = nn.Identity()
    for stage, width in enumerate([4, 8, 16, 32]):
        setattr(net, f"layer{stage + 1}", net._make_layer(BasicBlock, width, 2, stride=1 if stage == 0 else 2))
    net.fc = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    return net


def run(initial, initial_queue, permutations, dtype, symmetric):
    query_net = copy.deepcopy(initial).to(dtype)
    key_net = copy.deepcopy(query_net)
    for p in key_net.parameters():
        p.requires_grad = False
    queue, pointer, losses = initial_queue.to(dtype).clone(), 0, []
    optimizer = torch.optim.SGD(query_net.parameters(), lr=0.0003, momentum=0.9, weight_decay=1e-4)
    for step, orders in enumerate(permutations):
        views = [view(step, number, (BATCH, 3, 16, 16), dtype) for number in (0, 1)]
        with torch.no_grad():
            for k, q in zip(key_net.parameters(), query_net.parameters()):
                k.mul_(MOMENTUM).add_(q, alpha=1 - MOMENTUM)
        total, keys = 0, []
        for half, order in enumerate(orders if symmetric else [orders]):
            query = F.normalize(query_net(views[half]), dim=1)
            with torch.no_grad():
                key = F.normalize(key_net(views[1 - half][order]), dim=1)[torch.argsort(order)]
            logits = torch.cat([(query * key).sum(1, keepdim=True), query @ queue.clone().t()], dim=1) / TEMPERATURE
            total = total + F.cross_entropy(logits, torch.zeros(BATCH, dtype=torch.long)) / (2 if symmetric else 1)
            keys.append(key)
        optimizer.zero_grad()
        total.backward()
        for row in torch.cat(keys):
            queue[pointer] = row
            pointer = (pointer + 1) % QUEUE
        optimizer.step()
        losses.append(total.detach())
    out = dict(losses=torch.stack(losses), queue=queue, queue_ptr=torch.tensor([pointer]))
    out.update({f"encoder_q.{k}": v for k, v in query_net.state_dict().items()})
    out.update({f"encoder_k.{k}": v for k, v in key_net.state_dict().items()})
    out.update({f"momentum.{k}": optimizer.state[p]["momentum_buffer"] for k, p in query_net.named_parameters()})
    print(dtype, "loss", losses[0].item(), "->", losses[-1].item())
    return out


def main():
    torch.manual_seed(0)
    initial, queue = encoder(), F.normalize(torch.randn(QUEUE, 16), dim=1)
    start = {f"init.encoder_q.{k}": v.to(torch.float64) for k, v in initial.state_dict().items() if not k.endswith("num_batches_tracked")}
    start["init.queue"] = queue.to(torch.float64)
    initial = initial.double()
    orders = torch.stack([torch.randperm(BATCH) for _ in range(20)])
    out = dict(start, permutations=orders)
    for name, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        out.update({f"{name}.{k}": v for k, v in run(initial, start["init.queue"], orders, dtype, False).items()})
    for key in ("losses", "queue", "encoder_q.conv1.weight", "encoder_k.layer4.1.bn2.running_var", "momentum.fc.0.weight"):
        a, b = out["f32." + key].double(), out["f64." + key]
        print("float32 against float64,", key, ((a - b).norm() / b.norm()).item())
    write("moco_steps.safetensors", out)
    orders = torch.stack([torch.stack([torch.randperm(BATCH) for _ in range(2)]) for _ in range(5)])
    write("moco_symmetric.safetensors", dict(start, permutations=orders, **run(initial, start["init.queue"], orders, torch.float64, True)))


main()
