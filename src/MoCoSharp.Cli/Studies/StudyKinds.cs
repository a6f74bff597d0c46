using System.Globalization;
using MoCoSharp.Data;
using MoCoSharp.Data.Views;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>The papers' studies of MoCo, for any MoCo recipe. Cells differ only in options.</summary>
internal static class StudyKinds
{
    private const double TemperatureOfV1 = 0.07;
    private const double TemperatureOfV2 = 0.2;
    private const string Mark = "x";

    /// <summary>Table 1 of MoCo v2 (arXiv 2003.04297): the contribution of each part.</summary>
    public static StudyKind Ablation { get; } = new(
        "ablation",
        "MoCo v2's table 1: supervised, MoCo v1, and rows a to e: MLP head, stronger views, cosine, longer.",
        ["row", "MLP", "aug+", "cos", "epochs"], "row", [], (recipe, _, _) =>
        [
            Supervised(recipe),
            Row(recipe, "v1", "MoCo v1", mlp: false, plus: false, cosine: false),
            Row(recipe, "a", "(a)", mlp: true, plus: false, cosine: false),
            Row(recipe, "b", "(b)", mlp: false, plus: true, cosine: false),
            Row(recipe, "c", "(c)", mlp: true, plus: true, cosine: false),
            Row(recipe, "d", "(d)", mlp: true, plus: true, cosine: true),
            Row(recipe with { Epochs = 4 * recipe.Epochs }, "e", "(e)", mlp: true, plus: true, cosine: true),
        ]);

    /// <summary>The temperatures of MoCo v2, section 3, with and without its head.</summary>
    public static StudyKind Temperature { get; } = new(
        "temperature", "The softmax temperature, with the linear and the MLP head.",
        ["head", "temperature"], "temperature", [0.07, 0.1, 0.2, 0.3, 0.4, 0.5], (recipe, values, _) =>
            from head in new[] { EncoderHead.Linear, EncoderHead.Mlp }
            from value in values
            select new StudyCell(
                $"{head.Name()}-{Text(value)}", [head.Name(), Text(value)], Text(value), head.Name(),
                (recipe with { Encoder = recipe.Encoder with { Head = head } }).With(
                    recipe.MoCo! with
                    {
                        Temperature = value,
                    })));

    /// <summary>The three mechanisms of figure 3 of MoCo v1 (arXiv 1911.05722) over K.</summary>
    public static StudyKind Queue { get; } = new(
        "queue", "The number of negatives, K: MoCo's queue, the memory bank, and end-to-end, whose K is its batch.",
        ["mechanism", "K"], "K, the number of negatives", [256, 1024, 4096, 16384, 65536], (recipe, values, images) =>
        [
            .. values.Where(value => value <= images).Select(value => new StudyCell(
                $"moco-{Text(value)}", ["MoCo", Text(value)], Text(value), "MoCo",
                recipe.With(recipe.MoCo! with { QueueSize = (int)value }))),
            .. values.Where(value => value <= images).Select(value => new StudyCell(
                $"memory-bank-{Text(value)}", ["memory bank", Text(value)], Text(value), "memory bank",
                recipe.With(
                    new MemoryBankOptions
                    {
                        Dimension = recipe.MoCo!.Dimension,
                        Negatives = (int)value,
                        Temperature = recipe.MoCo.Temperature,
                    }))),
            .. EndToEndCells(recipe, values),
        ])
    {
        CountsWhole = true,
    };

    /// <summary>
    /// The momenta of MoCo v1, section 4.1. With 0, the key encoder is the query encoder of the previous step.
    /// </summary>
    public static StudyKind Momentum { get; } = new(
        "momentum", "The momentum of the key encoder, from 0 (training fails) to 0.9999.",
        ["momentum"], "momentum of the key encoder", [0, 0.9, 0.99, 0.999, 0.9999],
        (recipe, values, _) =>
            values.Select(value => new StudyCell(
            $"momentum-{Text(value)}", [Text(value)], Text(value), "MoCo",
            recipe.With(recipe.MoCo! with { Momentum = value }))));

    /// <summary>
    /// Table 2 of MoCo v2: MoCo needs no large batch, and SimCLR does. The epochs are the same for every batch.
    /// </summary>
    public static StudyKind Methods { get; } = new(
        "methods", "MoCo and SimCLR at a small and a large batch, with the same epochs.",
        ["method", "batch"], "images in a batch", [256, 4096], (recipe, values, images) =>
        [
            .. values.Where(value => value <= images).Select(value => new StudyCell(
                $"moco-{Text(value)}", ["MoCo", Text(value)], Text(value), "MoCo",
                OfBatch(recipe, value) with { BnGroups = GroupsOf(recipe, value) })),
            .. values.Where(value => value <= images).Select(value => new StudyCell(
                $"simclr-{Text(value)}", ["SimCLR", Text(value)], Text(value), "SimCLR",
                (OfBatch(recipe, value) with
                {
                    BnGroups = 1, // the paper's BatchNorm is global
                    Encoder = recipe.Encoder with { Head = EncoderHead.MlpBn },
                }).With(
                    new SimClrOptions
                    {
                        Dimension = recipe.MoCo!.Dimension,
                        Temperature = recipe.MoCo.Temperature,
                    }))),
        ])
    {
        CountsWhole = true,
    };

