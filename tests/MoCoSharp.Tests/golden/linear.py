"""Linear classifiers on the same random features: PyTorch's SGD as main_lincls.py runs it, scikit-learn's logistic regression and kNN: linear.safetensors."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from tensor_file import write

torch.manual_seed(3)
CLASSES, WIDTH, TRAIN, TEST = 5, 12, 210, 90
centres = torch.randn(CLASSES, WIDTH)
labels, test_labels = torch.randint(CLASSES, (TRAIN,)), torch.randint(CLASSES, (TEST,))
features, test = centres[labels] + 1.2 * torch.randn(TRAIN, WIDTH), centres[test_labels] + 1.2 * torch.randn(TEST, WIDTH)

# The official course in small: lr x0.1 at 6 and 8 of 10 epochs, batches in order, the last one shorter.
layer = torch.nn.Linear(WIDTH, CLASSES)
layer.weight.data.normal_(0, 0.01)
layer.bias.data.zero_()
start = layer.weight.detach().clone()
optimizer = torch.optim.SGD(layer.parameters(), lr=3.0, momentum=0.9, weight_decay=0)
losses = []
for epoch in range(10):
    for group in optimizer.param_groups:
        group["lr"] = 3.0 * 0.1 ** sum(epoch >= m for m in (6, 8))
    for x, y in zip(features.split(64), labels.split(64)):
        loss = F.cross_entropy(layer(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
with torch.no_grad():
    scores = layer(test)

logistic = LogisticRegression(C=0.5, tol=1e-10, max_iter=100000).fit(features.double().numpy(), labels.numpy())
knn = KNeighborsClassifier(n_neighbors=21, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / 0.07)).fit(features.numpy(), labels.numpy())
print("sgd", (scores.argmax(1) == test_labels).float().mean().item(), "logistic", logistic.score(test.double().numpy(), test_labels.numpy()),
      "knn", knn.score(test.numpy(), test_labels.numpy()))
write("linear.safetensors", dict(
    features=features, labels=labels, test=test, test_labels=test_labels, start=start, losses=torch.tensor(losses, dtype=torch.float64),
    weight=layer.weight.detach(), bias=layer.bias.detach(), predicted=scores.argmax(1),
    logistic_weight=torch.from_numpy(logistic.coef_), logistic_bias=torch.from_numpy(logistic.intercept_),
    logistic_predicted=torch.from_numpy(logistic.predict(test.double().numpy())), knn_predicted=torch.from_numpy(knn.predict(test.numpy()))))
