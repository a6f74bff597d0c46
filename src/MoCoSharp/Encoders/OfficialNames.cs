namespace MoCoSharp.Encoders;

/// <summary>The tensor names of MoCo's official code.</summary>
internal static class OfficialNames
{
    /// <summary>The prefix of all names, from DistributedDataParallel.</summary>
    public const string Prefix = "module.";

    /// <summary>The prefix of f_q; torchvision's names follow.</summary>
    public const string Query = "encoder_q.";

    /// <summary>The prefix of f_k.</summary>
    public const string Key = "encoder_k.";

    /// <summary>The keys: [C, K] in official files, [K, C] here.</summary>
    public const string Queue = "queue";

    /// <summary>The row for the next key. Shape [1].</summary>
    public const string QueuePosition = "queue_ptr";
}
