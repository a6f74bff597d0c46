using System.Text.Json.Nodes;
using MoCoSharp.Cli.Studies;
using MoCoSharp.Data.Views;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco study, and runs of what MoCo is compared with.</summary>
public sealed class StudyTests : IDisposable
{
    private static readonly RunConfig Recipe = new()
    {
        Epochs = 200,
        Views = new() { Recipe = ViewRecipe.MoCoV2 },
        MoCo = new MoCoOptions { QueueSize = 4096 },
        Optimizer = new() { LearningRate = 0.03 },
    };

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Fact]
    public void TheAblation_IsTheTableOfMoCoV2()
    {
        var cells = StudyKinds.Ablation.Cells(Recipe, [], 10_000).ToDictionary(cell => cell.Name);

        Assert.Equal(["supervised", "v1", "a", "b", "c", "d", "e"], cells.Keys);
        AssertRow("v1", EncoderHead.Linear, ViewRecipe.MoCoV1, LearningRateSchedule.Steps, 0.07, 200);
        AssertRow("a", EncoderHead.Mlp, ViewRecipe.MoCoV1, LearningRateSchedule.Steps, 0.2, 200);
        AssertRow("b", EncoderHead.Linear, ViewRecipe.MoCoV2, LearningRateSchedule.Steps, 0.07, 200);
        AssertRow("c", EncoderHead.Mlp, ViewRecipe.MoCoV2, LearningRateSchedule.Steps, 0.2, 200);
        AssertRow("d", EncoderHead.Mlp, ViewRecipe.MoCoV2, LearningRateSchedule.Cosine, 0.2, 200);
        AssertRow("e", EncoderHead.Mlp, ViewRecipe.MoCoV2, LearningRateSchedule.Cosine, 0.2, 800);
        Assert.Equal([120, 160], cells["v1"].Config.Optimizer.Milestones);
        Assert.Equal("supervised", cells["supervised"].Config.Method.Name);

        void AssertRow(
            string name, EncoderHead head, ViewRecipe views, LearningRateSchedule schedule, double temperature,
            int epochs) =>
            Assert.Equal(
            (head, views, schedule, temperature, epochs),
            (
                cells[name].Config.Encoder.Head, cells[name].Config.Views.Recipe,
                cells[name].Config.Optimizer.Schedule, cells[name].Config.MoCo!.Temperature,
                cells[name].Config.Epochs));
    }

    [Fact]
    public void TheOtherStudies_ChangeTheVariableOfTheirName()
    {
        Assert.Equal(
            [0, 0.9, 0.99, 0.999, 0.9999],
            StudyKinds
                .Momentum.Cells(Recipe, StudyKinds.Momentum.Values, 10_000)
                .Select(cell => cell.Config.MoCo!.Momentum));
        Assert.Equal(
            ["Linear 0.07", "Linear 0.2", "Mlp 0.07", "Mlp 0.2"],
            StudyKinds
                .Temperature.Cells(Recipe, [0.07, 0.2], 10_000)
                .Select(cell =>
                    FormattableString.Invariant($"{cell.Config.Encoder.Head} {cell.Config.MoCo!.Temperature}")));
        Assert.Equal(
            ["moco-256", "moco-4096", "memory-bank-256", "memory-bank-4096", "end-to-end-256", "end-to-end-4096"],
            StudyKinds.Queue.Cells(Recipe, [256, 4096, 65536], 10_000).Select(cell => cell.Name)
        ); // of 10,000 images no 65,536
    }

    [Fact]
    public void TheStudyOfMethods_ScalesRateGroupsAndWarmupWithTheBatch()
    {
        var recipe = Recipe with
        {
            BatchSize = 128,
            BnGroups = 2,
            Optimizer = new() { LearningRate = 0.06, WarmupSteps = 200 },
        };
        var cells = StudyKinds.Methods.Cells(recipe, [256, 2048, 65536], 10_000).ToDictionary(cell => cell.Name);

        Assert.Equal(["moco-256", "moco-2048", "simclr-256", "simclr-2048"], cells.Keys);
        AssertCell("moco-256", 256, bnGroups: 4, rate: 0.12, warmup: 100, EncoderHead.Mlp); // 64 images a group
        AssertCell("moco-2048", 2048, bnGroups: 32, rate: 0.96, warmup: 13, EncoderHead.Mlp); // 12.5, rounded up
        AssertCell("simclr-2048", 2048, bnGroups: 1, rate: 0.96, warmup: 13, EncoderHead.MlpBn);
        Assert.Equal("simClr", cells["simclr-256"].Config.Method.Name);

        void AssertCell(string name, int batch, int bnGroups, double rate, int warmup, EncoderHead head)
        {
            var config = cells[name].Config;
            Assert.Equal(
                (batch, bnGroups, warmup, head, 200),
                (config.BatchSize, config.BnGroups, config.Optimizer.WarmupSteps, config.Encoder.Head, config.Epochs));
            Assert.Equal(rate, config.Optimizer.LearningRate, 1e-12);
        }
    }

    [Fact]
    public void TheStudyOfShuffling_RefusesASingleGroup()
    {
        Assert.Equal(
            ["on True", "off False"],
            StudyKinds.Shuffle.Cells(Recipe, [], 10_000)
                .Select(cell => $"{cell.X} {cell.Config.MoCo!.Shuffle}"));

        var (code, _, error) = Moco.Run(
            folder, "study", "shuffle", "patterns", "--data", "patterns:64", "--set", "bnGroups=1");
        Assert.Equal(2, code);
        Assert.Contains("a single group has nothing to shuffle. Add --set bnGroups=8", error);
    }

    [Fact]
    public void ATable_HasMeanAndDeviationOverSeeds_AndSaysWhatDiverged()
    {
        var cells = StudyKinds.Momentum.Cells(Recipe, [0, 0.99, 0.999], 10_000).ToList();
        var results = new Dictionary<string, IReadOnlyList<StudyResult>>
        {
            ["momentum-0"] = [StudyResult.Diverged],
            ["momentum-0.99"] = [new(0.5, 0.6), new(0.54, 0.62)],
        };

        var markdown = StudyTable.Markdown("momentum", StudyKinds.Momentum, cells, results);
        Assert.Contains("| 0 | diverged | diverged | 1 |", markdown);
        Assert.Contains("| 0.99 | 52.00 ± 2.83 | 61.00 ± 1.41 | 2 |", markdown); // sqrt(2) x 2, sqrt(2) x 1
        Assert.Contains("| 0.999 |  |  | 0 |", markdown);
        Assert.Contains("0.99,1,0.54,0.62", StudyTable.Csv(StudyKinds.Momentum, cells, results));
        StudyTable.Write(folder, "momentum", StudyKinds.Momentum, cells, results);
        // well-formed
        Assert.Contains("<polyline", System.Xml.Linq.XDocument.Load(Path.Combine(folder, "plot.svg")).ToString());
    }

    [Fact]
    public void AStudy_TrainsEvaluatesAndContinues()
    {
        var moco = $"{Moco.Tiny} moco.symmetric=false epochs=1".Split(' ');
        string[] arguments =
        [
            "study", "momentum", "patterns", "--data", "patterns:64", "--run", "s", "--values", "0,0.9", "--set",
            .. moco,
        ];
        var (code, said, error) = Moco.Run(folder, arguments);
        Assert.True(code == 0, error + said);
        var table = File.ReadAllText(Path.Combine(folder, "s", "table.md"));
        Assert.Matches(@"\| 0\.9 \| \d+\.\d\d \| \d+\.\d\d \| 1 \|", table);
        Assert.All(
            ["table.csv", "plot.svg", "momentum-0-seed-0/config.json", "momentum-0.9-seed-0/config.json"],
            file => Assert.True(File.Exists(Path.Combine(folder, "s", file)), file));

        // A cell whose evaluations are gone is judged again; one that is done is left alone.
        foreach (var file in Directory.GetFiles(Path.Combine(folder, "s", "momentum-0.9-seed-0", "evaluations")))
        {
            File.Delete(file);
        }

        // Of a cell that a person evaluated at another size, too, the study takes its own score.
        var own = Directory.GetFiles(
            Path.Combine(folder, "s", "momentum-0-seed-0", "evaluations"), "knn-query-step-*.json").Single();
        var other = JsonNode.Parse(File.ReadAllText(own))!;
        other["protocol"] = $"{other["protocol"]}".Replace("view at 32 px", "view at 64 px");
        other["top1"] = 0.99;
        File.WriteAllText(own[..own.LastIndexOf('-')] + "-00000000.json", other.ToJsonString());

        (code, said, error) = Moco.Run(folder, arguments);
        Assert.True(code == 0, error);
        Assert.Equal(1, said.Split("done: ").Length - 1);
        Assert.Equal(table, File.ReadAllText(Path.Combine(folder, "s", "table.md")));

        (code, _, error) = Moco.Run(folder, [.. arguments, "moco.temperature=0.5"]);
        Assert.Equal(2, code);
        Assert.Contains("momentum-0.9-seed-0 has another recipe: moco.temperature: checkpoint 0.2, run 0.5", error);
    }

    [Fact]
    public void CellsOfSeveralCommands_ShareATable()
    {
        string[] Arguments(params string[] only) =>
        [
            "study", "momentum", "patterns", "--data", "patterns:64", "--run", "s", "--values", "0,0.9", .. only,
            "--set", .. $"{Moco.Tiny} moco.symmetric=false epochs=1".Split(' '),
        ];
        Assert.Equal(0, Moco.Run(folder, Arguments("--only", "momentum-0.9")).ExitCode);
        var table = File.ReadAllText(Path.Combine(folder, "s", "table.md"));
        Assert.Contains("| 0 |  |  | 0 |", table); // not trained yet
        Assert.Matches(@"\| 0\.9 \| \d+\.\d\d \| \d+\.\d\d \| 1 \|", table);

        Assert.Equal(0, Moco.Run(folder, Arguments("--only", "momentum-0")).ExitCode);
        Assert.Equal(
            ["plot.svg", "table.csv", "table.md"],
            Directory.GetFiles(Path.Combine(folder, "s")).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        var both = File.ReadAllText(Path.Combine(folder, "s", "table.md"));
        Assert.Matches(@"\| 0 \| \d+\.\d\d \| \d+\.\d\d \| 1 \|", both);
        Assert.Equal(table.Split('\n').Single(line => line.StartsWith("| 0.9")),
            both.Split('\n').Single(line => line.StartsWith("| 0.9")));

        // A damaged run is no result, and no fault of another cell.
        File.WriteAllText(Path.Combine(folder, "s", "momentum-0.9-seed-0", "config.json"), "{");
        Assert.Equal(0, Moco.Run(folder, Arguments("--only", "momentum-0")).ExitCode);
        var (code, _, error) = Moco.Run(folder, Arguments("--only", "momentum-0.9"));
        Assert.NotEqual(0, code);
        Assert.Contains("momentum-0.9-seed-0", error);
    }

    [Fact]
    public void AWrongStudy_HasAllItsFaultsReportedTogether()
    {
        var (code, _, error) = Moco.Run(
            folder, "study", "temperature", "patterns", "--seeds", "0", "--values", "0.1,x", "--data", "nowhere");
        Assert.Equal(2, code);
        Assert.All(["--seeds is 0", "\"x\" is not a number", "nowhere"], part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(folder, "study", "cost", "patterns", "--batches", "64,1.5", "--steps", "0");
        Assert.Equal(2, code);
        Assert.All(["\"1.5\", expected whole numbers", "--steps is 0"], part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(folder, "study", "momentum", "patterns", "--only", "momentum-7");
        Assert.Equal(2, code);
        Assert.Contains("no such cell. Expected momentum-0, ", error);
    }

    [Fact]
    public void TheCostOfEachCell_IsMeasuredInASeparateProcess()
    {
        string[] arguments =
        [
            "study", "cost", "patterns", "--run", "c", "--batches", "8,16", "--only", "moco,simclr-cached", "--steps",
            "1", "--set", .. Moco.Tiny.Split(' '),
        ];
        var (code, said, error) = Moco.Run(folder, arguments);
        Assert.True(code == 0, error);
        Assert.Matches(@"\| 16 \| \d+\.\d\d GB, \d+\.\d\d s, \d+ images/s \| \d", said);
        Assert.True(
            (long)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "c", "moco-8.result.json")))!["peakBytes"]!
                > 100_000_000);

        (code, said, error) = Moco.Run(folder, arguments);
        Assert.True(code == 0, error);
        Assert.Equal(4, said.Split("done before").Length - 1);
    }

    [Theory]
    [InlineData("simClr.dimension=8", "encoder.head=mlp-bn")]
    [InlineData("supervised.classes=0", "encoder.head=linear")]
    public void EachMethod_IsTrained_Evaluated_Diagnosed_AndExported(string method, string head)
    {
        var tiny = Moco
            .Tiny.Split(' ')
            .Where(setting => !setting.StartsWith("moco.", StringComparison.Ordinal))
            .ToArray();
        var (code, said, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--data", "patterns:64", "--run", "r", "--set", "moco=null", method, head, .. tiny]
        );
        Assert.True(code == 0, error + said);
        (code, said, error) = Moco.Run(folder, "knn", "r");
        Assert.True(code == 0, error);
        (code, said, error) = Moco.Run(folder, "inspect", "r");
        Assert.Contains(
            method.StartsWith("simClr", StringComparison.Ordinal) ? "SimCLR" : "supervised, 10 classes",
            said);
        Assert.Contains("loss", Moco.Run(folder, "doctor", "r").Output);
        (code, said, error) = Moco.Run(folder, "export", "r", "--format", "onnx", "--head", "-o", "r.onnx");
        Assert.True(code == 0, error);
        Assert.Contains("run by ONNX Runtime", said);
        (code, _, error) = Moco.Run(folder, "knn", "r", "--encoder", "key");
        Assert.Equal(1, code);
        Assert.Contains("has one encoder", error);
    }

    [Fact]
    public void GradientAccumulation_IsRefused_WithTheReason()
    {
        var (code, _, error) = Moco.Run(folder, "pretrain", "patterns", "--set", "accumulationSteps=4");
        Assert.Equal(2, code);
        Assert.Contains("simClr and endToEnd take their negatives from the batch", error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
