namespace MoCoSharp.Encoders;

/// <summary>A convolution of an ONNX graph, and the BatchNorm after it.</summary>
/// <param name="Node">The convolution.</param>
/// <param name="Stride">Its stride.</param>
/// <param name="Weight">Shape [outputs, inputs, kernel, kernel].</param>
/// <param name="Bias">Shape [outputs]; null for none.</param>
/// <param name="Norm">Null if BatchNorm was folded into the convolution.</param>
internal sealed record OnnxLayer(OnnxNode Node, int Stride, OnnxTensor Weight, OnnxTensor? Bias, OnnxNorm? Norm)
{
    /// <summary>Passes a convolution and its BatchNorm.</summary>
    /// <param name="flow">The graph.</param>
    /// <param name="node">The convolution.</param>
    /// <param name="value">Receives the output.</param>
    /// <exception cref="InvalidDataException">It is of a kind that the encoders do not have.</exception>
    public static OnnxLayer Pass(OnnxFlow flow, OnnxNode? node, out string value)
    {
        if (node?.Operation != "Conv")
        {
            throw flow.Fault($"{node?.ToString() ?? "the end of the graph"} is where a Conv should be");
        }

        value = flow.Pass(node);
        var weight = flow.Weight(node, 1);
        var stride = Check(flow, node, weight);
        var bias = node.Inputs.Count > 2 ? flow.Weight(node, 2) : null;
        if (flow.Consumers(value) is not [{ Operation: "BatchNormalization" } norm])
        {
            return new(node, stride, weight, bias, null);
        }

        value = flow.Pass(norm);
        return new(node, stride, weight, bias, new(
            flow.Weight(norm, 1), flow.Weight(norm, 2), flow.Weight(norm, 3), flow.Weight(norm, 4),
            norm.Number("epsilon", 1e-5f)));
    }

    private static int Check(OnnxFlow flow, OnnxNode node, OnnxTensor weight)
    {
        if (weight.Shape is not [_, _, var kernel, var width] || kernel != width || kernel is not (1 or 3 or 7))
        {
            throw flow.Fault($"{node} has a weight of shape [{string.Join(", ", weight.Shape)}], expected kernels of " +
                "1x1, 3x3 or 7x7");
        }

        if (node.Integer("group", 1) != 1)
        {
            throw flow.Fault($"{node} is grouped, as in a ResNeXt");
        }

        if (node.Integers("dilations").Any(dilation => dilation != 1))
        {
            throw flow.Fault($"{node} is dilated");
        }

        var strides = node.Integers("strides");
        if (strides.Any(stride => stride is < 1 or > 2 || stride != strides[0]))
        {
            throw flow.Fault($"{node} has strides [{string.Join(", ", strides)}], expected 1 or 2 in both directions");
        }

        var stride = strides.Count == 0 ? 1 : (int)strides[0];
        return IsCentered(node, kernel, stride) ? stride : throw flow.Fault(
            $"{node} has the padding [{string.Join(", ", node.Integers("pads"))}] {node.Word("auto_pad")}, expected " +
            $"{kernel / 2} on each side");
    }

    /// <summary>Whether the padding of a convolution or pool is half its kernel, as in the encoders.</summary>
    /// <remarks>
    /// With stride 2, one less at the end is the same for images of an even size: no window reaches the last row.
    /// CNTK writes it so.
    /// </remarks>
    public static bool IsCentered(OnnxNode node, long kernel, int stride)
    {
        var half = kernel / 2;
        return node.Word("auto_pad") switch
        {
            "SAME_UPPER" or "SAME_LOWER" => stride == 1 || kernel == 1,
            "VALID" => kernel == 1,
            _ => node.Integers("pads") switch
            {
                [] => half == 0,
                [var top, var left, var bottom, var right] =>
                    top == half && left == half && bottom == right && (bottom == half
                        || (stride == 2 && bottom == half - 1)),
                _ => false,
            },
        };
    }
}

/// <summary>The weights of a BatchNorm in an ONNX graph; each of shape [channels].</summary>
internal sealed record OnnxNorm(
    OnnxTensor Weight, OnnxTensor Bias, OnnxTensor Mean, OnnxTensor Variance, double Epsilon);
