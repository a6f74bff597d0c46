"""onnx_resnet.py FOLDER DEPTH: writes torchvision's ResNet of a depth as PyTorch exports it: folded.onnx, with BatchNorm in the convolutions,
and kept.onnx; and case.pth with images and the network's logits."""
import os
import sys

import torch
import torchvision

os.chdir(sys.argv[1])
torch.manual_seed(1)
model = getattr(torchvision.models, "resnet" + sys.argv[2])(num_classes=10).eval()
with torch.no_grad():
    for name, value in list(model.named_parameters()) + list(model.named_buffers()):
        if value.dim() == 1 and value.dtype == torch.float32:
            value.uniform_(-0.25, 0.25)
            if not name.endswith(("bias", "mean")):
                value.add_(1)
    images = torch.randn(2, 3, 64, 64)
    torch.save({"images": images, "expected": model(images)}, "case.pth")
torch.onnx.export(model, images, "folded.onnx")
torch.onnx.export(model, images, "kept.onnx", training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
