using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Warns if a data set is too small for pre-training from random weights, and suggests alternatives.</summary>
internal static class FewImages
{
    /// <summary>Fewer images than this are too few to start from random weights.</summary>
    /// <remarks>
    /// The 3,500 photos of docs/how-to/imagenette.md reach 69 % in an hour. The untrained encoder has 35 %, and an
    /// encoder trained on ImageNet has 96 %.
    /// </remarks>
    public const int Few = 4000;

    private const string Checkpoint = "moco_v2_800ep_pretrain.pth.tar";

    /// <summary>The remark on a run that starts from random weights with few images; null for other runs.</summary>
    public static string? Remark(RunConfig config, IImageDataset images) =>
        images.Count < Few && images is not Patterns && config.InitialWeights is null && !config.Method.LearnsLabels
        ? $"{images.Count} images are few for training from random weights: with 3,500 photos, the result is far " +
            "below a released encoder (docs/how-to/imagenette.md). Use some thousands of images, or a released " +
            $"checkpoint (docs/how-to/pytorch.md says where it is):{Environment.NewLine}" +
            $"  {Embed(config.Data)}  # as it is{Environment.NewLine}" +
            $"  moco pretrain moco-v2-folder --data {Shell.Quote(config.Data)} --set initialWeights={Checkpoint} " +
            "encoder.depth=50  # trained on"
        : null;

    /// <summary>The command that embeds images with a released checkpoint.</summary>
    public static string Embed(string source) =>
        $"moco embed {Checkpoint} --data {Shell.Quote(source)} -o features.csv";
}
