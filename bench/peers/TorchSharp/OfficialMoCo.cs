using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpPeer;

/// <summary>The parts of the official algorithm, line for line what its PyTorch code does.</summary>
public static class OfficialMoCo
{
    /// <summary>
    /// k = k m + q (1 - m), parameter by parameter, each time into new memory that takes the old one's place.
    /// </summary>
    public static void MomentumUpdate(IEnumerable<Tensor> keys, IEnumerable<Tensor> queries, double momentum)
    {
        using var noGrad = no_grad();
        foreach (var (key, query) in keys.Zip(queries))
        {
            using var scope = NewDisposeScope();
            key.set_((key * momentum) + (query * (1.0 - momentum)));
        }
    }

    /// <summary>Loss from a cloned queue and concatenated logits.</summary>
    /// <param name="query">Shape [N, C].</param>
    /// <param name="key">Shape [N, C].</param>
    /// <param name="queue">Shape [C, K].</param>
    /// <param name="temperature">Above 0.</param>
    public static Tensor Loss(Tensor query, Tensor key, Tensor queue, double temperature)
    {
        using var scope = NewDisposeScope();
        var positive = einsum("nc,nc->n", query, key).unsqueeze(-1);
        var negative = einsum("nc,ck->nk", query, queue.clone().detach());
        var logits = cat([positive, negative], dim: 1) / temperature;
        return functional.cross_entropy(logits, zeros(query.shape[0], dtype: int64)).MoveToOuterDisposeScope();
    }

    /// <summary>Writes a batch into columns of the queue.</summary>
    public static void Enqueue(Tensor queue, Tensor keys, long position)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        queue.narrow(1, position, keys.shape[0]).copy_(keys.t());
    }

    /// <summary>The CIFAR demo's kNN: all similarities of a batch of queries, topk, one-hot votes, argsort.</summary>
    public static Tensor Knn(
        Tensor bank, Tensor bankLabels, Tensor queries, int classes, int neighbours, double temperature)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var transposed = bank.t().contiguous(); // [D, M]
        var predicted = new List<Tensor>();
        foreach (var query in queries.split(512))
        {
            using var block = NewDisposeScope();
            var (weight, index) = query.mm(transposed).topk(neighbours, dim: -1);
            var labels = bankLabels.expand(query.shape[0], -1).gather(-1, index);
            weight = (weight / temperature).exp();
            var oneHot = zeros(query.shape[0] * neighbours, classes)
                .scatter(-1, labels.view(-1, 1), ones(query.shape[0] * neighbours, 1));
            var scores = (oneHot.view(query.shape[0], -1, classes) * weight.unsqueeze(-1)).sum(1);
            predicted.Add(scores.argsort(-1, descending: true).select(1, 0).MoveToOuterDisposeScope());
        }

        return cat(predicted).MoveToOuterDisposeScope();
    }
}