    /// <summary>
    /// Shuffled BatchNorm of MoCo v1, section 3.3. Without it, statistics tell the query which key is its own.
    /// </summary>
    public static StudyKind Shuffle { get; } = new(
        "shuffle", "The BatchNorm of keys with and without a shuffle; needs bnGroups above 1.",
        ["shuffle"], "shuffled BatchNorm", [], (recipe, _, _) =>
            from shuffled in new[] { true, false }
            let word = shuffled ? "on" : "off"
            select new StudyCell(
                $"shuffle-{word}", [word], word, "MoCo", recipe.With(recipe.MoCo! with { Shuffle = shuffled })))
    {
        Fault = recipe => recipe.BnGroups > 1
            ? null
            : $"bnGroups is {recipe.BnGroups}, and a single group has nothing to shuffle. Add --set bnGroups=8.",
    };

    /// <summary>All studies that train and evaluate. The cost study is separate.</summary>
    public static IReadOnlyList<StudyKind> All { get; } = [Ablation, Temperature, Queue, Momentum, Methods, Shuffle];

    // The linear scaling rule; the warm-up sees as many images.
    private static RunConfig OfBatch(RunConfig recipe, double batch) => recipe with
    {
        BatchSize = (int)batch,
        Optimizer = recipe.Optimizer with
        {
            LearningRate = recipe.Optimizer.LearningRate * batch / recipe.BatchSize,
            WarmupSteps = (int)Math.Ceiling(recipe.Optimizer.WarmupSteps * recipe.BatchSize / batch),
        },
    };

    // As many groups as keep the images of a group.
    private static int GroupsOf(RunConfig recipe, double batch) =>
        Math.Max(1, (int)(recipe.BnGroups * batch / recipe.BatchSize));

    // The batch is the dictionary. Leaves out batch sizes above 4096, and those that are no multiple of the BN groups.
    private static IEnumerable<StudyCell> EndToEndCells(RunConfig recipe, IReadOnlyList<double> values)
    {
        const double most = 4096;
        return values.Where(value => value <= most && value % recipe.BnGroups == 0).Select(value => new StudyCell(
            $"end-to-end-{Text(value)}", ["end-to-end", Text(value)], Text(value), "end-to-end",
            OfBatch(recipe, value).With(
                new EndToEndOptions
                {
                    Dimension = recipe.MoCo!.Dimension,
                    Temperature = recipe.MoCo.Temperature,
                    Shuffle = recipe.MoCo.Shuffle,
                })));
    }

    private static StudyCell Supervised(RunConfig recipe) => new(
        "supervised", ["supervised", "", "", "", Text(recipe.Epochs)], "supervised", "supervised",
        (recipe with
        {
            Encoder = recipe.Encoder with { Head = EncoderHead.Linear },
            Optimizer = recipe.Optimizer with
            {
                LearningRate = 0.1 * recipe.BatchSize / 256,
                Schedule = LearningRateSchedule.Steps,
                Milestones = [recipe.Epochs * 30 / 100, recipe.Epochs * 60 / 100, recipe.Epochs * 90 / 100],
            },
        }).With(new SupervisedOptions()));

    private static StudyCell Row(RunConfig recipe, string name, string title, bool mlp, bool plus, bool cosine)
    {
        var small = recipe.Views.Recipe is ViewRecipe.CifarDemo or ViewRecipe.CifarV1;
        return new(
            name, [title, mlp ? Mark : "", plus ? Mark : "", cosine ? Mark : "", Text(recipe.Epochs)], title, "MoCo",
            (recipe with
            {
                Encoder = recipe.Encoder with { Head = mlp ? EncoderHead.Mlp : EncoderHead.Linear },
                Views = recipe.Views with
                {
                    Recipe = (small, plus) switch
                    {
                        (true, true) => ViewRecipe.CifarDemo,
                        (true, false) => ViewRecipe.CifarV1,
                        (false, true) => ViewRecipe.MoCoV2,
                        _ => ViewRecipe.MoCoV1,
                    },
                },
                Optimizer = recipe.Optimizer with
                {
                    Schedule = cosine ? LearningRateSchedule.Cosine : LearningRateSchedule.Steps,
                    Milestones = [recipe.Epochs * 60 / 100, recipe.Epochs * 80 / 100], // 120 and 160 of 200
                },
            }).With(recipe.MoCo! with { Temperature = mlp ? TemperatureOfV2 : TemperatureOfV1 }));
    }

    private static string Text(double value) => value.ToString("0.#####", CultureInfo.InvariantCulture);
}
