using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Tells when a data set is too small to pre-train on from random weights, and what to do then.</summary>
internal static class FewImages
{
    /// <summary>Fewer images than this are too few to start from random weights.</summary>
    /// <remarks>
    /// The 3,500 photos of docs/how-to/imagenette.md end at 44 %, where the untrained encoder has 33 and one that was
    /// trained on ImageNet 96.
    /// </remarks>
    public const int Few = 4000;

    private const string Checkpoint = "moco_v2_800ep_pretrain.pth.tar";

    /// <summary>
    /// The remark on a run that would start from random weights with few images; null where it does not.
    /// </summary>
    public static string? Remark(RunConfig config, IImageDataset images) =>
        images.Count < Few && images is not Patterns && config.InitialWeights is null && !config.Method.LearnsLabels
        ? $"{images.Count} images are few for an encoder that begins from nothing: with 3,500 photos it ends far " +
            "below a released one (docs/how-to/imagenette.md). "
            + "Take some thousands, or a released checkpoint (docs/how-to/pytorch.md says where it " +
                $"is):{Environment.NewLine}"
            + $"  {Embed(config.Data)}  # as it is{Environment.NewLine}"
            + $"  moco pretrain moco-v2-folder --data {Shell.Quote(config.Data)} --set initialWeights={Checkpoint} " +
                "encoder.depth=50  # trained on"
        : null;

    /// <summary>The command that uses a released checkpoint as it is.</summary>
    public static string Embed(string source) =>
        $"moco embed {Checkpoint} --data {Shell.Quote(source)} -o features.csv";
}
