using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Benchmarks;

/// <summary>A 3x3 convolution in float32 and its gradients, by oneDNN and by each fast kernel, in turn.</summary>
internal static class Convolutions
{
    // Channels of input and output, side in pixels, stride, images
    private static readonly (long Inputs, long Outputs, long Side, int Stride, long Images)[] Shapes =
    [
        (16, 16, 16, 1, 256), (32, 32, 8, 1, 256), (64, 64, 4, 1, 256), (128, 128, 2, 1, 256), (256, 256, 2, 1, 256),
        (16, 32, 16, 2, 256), (32, 64, 8, 2, 256), (64, 128, 4, 2, 256), (128, 256, 4, 2, 256),
        (32, 32, 32, 1, 64), (64, 64, 32, 1, 64), (128, 128, 16, 1, 256),
    ];

    /// <summary>Prints the shortest times of each way, in milliseconds.</summary>
    public static void Measure(int rounds, int threads)
    {
        TorchRuntime.Configure();
        TorchRuntime.Load();
        set_num_threads(threads);
        using var switches = KernelSwitches.Override(null); // each kernel on any processor
        Console.WriteLine(
            $"A 3x3 convolution in float32, {threads} torch threads; the shortest of {rounds} calls, in ms: output, " +
            "gradient of the input, gradient of the weights.\n");
        Console.WriteLine("| channels, pixels, stride, images | oneDNN | `indirect-fp32` | `winograd-fp32` |");
        Console.WriteLine("|---|---|---|---|");
        foreach (var (inputs, outputs, side, stride, count) in Shapes)
        {
            using var scope = NewDisposeScope();
            var images = ChannelsLast.From(randn(count, inputs, side, side));
            var kernel = ChannelsLast.From(randn(outputs, inputs, 3, 3));
            Func<Tensor, Tensor, Tensor>?[] ways =
            [
                (x, weights) => nn.functional.conv2d(x, weights, strides: [stride, stride], padding: [1, 1]),
                IndirectConvolution.IsApplicable(images, kernel)
                    ? (x, weights) => IndirectConvolution.Convolve(x, weights, stride)
                    : null,
                stride == 1 ? Winograd.Convolve : null,
            ];
            var times = ways.Select(_ => new[] { double.MaxValue, double.MaxValue, double.MaxValue }).ToList();
            for (var round = 0; round < rounds; round++)
            {
                foreach (var (way, best) in ways.Zip(times).Where(pair => pair.First is not null))
                {
                    Update(best, way!, images, kernel);
                }
            }

            var cells = ways.Zip(times, (way, best) => way is null ? "" : string.Join(", ", best.Select(Shown)));
            Console.WriteLine(
                $"| {inputs} to {outputs}, {side} x {side}, {stride}, {count} | {string.Join(" | ", cells)} |");
        }
    }

    private static void Update(double[] best, Func<Tensor, Tensor, Tensor> way, Tensor images, Tensor kernel)
    {
        using var scope = NewDisposeScope();
        best[0] = Math.Min(best[0], Milliseconds(() => way(images, kernel)));
        best[1] = Math.Min(best[1], Backward(images.detach().requires_grad_(), kernel));
        best[2] = Math.Min(best[2], Backward(images, kernel.detach().requires_grad_()));

        double Backward(Tensor x, Tensor weights)
        {
            var output = way(x, weights);
            var gradient = ChannelsLast.From(ones_like(output));
            return Milliseconds(() => output.backward([gradient]));
        }
    }

    private static double Milliseconds(Action work)
    {
        var begin = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static string Shown(double milliseconds) => milliseconds.ToString("F1", CultureInfo.InvariantCulture);
}
