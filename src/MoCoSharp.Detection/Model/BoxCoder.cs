namespace MoCoSharp.Detection.Model;

/// <summary>
/// Encodes a target box relative to a given box, as a network predicts it: the shift of the center in units of the
/// box's size, and the logarithms of the ratios of sizes.
/// </summary>
/// <param name="weightX">Factor of the horizontal shift: 1 for proposals, 10 for classified boxes.</param>
/// <param name="weightY">Factor of the vertical shift: the same.</param>
/// <param name="weightWidth">Factor of the logarithm of widths: 1 for proposals, 5 for classified boxes.</param>
/// <param name="weightHeight">Factor of the logarithm of heights: the same.</param>
/// <remarks>
/// Girshick et al. 2014, <see href="https://arxiv.org/abs/1311.2524"/>, appendix C. Weights and clamp are those of
/// Faster R-CNN's code.
/// </remarks>
internal sealed class BoxCoder(float weightX, float weightY, float weightWidth, float weightHeight)
{
    private static readonly float LargestLogarithm = MathF.Log(1000f / 16); // a box grows at most 62.5 times

    /// <summary>For region proposals.</summary>
    public static BoxCoder Proposals { get; } = new(1, 1, 1, 1);

    /// <summary>For classified boxes.</summary>
    public static BoxCoder Classified { get; } = new(10, 10, 5, 5);

    /// <summary>Computes the deltas from a box to a target.</summary>
    /// <param name="box">With width and height above 0.</param>
    /// <param name="target">With width and height above 0.</param>
    /// <param name="deltas">Written: x, y, width, height.</param>
    public void Encode(Box box, Box target, Span<float> deltas)
    {
        deltas[0] = weightX * (target.Left + (0.5f * target.Width) - (box.Left + (0.5f * box.Width))) / box.Width;
        deltas[1] = weightY * (target.Top + (0.5f * target.Height) - (box.Top + (0.5f * box.Height))) / box.Height;
        deltas[2] = weightWidth * MathF.Log(target.Width / box.Width);
        deltas[3] = weightHeight * MathF.Log(target.Height / box.Height);
    }

    /// <summary>Applies deltas to a box.</summary>
    /// <param name="box">The box.</param>
    /// <param name="deltas">x, y, width, height.</param>
    public Box Decode(Box box, ReadOnlySpan<float> deltas)
    {
        var x = (deltas[0] / weightX * box.Width) + box.Left + (0.5f * box.Width);
        var y = (deltas[1] / weightY * box.Height) + box.Top + (0.5f * box.Height);
        var width = MathF.Exp(MathF.Min(deltas[2] / weightWidth, LargestLogarithm)) * box.Width;
        var height = MathF.Exp(MathF.Min(deltas[3] / weightHeight, LargestLogarithm)) * box.Height;
        return new Box(x - (0.5f * width), y - (0.5f * height), x + (0.5f * width), y + (0.5f * height));
    }
}
