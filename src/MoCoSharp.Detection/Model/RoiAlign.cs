using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Detection.Model;

/// <summary>
/// Pools the features of each region to a fixed size. Gradients flow back to the feature map.
/// </summary>
internal sealed class RoiAlign : CustomFunction<RoiAlign>
{
    private const string RequestKey = "request";

    /// <summary>
    /// Pools regions of a feature map, aligned and with an adaptive number of samples (detectron2's ROIAlignV2 with
    /// sampling ratio 0).
    /// </summary>
    /// <param name="features">Feature map, float32. Channels last needs no copy. Shape [N, C, H, W].</param>
    /// <param name="boxes">
    /// R boxes in pixels of the network's input, each with the index of its image, 0 to N - 1.
    /// </param>
    /// <param name="scale">Points of the feature map per pixel: 1 / stride.</param>
    /// <param name="size">Side P of a pooled region, above 0.</param>
    /// <returns>Shape [R, C, P, P], channels last.</returns>
    /// <exception cref="ArgumentException">
    /// The features have another shape or type, or a box has an invalid image or corner.
    /// </exception>
    public static Tensor Of(Tensor features, IReadOnlyList<(int Image, Box Box)> boxes, double scale, int size)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        if (features.shape is not [var images, > 0, > 0, > 0] || features.dtype != ScalarType.Float32)
        {
            throw new ArgumentException(
                $"Features of shape [{string.Join(", ", features.shape)}] and type {features.dtype}: expected [N, " +
                "C, H, W] of float32.",
                nameof(features));
        }

        if (
            boxes.FirstOrDefault(item => item.Image < 0 || item.Image >= images || !item.Box.IsFinite) is { } wrong
            && boxes.Count > 0
            && wrong != default)
        {
            throw new ArgumentException(
                $"A box {wrong.Box} of image {wrong.Image}: expected finite corners, and images 0 to {images - 1}.",
                nameof(boxes));
        }

        var s = (float)scale;
        RoiAlignKernel.Region[] regions = [.. boxes.Select(item => new RoiAlignKernel.Region(
            item.Image, (item.Box.Left * s) - 0.5f, (item.Box.Top * s) - 0.5f,
            (item.Box.Right * s) - 0.5f - ((item.Box.Left * s) - 0.5f),
            (item.Box.Bottom * s) - 0.5f - ((item.Box.Top * s) - 0.5f))),
    ];
        return apply(features, new Request(regions, size));
    }

    protected override unsafe Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (features, request) = ((Tensor)inputs[0], (Request)inputs[1]);
        request.Shape = new RoiAlignKernel.Shape(
            (int)features.shape[0], (int)features.shape[2], (int)features.shape[3], (int)features.shape[1]);
        ctx.save_data(RequestKey, request);
        var map = features.cpu().permute(0, 2, 3, 1).contiguous(); // [N, H, W, C]
        var cells = empty([request.Regions.Length, request.Size, request.Size, request.Shape.Channels], dtype: float32);
        if (request.Regions.Length > 0)
        {
            RoiAlignKernel.Forward(
                Address(map), request.Shape, request.Regions, request.Size, Address(cells),
                get_num_threads());
        }

        return cells.to(features.device).permute(0, 3, 1, 2);
    }

    protected override unsafe Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        var request = (Request)ctx.get_data(RequestKey);
        var shape = request.Shape;
        var cells = gradient.cpu().permute(0, 2, 3, 1).contiguous(); // [R, P, P, C]
        var map = zeros([shape.Images, shape.Height, shape.Width, shape.Channels], dtype: float32);
        if (request.Regions.Length > 0)
        {
            RoiAlignKernel.Backward(
                Address(cells), shape, request.Regions, request.Size, Address(map),
                get_num_threads());
        }

        return [map.to(gradient.device).permute(0, 3, 1, 2)];
    }

    // Address of the first element. A span over all elements would be limited to 2 GB.
    private static unsafe float* Address(Tensor tensor)
    {
        using var first = tensor.narrow(0, 0, 1);
        return (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    private sealed class Request(RoiAlignKernel.Region[] regions, int size)
    {
        public RoiAlignKernel.Region[] Regions => regions;

        public int Size => size;

        public RoiAlignKernel.Shape Shape { get; set; }
    }
}
