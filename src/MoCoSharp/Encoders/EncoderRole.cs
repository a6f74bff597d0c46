namespace MoCoSharp.Encoders;

/// <summary>Which of a method's two encoders.</summary>
public enum EncoderRole
{
    /// <summary>The query encoder f_q: trained by gradients, and what evaluations use.</summary>
    Query,

    /// <summary>The key encoder f_k: the moving average of the query encoder.</summary>
    Key,
}
