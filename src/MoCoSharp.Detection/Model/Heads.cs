using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Detection.Model;

/// <summary>
/// The region proposal network: for each anchor at each point, the objectness and the box deltas.
/// </summary>
internal sealed class RpnHead : Module<Tensor, (Tensor Logits, Tensor Deltas)>
{
    private const double InitialDeviation = 0.01;

    private readonly Parameter conv_weight;               // [C, C, 3, 3]
    private readonly Parameter conv_bias;                 // [C]
    private readonly Parameter objectness_logits_weight;  // [A, C]
    private readonly Parameter objectness_logits_bias;    // [A]
    private readonly Parameter anchor_deltas_weight;      // [4 A, C]
    private readonly Parameter anchor_deltas_bias;        // [4 A]

    public RpnHead(int channels, int anchors, Generator random) : base(nameof(RpnHead))
    {
        conv_weight = Drawn(InitialDeviation, random, channels, channels, 3, 3);
        conv_bias = new Parameter(zeros(channels));
        objectness_logits_weight = Drawn(InitialDeviation, random, anchors, channels);
        objectness_logits_bias = new Parameter(zeros(anchors));
        anchor_deltas_weight = Drawn(InitialDeviation, random, 4 * anchors, channels);
        anchor_deltas_bias = new Parameter(zeros(4 * anchors));
        RegisterComponents();
    }

    internal static Parameter Drawn(double deviation, Generator random, params long[] shape)
    {
        using var noGrad = no_grad();
        var values = empty(shape);
        values.normal_(0, deviation, random);
        return new Parameter(values);
    }

    /// <summary>
    /// Converts a feature map [N, C, H, W], channels last, to logits [N, H W A] and deltas [N, H W A, 4], in the order
    /// of
    /// <see cref="AnchorGrid.Over"/>.
    /// </summary>
    public override (Tensor Logits, Tensor Deltas) forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var type = map.dtype;
        var hidden = functional
            .conv2d(map, conv_weight.to(type), conv_bias.to(type), padding: [1, 1])
            .relu_()
            .permute(0, 2, 3, 1); // [N, H, W, C]
        var logits = functional
            .linear(hidden, objectness_logits_weight.to(type), objectness_logits_bias.to(type))
            .to(float32)
            .flatten(1);
        var deltas = functional
            .linear(hidden, anchor_deltas_weight.to(type), anchor_deltas_bias.to(type))
            .to(float32)
            .flatten(1)
            .unflatten(1, [-1, 4]);
        return (logits.MoveToOuterDisposeScope(), deltas.MoveToOuterDisposeScope());
    }
}

/// <summary>Predicts the class of a region, and box deltas for each class, with one linear layer each.</summary>
internal sealed class BoxPredictor : Module<Tensor, (Tensor Logits, Tensor Deltas)>
{
    private readonly Parameter cls_score_weight;  // [K + 1, D]; background is the last
    private readonly Parameter cls_score_bias;    // [K + 1]
    private readonly Parameter bbox_pred_weight;  // [4 K, D]
    private readonly Parameter bbox_pred_bias;    // [4 K]

    public BoxPredictor(int featureSize, int classes, Generator random) : base(nameof(BoxPredictor))
    {
        cls_score_weight = RpnHead.Drawn(0.01, random, classes + 1, featureSize);
        cls_score_bias = new Parameter(zeros(classes + 1));
        bbox_pred_weight = RpnHead.Drawn(0.001, random, 4 * classes, featureSize);
        bbox_pred_bias = new Parameter(zeros(4 * classes));
        RegisterComponents();
    }

    /// <summary>Converts features [R, D] to logits [R, K + 1] and deltas [R, K, 4].</summary>
    public override (Tensor Logits, Tensor Deltas) forward(Tensor features)
    {
        using var scope = NewDisposeScope();
        var logits = functional.linear(features, cls_score_weight, cls_score_bias);
        var deltas = functional.linear(features, bbox_pred_weight, bbox_pred_bias).unflatten(1, [-1, 4]);
        return (logits.MoveToOuterDisposeScope(), deltas.MoveToOuterDisposeScope());
    }
}
