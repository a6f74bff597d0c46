"""torchvision's ResNet-18 and 50 on weights that both sides compute, and the keys of all five depths: resnet.safetensors, resnet_keys.json."""
import json
import os

import torch
import torchvision

from tensor_file import fill, view, write

out = {}
with torch.no_grad():
    for depth in (18, 50):
        net = fill(getattr(torchvision.models, f"resnet{depth}")().double())
        images = view(0, 0, (2, 3, 64, 64))
        trunk = torch.nn.Sequential(*list(net.children())[:-1], torch.nn.Flatten())
        net.eval()
        out[f"r{depth}.logits"] = net(images)
        out[f"r{depth}.eval_features"] = trunk(images)
        net.train()
        out[f"r{depth}.train_features"] = trunk(images)
        out[f"r{depth}.running_var"] = net.layer4[0].bn1.running_var
write("resnet.safetensors", out)

keys = {}
for depth in (18, 34, 50, 101, 152):
    net = getattr(torchvision.models, f"resnet{depth}")()
    keys[depth] = dict(keys=[[k, list(v.shape)] for k, v in net.state_dict().items()], parameters=sum(p.numel() for p in net.parameters()))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "resnet_keys.json"), "w") as file:
    json.dump(keys, file, separators=(",", ":"))
