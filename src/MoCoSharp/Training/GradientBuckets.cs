using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>
/// Averages the results of a step over ranks. The gradients of a stage are reduced as soon as the backward pass has
/// left it, while the pass continues. The remaining gradients, the running statistics and the loss follow.
/// </summary>
/// <remarks>
/// Each rank's loss is the mean over its share, and shares are equal. The mean over ranks is therefore the mean over
/// the batch.
/// </remarks>
internal sealed class GradientBuckets
{
    private readonly IProcessGroup _group;
    // By bucket: "encoder_q.layer4", or "" for all other parameters.
    private readonly Dictionary<string, List<Parameter>> _parameters;
    private readonly List<Tensor> _statistics;
    private readonly Dictionary<string, int> _open = []; // by part: passes whose backward pass is not done
    private readonly HashSet<string> _sent = [];
    private readonly List<(Tensor Flat, Func<IEnumerable<Tensor>> Targets, Action Wait)> _underWay = [];
    private bool _isBackward, _waitsForAll;

    /// <summary>Observes the method's encoders from now on.</summary>
    /// <param name="method">
    /// Already on its device and in its type, because its tensors must not be replaced later.
    /// </param>
    /// <param name="group">More than one rank.</param>
    public GradientBuckets(PretrainMethod method, IProcessGroup group)
    {
        _group = group;
        List<string> encoders = [];
        foreach (var (name, module) in method.named_modules())
        {
            if (module is Encoder encoder)
            {
                encoders.Add(name);
                encoder.GradientWatch = new Watch(this, name);
            }
        }

        _parameters = method
            .LearnedParameters.GroupBy(
                item => Bucket(item.Name, encoders),
                item => item.Parameter,
                StringComparer.Ordinal)
            .ToDictionary(bucket => bucket.Key, bucket => bucket.ToList(), StringComparer.Ordinal);
        _statistics = [.. method.named_buffers()
            .Where(item =>
                item.name.EndsWith("running_mean", StringComparison.Ordinal)
                || item.name.EndsWith("running_var", StringComparison.Ordinal))
            .Select(item => item.buffer)];
    }

    /// <summary>Call before the forward pass.</summary>
    public void Begin()
    {
        _open.Clear();
        _sent.Clear();
        (_isBackward, _waitsForAll) = (false, false);
    }

    /// <summary>Call before the backward pass.</summary>
    public void BeginBackward() => _isBackward = true;

    /// <summary>
    /// Call after the backward pass. When this returns, gradients and running statistics are averaged over ranks.
    /// </summary>
    /// <param name="loss">This rank's loss, a scalar.</param>
    /// <param name="accuracy">This rank's accuracy; null if not measured.</param>
    /// <returns>Loss and accuracy averaged over ranks, without gradient.</returns>
    public (Tensor Loss, Tensor? Accuracy) Finish(Tensor loss, Tensor? accuracy)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var bucket in _parameters.Keys)
        {
            Send(bucket);
        }

        List<Tensor> results =
        [
            loss.detach().clone(),
            .. accuracy is null ? Array.Empty<Tensor>() : [accuracy.detach().clone()],
        ];
        List<Tensor> small = [.. results, .. _statistics];
        var flat = cat([.. small.Select(values => values.reshape(-1).to(float64))]);
        _underWay.Add((flat.DetachFromDisposeScope(), () => small, _group.BeginAllReduceSum(flat)));
        foreach (var (sums, targets, wait) in _underWay)
        {
            wait();
            Spread(sums.div_(Held(_group.Size)), targets());
            sums.Dispose();
        }

        _underWay.Clear();
        return (results[0].MoveToOuterDisposeScope(), accuracy is null ? null : results[1].MoveToOuterDisposeScope());
    }

    private void Send(string bucket)
    {
        if (!_sent.Add(bucket) || !_parameters.TryGetValue(bucket, out var parameters))
        {
            return;
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> gradients = [.. Gradients()];
        if (gradients.Count > 0)
        {
            var flat = cat([.. gradients.Select(InMemoryOrder)]).DetachFromDisposeScope();
            _underWay.Add((flat, Gradients, _group.BeginAllReduceSum(flat)));
        }

        IEnumerable<Tensor> Gradients() => parameters.Select(parameter => parameter.grad).OfType<Tensor>();
    }

    private void Entered(string bucket)
    {
        _waitsForAll |= _isBackward; // a recomputed pass: the last one is unknown
        _open[bucket] = _open.GetValueOrDefault(bucket) + 1;
    }

    private void Left(string bucket)
    {
        if (--_open[bucket] == 0 && !_waitsForAll)
        {
            Send(bucket);
        }
    }

    private static string Bucket(string parameter, List<string> encoders)
    {
        var encoder = encoders.Find(name => parameter.StartsWith(name + ".", StringComparison.Ordinal));
        var part = encoder is null ? "" : parameter[(encoder.Length + 1)..].Split('.')[0];
        return Encoder.GradientParts.Contains(part) ? $"{encoder}.{part}" : "";
    }

    // Channels-last gradients have the same layout on every rank, so no copy is needed.
    private static Tensor InMemoryOrder(Tensor values) =>
        (values.dim() == 4 && !values.is_contiguous() ? values.permute(0, 2, 3, 1) : values).reshape(-1);

    private static void Spread(Tensor flat, IEnumerable<Tensor> targets)
    {
        using var scope = NewDisposeScope();
        var first = 0L;
        foreach (var target in targets)
        {
            var ordered = target.dim() == 4 && !target.is_contiguous() ? target.permute(0, 2, 3, 1) : target;
            ordered.copy_(flat.narrow(0, first, target.numel()).reshape(ordered.shape));
            first += target.numel();
        }
    }

    private sealed class Watch(GradientBuckets buckets, string encoder) : IGradientWatch
    {
        public void Entered(string part) => buckets.Entered($"{encoder}.{part}");

        public void Left(string part) => buckets.Left($"{encoder}.{part}");
    }
}
