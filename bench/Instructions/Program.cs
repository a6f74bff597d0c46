// Work whose instructions bench/instructions.py counts: `step N` trains N steps, `views N` makes N views. There is
// little else in the process, so that the count of a few more steps or views stands out.
using System.Globalization;
using MoCoSharp;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

const int Batch = 12; // two groups of the six images that a convolution of few channels takes at once
const int Side = 32;
const int PhotoSide = 320;

if (args is not [var kind, var text]
    || !int.TryParse(text, CultureInfo.InvariantCulture, out var count)
    || count < 1)
{
    Console.Error.WriteLine($"expected: step N or views N, N above 0; found: {string.Join(' ', args)}");
    return 2;
}

switch (kind)
{
    case "step":
        TrainSteps();
        return 0;
    case "views":
        MakeViews();
        return 0;
    default:
        Console.Error.WriteLine($"expected step or views, found: {kind}");
        return 2;
}

// A narrow ResNet-18, as in the recipe `patterns`. Stage 3 uses Winograd's tiles.
void TrainSteps()
{
    TorchRuntime.Load();
    set_num_threads(1);
    var config = new RunConfig
    {
        BatchSize = Batch,
        BnGroups = 2,
        Encoder = new EncoderOptions { Depth = 18, Width = 16, Stem = EncoderStem.Small, Head = EncoderHead.Mlp },
    }.With(new MoCoOptions { QueueSize = 4 * Batch });
    using var method = config.CreateMethod(Batch, SingleProcess.Instance);
    method.train();
    using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
    var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
    using var random = new Generator(1);
    for (var i = 0; i < count; i++)
    {
        using var scope = NewDisposeScope();
        step.Run(i, Images(random), Images(random), learningRate: 0.01);
    }
}

static Tensor Images(Generator random) => randn([Batch, 3, Side, Side], generator: random);

// The strong augmentation of MoCo v2 at 224 pixels, of one image without its decoding.
void MakeViews()
{
    var transform = ViewRecipes.Train(new ViewOptions());
    var colors = new SampleRandom(1, 0, 0, 0);
    var source = new byte[3 * PhotoSide * PhotoSide];
    for (var i = 0; i < source.Length; i++)
    {
        source[i] = (byte)colors.NextInt(256);
    }

    using var image = new ImageBuffer(PhotoSide, PhotoSide, source);
    var pixels = new float[3 * transform.Size * transform.Size];
    for (var i = 0; i < count; i++)
    {
        var random = new SampleRandom(1, 1, i, 0);
        transform.Write(image, ref random, pixels);
    }
}
