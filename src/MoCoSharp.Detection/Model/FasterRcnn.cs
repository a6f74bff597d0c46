using System.Runtime.InteropServices;
using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Detection.Model;

/// <summary>
/// Faster R-CNN with a C4 backbone: three stages of an encoder process the image, the fourth each proposed region.
/// </summary>
/// <remarks>
/// Ren et al. 2015, <see href="https://arxiv.org/abs/1506.01497"/>, as in detectron2's "R50-C4", and trained as in
/// MoCo: no layer and no BatchNorm is frozen.
/// </remarks>
internal sealed class FasterRcnn : Module
{
    private const int MostRegionsAtOnce = 256; // in a test, to limit memory

    private readonly Backbone backbone;
    private readonly RegionStage res5;
    private readonly RpnHead rpn;
    private readonly BoxPredictor predictor;
    private readonly DetectorOptions _options;
    private readonly int _classes;
    private readonly int _stride;
    private readonly Box[] _cell;

    /// <summary>Creates a detector with random weights.</summary>
    /// <param name="encoder">Architecture. The head is left out.</param>
    /// <param name="options">Valid options.</param>
    /// <param name="classes">Number of classes K, above 0, without background.</param>
    /// <param name="random">Draws the weights.</param>
    public FasterRcnn(EncoderOptions encoder, DetectorOptions options, int classes, Generator random)
        : base(nameof(FasterRcnn))
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        _options = options;
        _classes = classes;
        _stride = BackboneStride.Of(encoder);
        _cell = AnchorGrid.Cell(options.AnchorSizes, options.AnchorRatios);
        backbone = new Backbone(encoder);
        res5 = new RegionStage(encoder, options.Roi.ExtraNorm);
        TorchvisionInitialization.Apply(backbone, random);
        TorchvisionInitialization.Apply(res5, random);
        rpn = new RpnHead(backbone.Channels, _cell.Length, random);
        predictor = new BoxPredictor(res5.FeatureSize, classes, random);
        RegisterComponents();
        ChannelsLast.Apply(this);
    }

    /// <summary>The precision of convolutions. Boxes, losses and statistics are always fp32.</summary>
    public Precision Precision
    {
        get => backbone.Precision;
        set => (backbone.Precision, res5.Precision) = (value, value);
    }

    /// <summary>Copies an encoder's weights, except its head. New layers stay random.</summary>
    /// <param name="encoder">An encoder of the same architecture. It is not changed.</param>
    public void Begin(Encoder encoder)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var source = encoder.state_dict();
        foreach (
            var (name, tensor) in backbone
                .state_dict()
                .Concat(res5.state_dict())
                .Where(item => !item.Key.StartsWith("norm.", StringComparison.Ordinal)))
        {
            tensor.copy_(source[name]);
        }
    }

    /// <summary>Computes the losses of a batch.</summary>
    /// <param name="batch">
    /// The images. Their positions in the stream and the seed fix the sampling.
    /// </param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="device">Device of the weights.</param>
    public DetectorLosses Losses(DetectionBatch batch, long seed, Device device)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = NewDisposeScope();
        var map = backbone.call(Images(batch, device));
        var (logits, deltas) = rpn.call(map);
        var anchors = AnchorGrid.Over(_cell, (int)map.shape[2], (int)map.shape[3], _stride);
        var (count, perImage) = (batch.Views.Count, anchors.Length);
        var (logitValues, deltaValues) = (HostMemory.Floats(logits), HostMemory.Floats(deltas));
        var ofAnchors = new AnchorTargets[count];
        var ofRegions = new RegionTargets[count];
        Parallel.For(0, count, n =>
        {
            var (view, item) = (batch.Views[n], batch.Items[n]);
            var (truths, labels) = RegionTargets.Truths(view);
            var isInside = RegionProposals.Inside(anchors, view.Width, view.Height);
            ofAnchors[n] = AnchorTargets.Of(
                anchors, isInside, truths, _options.Rpn,
                RandomStreams.Anchors(seed, item.Position, item.Index));
            var proposals = RegionProposals.Of(
                anchors, isInside, logitValues.AsSpan(n * perImage, perImage),
                deltaValues.AsSpan(4 * n * perImage, 4 * perImage),
                view.Width, view.Height, _options.Rpn.TrainBefore, _options.Rpn.TrainAfter, _options.Rpn.NmsIou);
            ofRegions[n] = RegionTargets.Of(
                proposals, truths, labels, _classes, _options.Roi,
                RandomStreams.Regions(seed, item.Position, item.Index));
        });
        var (objectness, proposal) = DetectorLosses.OfAnchors(
            logits, deltas,
            [.. Enumerable.Range(0, count).SelectMany(n => ofAnchors[n].Objects.Select(b => ((long)n * perImage) + b))],
            [
                .. Enumerable
                    .Range(0, count)
                    .SelectMany(n => ofAnchors[n].Background.Select(b => ((long)n * perImage) + b)),
            ],
            [.. ofAnchors.SelectMany(targets => targets.Deltas)],
            count * (double)_options.Rpn.Samples);
        (int Image, Box Box)[] regions =
        [
            .. Enumerable.Range(0, count).SelectMany(n => ofRegions[n].Regions.Select(box => (n, box))),
        ];
        var (classLogits, classDeltas) = Classify(map, regions);
        var (classification, location) = DetectorLosses.OfRegions(
            classLogits,
            classDeltas,
            [.. ofRegions.SelectMany(targets => targets.Labels)],
            [.. ofRegions.SelectMany(targets => targets.Deltas)]);
        return new DetectorLosses(
            objectness.MoveToOuterDisposeScope(), proposal.MoveToOuterDisposeScope(),
            classification.MoveToOuterDisposeScope(),
            location.MoveToOuterDisposeScope());
    }

    /// <summary>Detects the objects in one image, best first, in pixels of the original.</summary>
    /// <param name="batch">A batch of one image.</param>
    /// <param name="width">Width of the original.</param>
    /// <param name="height">Height of the original.</param>
    /// <param name="device">Device of the weights.</param>
    public IReadOnlyList<FoundObject> Detect(DetectionBatch batch, int width, int height, Device device)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var view = batch.Views[0];
        var map = backbone.call(Images(batch, device));
        var (logits, deltas) = rpn.call(map);
        var anchors = AnchorGrid.Over(_cell, (int)map.shape[2], (int)map.shape[3], _stride);
        var proposals = RegionProposals.Of(
            anchors, RegionProposals.Inside(anchors, view.Width, view.Height), HostMemory.Floats(logits),
            HostMemory.Floats(deltas),
            view.Width, view.Height, _options.Rpn.TestBefore, _options.Rpn.TestAfter, _options.Rpn.NmsIou);
        var boxes = new List<Box>();
        var scores = new List<float>();
        var labels = new List<int>();
        foreach (var chunk in proposals.Chunk(MostRegionsAtOnce))
        {
            using var chunkScope = NewDisposeScope();
            var (classLogits, classDeltas) = Classify(map, [.. chunk.Select(box => (0, box))]);
            Collect(
                chunk, HostMemory.Floats(classLogits.softmax(1)), HostMemory.Floats(classDeltas), view, boxes, scores,
                labels);
        }

        var (scaleX, scaleY) = (width / (double)view.Width, height / (double)view.Height);
        return
        [
            .. NonMaximumSuppression
                .KeepByClass(boxes, scores, labels, (float)_options.Roi.NmsIou, _options.Roi.MostFound)
                .Select(i => new FoundObject(
            batch.Items[0].Index, labels[i], scores[i], boxes[i].Left * scaleX, boxes[i].Top * scaleY,
            boxes[i].Right * scaleX, boxes[i].Bottom * scaleY)),
];
    }

    private void Collect(
        Box[] proposals, float[] shares, float[] deltas, DetectionView view, List<Box> boxes, List<float> scores,
        List<int> labels)
    {
        for (var r = 0; r < proposals.Length; r++)
        {
            for (var k = 0; k < _classes; k++)
            {
                var score = shares[(r * (_classes + 1)) + k];
                if (score > _options.Roi.TestScore)
                {
                    var box = BoxCoder.Classified.Decode(proposals[r], deltas.AsSpan(4 * ((r * _classes) + k), 4));
                    if (box.IsFinite && box.Clip(view.Width, view.Height) is { IsEmpty: false } inside)
                    {
                        boxes.Add(inside);
                        scores.Add(score);
                        labels.Add(k);
                    }
                }
            }
        }
    }

    private (Tensor Logits, Tensor Deltas) Classify(Tensor map, (int Image, Box Box)[] regions) =>
        predictor.call(res5.call(RoiAlign.Of(map.to(float32), regions, 1.0 / _stride, _options.Roi.PoolSize)));

    // [N, 3, H, W], channels last.
    private static Tensor Images(DetectionBatch batch, Device device)
    {
        using var scope = NewDisposeScope();
        var pixels = empty([batch.Views.Count, batch.Height, batch.Width, 3], dtype: float32);
        batch.Pixels.CopyTo(MemoryMarshal.Cast<byte, float>(pixels.bytes));
        return pixels.to(device).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }
}
