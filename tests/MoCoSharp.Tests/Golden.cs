using System.IO.Hashing;
using System.Text;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Tests;

/// <summary>Files that PyTorch made (see golden/*.py), and the values both sides compute alike.</summary>
internal static class Golden
{
    /// <summary>Where golden steps run: MOCOSHARP_TEST_DEVICE, "cpu" unless it is set.</summary>
    public static Device Device => MoCoSharp.TorchRuntime.OpenDevice(
        Environment.GetEnvironmentVariable("MOCOSHARP_TEST_DEVICE") is { Length: > 0 } name ? name : "cpu");

    public static SafeTensors Open(string name) =>
        SafeTensors.Read(Path.Combine(AppContext.BaseDirectory, "golden", name));

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

        return tensor(values, shape).to(type).to(Device);
    }

    /// <summary>Every weight from its name, as fill() of golden/tensor_file.py.</summary>
    public static void Fill(Encoder encoder)
    {
        using var noGrad = no_grad();
        foreach (var (name, value) in encoder.state_dict().Where(item => !item.Key.EndsWith("num_batches_tracked")))
        {
            var hash = Crc32.HashToUInt32(Encoding.ASCII.GetBytes(name));
            var inputs = value.shape.Skip(1).Aggregate(1L, (product, size) => product * size);
            var (middle, scale) = value.dim() > 1 ? (0.5, 2 * Math.Sqrt(3.0 / inputs))
                : name.EndsWith("running_var") || name.EndsWith("weight") ? (-1.5, 0.5)
                : (0.5, 0.2);
            var filled = new double[value.numel()];
            for (var j = 0L; j < filled.Length; j++)
            {
                filled[j] = (((uint)(((ulong)j * 2654435761UL) + hash) / 4294967296.0) - middle) * scale;
            }

            value.copy_(tensor(filled, value.shape));
        }
    }

    /// <summary>|a - b| / |b|.</summary>
    public static double Difference(Tensor actual, Tensor expected)
    {
        Assert.Equal(expected.shape, actual.shape);
        using var scope = NewDisposeScope();
        var (a, b) = (actual.detach().cpu().to(float64), expected.to(float64));
        return ((a - b).norm() / (b.norm() + 1e-30)).item<double>();
    }
}
