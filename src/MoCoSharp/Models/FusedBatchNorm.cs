using MoCoSharp.Data.Views;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>
/// Batch normalization by groups, shortcut addition and ReLU as one operation. It makes two passes over memory forward
/// and two backward; libtorch's three operations make five and three.
/// </summary>
internal sealed class FusedBatchNorm : CustomFunction<FusedBatchNorm>
{
    private const string StateKey = "state";

    /// <summary>
    /// Computes relu((x - mean) / sqrt(variance + epsilon) weight + bias + shortcut). The gradient includes the path
    /// through the statistics.
    /// </summary>
    /// <param name="input">
    /// x: channels last, sorted by group. If <paramref name="overwrites"/>, the buffer is reused: for the output in
    /// inference, for the input's gradient in training.
    /// </param>
    /// <param name="weight">Float32. Shape [C].</param>
    /// <param name="bias">Float32. Shape [C].</param>
    /// <param name="shortcut">The same shape as the input; null adds nothing.</param>
    /// <param name="moments">From <see cref="BatchNormKernels.Moments"/>.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="rectifies">Whether to apply the ReLU.</param>
    /// <param name="overwrites">Whether the input may be overwritten: no other code reads it.</param>
    public static Tensor Apply(
        Tensor input, Tensor weight, Tensor bias, Tensor? shortcut, (double[] Mean, double[] Variance) moments,
        double epsilon, bool rectifies, bool overwrites)
    {
        var (mean, variance) = moments;
        var deviations = Array.ConvertAll(variance, value => Math.Sqrt(value + epsilon));
        var state = new State(deviations, Channels(weight, mean, deviations), rectifies, overwrites);
        return
            is_grad_enabled()
            && (
                input.requires_grad || weight.requires_grad || bias.requires_grad || shortcut is { requires_grad: true }
            )
            ? shortcut is null ? apply(input, weight, bias, state) : apply(input, weight, bias, state, shortcut)
            : Normalize(input, bias, shortcut, state, overwrites && !is_grad_enabled());
    }

    /// <summary>
    /// The input as a matrix: one row of channels per pixel. Copies nothing if the input is channels last.
    /// </summary>
    /// <param name="input">Shape [N, C] or [N, C, H, W].</param>
    /// <returns>Contiguous. Shape [R, C].</returns>
    public static Tensor RowsOf(Tensor input)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var pixels = input.dim() == 4 ? input.detach().permute(0, 2, 3, 1) : input.detach();
        return pixels.contiguous().view(-1, input.shape[1]).MoveToOuterDisposeScope();
    }

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (input, bias, state) = ((Tensor)inputs[0], (Tensor)inputs[2], (State)inputs[3]);
        var shortcut = inputs.Count > 4 ? (Tensor)inputs[4] : null;
        var output = Normalize(input, bias, shortcut, state, overwrites: false);

        ctx.save_data(StateKey, state);
        Save(
            ctx, bias.detach(), RowsOf(input), shortcut is not null && state.Rectifies ? RowsOf(output) : null);
        return output;
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        var state = (State)ctx.get_data(StateKey);
        var (bias, rows, output) = (saved[0]!, saved[1]!, saved[2]);
        var ofOutput = RowsOf(gradient);
        var ofShortcut = output is null ? null : empty_like(rows);
        var (sum, product) = BatchNormKernels.GradientSums(
            ofOutput, rows, output, ofShortcut, state.Channels, bias, state.Rectifies);

        // g - mean(g) - (x - mean) mean(g (x - mean)) / variance, times weight / deviation
        var (size, count) = ((int)rows.shape[1], (double)rows.shape[0] / state.Channels.Groups);
        var (spread, shift) = (new float[sum.Length], new float[sum.Length]);
        var (ofWeight, ofBias) = (new double[size], new double[size]);
        for (var group = 0; group < state.Channels.Groups; group++)
        {
            for (var c = 0; c < size; c++)
            {
                var i = (group * size) + c;
                var (inverse, scale) = (1 / state.Deviations[i], (double)state.Channels.Scale[i]);
                spread[i] = (float)(scale * product[i] * inverse * inverse / count);
                shift[i] = (float)(scale * sum[i] / count);
                ofWeight[c] += product[i] * inverse;
                ofBias[c] += sum[i];
            }
        }

        var ofRows = state.Overwrites ? rows.alias() : empty_like(rows);
        if (state.Overwrites)
        {
            // Writes nothing, but bumps the input's version counter: autograd raises if another function saved the
            // input.
            rows.narrow(0, 0, 0).zero_();
        }

        BatchNormKernels.Gradient(
            ofShortcut ?? ofOutput, rows, ofRows, state.Channels, spread, shift, bias,
            state.Rectifies && ofShortcut is null);
        Tensor?[] gradients =
        [
            Shaped(ofRows, gradient), tensor(ofWeight).to(bias.dtype), tensor(ofBias).to(bias.dtype), null,
        ];
        var through = state.HasShortcut
            ? ofShortcut is null
                ? gradient.alias()
                : Shaped(ofShortcut, gradient)
            : null;
        return state.HasShortcut ? [.. gradients, through] : gradients;
    }

    private static Tensor Normalize(Tensor input, Tensor bias, Tensor? shortcut, State state, bool overwrites)
    {
        using var scope = NewDisposeScope();
        var rows = RowsOf(input);
        var output = overwrites ? rows : empty_like(rows);
        state.HasShortcut = shortcut is not null;
        BatchNormKernels.Normalize(
            rows, output, shortcut is null ? null : RowsOf(shortcut), state.Channels, bias, state.Rectifies);
        return Shaped(output, input).MoveToOuterDisposeScope();
    }

    // [R, C] -> [N, C] or [N, C, H, W], channels last.
    private static Tensor Shaped(Tensor rows, Tensor like) =>
        like.dim() == 2
            ? rows
            : rows.view(like.shape[0], like.shape[2], like.shape[3], like.shape[1]).permute(0, 3, 1, 2);

    private static NormChannels Channels(Tensor weight, double[] mean, double[] deviations)
    {
        var weights = HostMemory.Floats(weight);
        var scale = new float[mean.Length];
        for (var first = 0; first < scale.Length; first += weights.Length)
        {
            for (var c = 0; c < weights.Length; c++)
            {
                scale[first + c] = (float)(weights[c] / deviations[first + c]);
            }
        }

        return new(mean.Length / weights.Length, Array.ConvertAll(mean, value => (float)value), scale);
    }

    private sealed record State(double[] Deviations, NormChannels Channels, bool Rectifies, bool Overwrites)
    {
        public bool HasShortcut { get; set; }
    }
}
