namespace MoCoSharp.Encoders;

/// <summary>What MoCo's official code calls its tensors.</summary>
internal static class OfficialNames
{
    /// <summary>Before every name: DistributedDataParallel's.</summary>
    public const string Prefix = "module.";

    /// <summary>Before the names of f_q; what follows is torchvision's.</summary>
    public const string Query = "encoder_q.";

    /// <summary>Before the names of f_k.</summary>
    public const string Key = "encoder_k.";

    /// <summary>The keys, [C, K] there and [K, C] here.</summary>
    public const string Queue = "queue";

    /// <summary>The row that the next key goes to, [1].</summary>
    public const string QueuePosition = "queue_ptr";
}
