"""ROI-Align and its gradient, NMS, box coding, matching and losses, by torchvision 0.14 and PyTorch 1.13. Writes detection.safetensors."""
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.detection._utils import BoxCoder, Matcher

from tensor_file import view, write

torch.manual_seed(0)
out = {}

# Boxes inside, across the border, wholly outside, thinner than a point, and larger than the map; stride 16.
features = view(0, 0, (2, 20, 9, 13), torch.float32)
boxes = torch.tensor([
    [0, 10.3, 20.7, 90.1, 88.8], [1, 0, 0, 208, 144], [0, -40, -30, 60, 50], [1, 150, 100, 260, 190], [0, 300, 300, 340, 360],
    [1, 33.3, 44.4, 33.9, 44.9], [0, 16, 16, 48, 48], [1, -500, 20, 700, 60], [0, 5, 5, 5, 5], [1, 100.5, 3.25, 180.75, 143.5]], dtype=torch.float32)
for size in (7, 3):
    f = features.clone().requires_grad_()
    pooled = torchvision.ops.roi_align(f, boxes, size, 1 / 16, sampling_ratio=-1, aligned=True)
    weights = view(1, size, tuple(pooled.shape), torch.float32)
    (pooled * weights).sum().backward()
    out[f"roi.{size}.pooled"], out[f"roi.{size}.gradient"] = pooled.detach(), f.grad
out["roi.boxes"] = boxes

corner = torch.rand(300, 2) * 200
many = torch.cat([corner, corner + 5 + torch.rand(300, 2) * 60], 1)
scores = torch.round(torch.rand(300) * 100) / 100  # with ties
classes = torch.randint(0, 4, (300,))
out["nms.boxes"], out["nms.scores"], out["nms.classes"] = many, scores, classes
for threshold in (0.3, 0.5, 0.7):
    # torchvision's own order of equal scores is its sort's: the kept set is compared for scores made distinct by place.
    distinct = scores - torch.arange(300) * 1e-6
    out[f"nms.{threshold}"] = torchvision.ops.nms(many, distinct, threshold)
    out[f"nms.{threshold}.byClass"] = torch.cat([i[torchvision.ops.nms(many[i], distinct[i], threshold)] for i in [(classes == c).nonzero()[:, 0] for c in range(4)]])

targets = many.roll(7, 0)
for name, weights in (("proposals", (1.0, 1.0, 1.0, 1.0)), ("classified", (10.0, 10.0, 5.0, 5.0))):
    coder = BoxCoder(weights)
    deltas = coder.encode_single(targets, many)
    out[f"code.{name}"] = deltas
    wild = deltas * 3
    out[f"decode.{name}.deltas"], out[f"decode.{name}"] = wild, coder.decode_single(wild, many)

truths = many[::43]
quality = torchvision.ops.box_iou(truths, many)
for low, high, keeps in ((0.3, 0.7, True), (0.5, 0.5, False)):
    out[f"match.{high}"] = Matcher(high, low, allow_low_quality_matches=keeps)(quality.clone())  # -1 background, -2 ignored
out["match.truths"] = truths

logits, deltas = view(2, 0, (2, 50), torch.float32), view(2, 1, (2, 50, 4), torch.float32)
objects, background = torch.tensor([3, 17, 60, 99]), torch.tensor([0, 1, 5, 40, 70, 71])
wanted = view(2, 2, (4, 4), torch.float32)
logits.requires_grad_()
deltas.requires_grad_()
places = torch.cat([objects, background])
labels = torch.cat([torch.ones(4), torch.zeros(6)])
objectness = F.binary_cross_entropy_with_logits(logits.flatten()[places], labels, reduction="sum") / 64
proposal = F.l1_loss(deltas.reshape(-1, 4)[objects], wanted, reduction="sum") / 64
(objectness + proposal).backward()
out["rpn.losses"] = torch.stack([objectness, proposal]).detach()
out["rpn.logits.gradient"], out["rpn.deltas.gradient"] = logits.grad, deltas.grad

logits, deltas = view(3, 0, (6, 4), torch.float32).requires_grad_(), view(3, 1, (6, 3, 4), torch.float32).requires_grad_()
labels = torch.tensor([2, 0, 1, 3, 3, 3])  # 3 is background
wanted = view(3, 2, (3, 4), torch.float32)
classification = F.cross_entropy(logits, labels)
location = F.l1_loss(deltas[torch.arange(3), labels[:3]], wanted, reduction="sum") / 6
(classification + location).backward()
out["roi.losses"] = torch.stack([classification, location]).detach()
out["roi.logits.gradient"], out["roi.deltas.gradient"] = logits.grad, deltas.grad

write("detection.safetensors", out)
