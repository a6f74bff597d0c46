"""detectron2_export.py FOLDER DEPTH WIDTH: reads encoder.pkl there as detectron2's checkpointer does, loads it strictly into a ResNet whose modules
are called as detectron2's are, and prints by how much its features differ from those expected in case.pth, as a share of the largest."""
import os
import pickle
import sys

import numpy
import torch
from torch import nn

os.chdir(sys.argv[1])
depth, width = int(sys.argv[2]), int(sys.argv[3])


class Conv(nn.Conv2d):
    def __init__(self, inputs, outputs, kernel, stride=1):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(super().forward(x))


class Block(nn.Module):
    def __init__(self, inputs, inner, outputs, stride):
        super().__init__()
        self.bottleneck = depth >= 50
        if inputs != outputs or stride != 1:
            self.shortcut = Conv(inputs, outputs, 1, stride)
        if self.bottleneck:
            self.conv1, self.conv2, self.conv3 = Conv(inputs, inner, 1), Conv(inner, inner, 3, stride), Conv(inner, outputs, 1)
        else:
            self.conv1, self.conv2 = Conv(inputs, outputs, 3, stride), Conv(outputs, outputs, 3)

    def forward(self, x):
        y = self.conv2(self.conv1(x).relu())
        if self.bottleneck:
            y = self.conv3(y.relu())
        return (y + (self.shortcut(x) if hasattr(self, "shortcut") else x)).relu()


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Module()
        self.stem.conv1 = Conv(3, width, 7, 2)
        inputs = width
        for stage, count in enumerate({18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]}[depth]):
            inner = width * 2 ** stage
            outputs = inner * (4 if depth >= 50 else 1)
            blocks = []
            for i in range(count):
                blocks.append(Block(inputs, inner, outputs, 2 if stage > 0 and i == 0 else 1))
                inputs = outputs
            setattr(self, f"res{stage + 2}", nn.Sequential(*blocks))

    def forward(self, x):
        x = nn.functional.max_pool2d(self.stem.conv1(x).relu(), 3, 2, 1)
        return self.res5(self.res4(self.res3(self.res2(x)))).mean((2, 3))


with open("encoder.pkl", "rb") as file:
    data = pickle.load(file, encoding="latin1")
assert set(data) == {"model", "__author__", "matching_heuristics"} and data["matching_heuristics"] is True
assert all(isinstance(value, numpy.ndarray) for value in data["model"].values())
model = ResNet().eval()
model.load_state_dict({name: torch.from_numpy(value) for name, value in data["model"].items()})
case = torch.load("case.pth")
with torch.no_grad():
    actual = model(case["images"])
print(float((actual - case["expected"]).abs().max() / case["expected"].abs().max()))
