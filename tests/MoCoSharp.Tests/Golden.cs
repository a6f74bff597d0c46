using MoCoSharp.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests;

/// <summary>Files that PyTorch made (see golden/*.py), and the values both sides compute alike.</summary>
internal static class Golden
{
    public static SafeTensorsFile Open(string name) => SafeTensors.Read(Path.Combine(AppContext.BaseDirectory, "golden", name));

    /// <summary>Views as a function of step and view number, so that no file holds them.</summary>
    public static Tensor View(long step, int view, ScalarType type, params long[] shape)
    {
        var values = new double[shape.Aggregate(1L, (product, size) => product * size)];
        var row = values.Length / shape[0];
        for (var i = 0; i < values.Length; i++)
        {
            var (n, p) = (i / row, i % row);
            values[i] = ((((37 + (11 * n)) * p) + (104729L * (view + (2 * step)))) % 1009 / 504.5) - 1;
        }

        return tensor(values, shape).to(type);
    }

    /// <summary>|a - b| / |b|.</summary>
    public static double Difference(Tensor actual, Tensor expected)
    {
        Assert.Equal(expected.shape, actual.shape);
        using var scope = NewDisposeScope();
        var (a, b) = (actual.detach().to(float64), expected.to(float64));
        return ((a - b).norm() / (b.norm() + 1e-30)).item<double>();
    }
}
