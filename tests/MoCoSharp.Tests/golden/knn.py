"""The CIFAR demo's weighted kNN on random features: knn.safetensors."""
import torch
import torch.nn.functional as F

from tensor_file import write

torch.manual_seed(0)
K, T, CLASSES = 20, 0.1, 5
centres = torch.randn(CLASSES, 16)
bank_labels, query_labels = torch.randint(CLASSES, (300,)), torch.randint(CLASSES, (60,))
bank = F.normalize(centres[bank_labels] + 1.5 * torch.randn(300, 16), dim=1)
queries = F.normalize(centres[query_labels] + 1.5 * torch.randn(60, 16), dim=1)
weight, index = (queries @ bank.t()).topk(K, dim=-1)
labels = torch.gather(bank_labels.expand(len(queries), -1), dim=-1, index=index)
one_hot = torch.zeros(len(queries) * K, CLASSES).scatter(-1, labels.view(-1, 1), 1.0)
scores = (one_hot.view(len(queries), -1, CLASSES) * (weight / T).exp().unsqueeze(-1)).sum(1)
predicted = scores.argsort(dim=-1, descending=True)[:, 0]
print("accuracy", (predicted == query_labels).float().mean().item())
write("knn.safetensors", dict(bank=bank, queries=queries, bank_labels=bank_labels, query_labels=query_labels, predicted=predicted))
