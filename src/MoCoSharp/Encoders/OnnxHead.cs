namespace MoCoSharp.Encoders;

/// <summary>What follows the pooled features in an ONNX graph.</summary>
/// <param name="Linear">Linear layers, with a ReLU between two.</param>
/// <param name="Rest">The first operation that is no part of these; null for none.</param>
internal sealed record OnnxHead(IReadOnlyList<OnnxLinear> Linear, OnnxNode? Rest)
{
    /// <summary>Passes the head.</summary>
    /// <param name="flow">The graph.</param>
    /// <param name="value">The pooled features.</param>
    public static OnnxHead Pass(OnnxFlow flow, string value)
    {
        while (flow.Consumers(value) is [{ Operation: "Flatten" or "Reshape" or "Squeeze" } flatten])
        {
            value = flow.Pass(flatten);
        }

        var layers = new List<OnnxLinear>();
        OnnxNode? last = null; // a ReLU after the layers so far
        while (flow.Consumers(value) is [{ Operation: "Gemm" or "MatMul" } node] && Find(flow, node) is { } layer)
        {
            layers.Add(layer);
            last = null;
            value = flow.Pass(node);
            if (node.Operation == "MatMul" && layer.Bias is not null && flow.Next(value) is { } add)
            {
                value = flow.Pass(add);
            }

            if (flow.Consumers(value) is not [{ Operation: "Relu" } relu])
            {
                break;
            }

            last = relu;
            value = flow.Pass(relu);
        }

        if (last is not null)
        {
            return new(layers, last); // the heads here end with a linear layer
        }

        var rest = flow.Consumers(value) is [{ Operation: not ("Softmax" or "LogSoftmax") } other, ..] ? other : null;
        return new(layers, rest);
    }

    // [N, inputs] x [inputs, outputs] + [outputs]; null if it is another product.
    private static OnnxLinear? Find(OnnxFlow flow, OnnxNode node)
    {
        if (
            flow.FindWeight(node, 1) is not { Shape.Count: 2 } weight
            || node.Integer("transA", 0) != 0
            || node.Number("alpha", 1) != 1
            || node.Number("beta", 1) != 1)
        {
            return null;
        }

        if (node.Operation == "Gemm")
        {
            return new(weight, IsTransposed: node.Integer("transB", 0) == 0, flow.FindWeight(node, 2));
        }

        var bias = flow.Consumers(node.Output) is [{ Operation: "Add" } add]
            ? flow.FindWeight(add, 0) ?? flow.FindWeight(add, 1)
            : null;
        return new(weight, IsTransposed: true, bias);
    }
}

/// <summary>A linear layer of an ONNX graph.</summary>
/// <param name="Weight">The weight.</param>
/// <param name="IsTransposed">Whether its shape is [inputs, outputs], not [outputs, inputs].</param>
/// <param name="Bias">Shape [outputs]; null for none.</param>
internal sealed record OnnxLinear(OnnxTensor Weight, bool IsTransposed, OnnxTensor? Bias);
