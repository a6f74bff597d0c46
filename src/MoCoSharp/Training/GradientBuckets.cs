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
/// Averages over ranks what a step makes: each stage's gradients as soon as the backward pass has left it, while it
/// goes on; then what is left, the running statistics and the loss.
/// </summary>
/// <remarks>
/// Each rank's loss is the mean of its share, and the shares are equal: the mean over ranks is that of the batch.
/// </remarks>
internal sealed class GradientBuckets
{
    private readonly IProcessGroup _group;
    // by bucket: "encoder_q.layer4", or "" for all else
    private readonly Dictionary<string, List<Parameter>> _parameters;
    private readonly List<Tensor> _statistics;
    private readonly Dictionary<string, int> _open = []; // forward passes whose backward pass has not left the part yet
    private readonly HashSet<string> _sent = [];
    private readonly List<(Tensor Flat, Func<IEnumerable<Tensor>> Targets, Action Wait)> _underWay = [];
    private bool _isBackward, _waitsForAll;

    /// <summary>Listens to the method's encoders from now on.</summary>
    /// <param name="method">On its device, in its type: its tensors stay the same ones.</param>
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

    /// <summary>Before the forward pass.</summary>
    public void Begin()
    {
        _open.Clear();
        _sent.Clear();
        (_isBackward, _waitsForAll) = (false, false);
    }

    /// <summary>Before the backward pass.</summary>
    public void BeginBackward() => _isBackward = true;

    /// <summary>
    /// After the backward pass: when this returns, gradients and running statistics are the means over ranks.
    /// </summary>
    /// <param name="loss">This rank's, a scalar.</param>
    /// <param name="accuracy">This rank's; null where it was not measured.</param>
    /// <returns>Their means over ranks, without gradient.</returns>
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
        _waitsForAll |= _isBackward; // passes that are made again, part by part: nobody knows which is the last
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

    // Channels-last gradients lie the same way on every rank: nothing is rearranged.
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
