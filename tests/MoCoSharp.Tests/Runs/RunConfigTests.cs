using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MoCoSharp.Methods;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class RunConfigTests
{
    [Fact]
    public void EmptyRecipe_IsTheDefaults() =>
        Assert.Equal(RunConfigFile.Write(new RunConfig()), RunConfigFile.Write(RunConfigFile.Parse("{}", "x", [])));

    [Fact]
    public void Settings_GoOverTheRecipe()
    {
        var config = RunConfigFile.Parse(
            """{ "batchSize": 64, "moco": { "temperature": 0.1, "dimension": 32 } }""",
            "x",
            ["moco.temperature=0.5", "data=a folder", "batchSize=128"]);

        Assert.Equal(
            (128, 0.5, 32, "a folder"),
            (config.BatchSize, config.MoCo!.Temperature, config.MoCo.Dimension, config.Data));
        Assert.Equal(65536, config.MoCo!.QueueSize);
    }

    [Fact]
    public void ASetting_IsReadAsItsKeyWantsIt()
    {
        var config = RunConfigFile.Parse("{}", "x",
            [
                "data=2024", "validation=1E234", "moco.temperature=.5", "optimizer.learningRate=1E-2",
                "moco.queueSize=4e3", "batchSize=64.0", "views.exifOrientation=True", "initialWeights=null",
                "description=\"a b\"",
            ]);

        Assert.Equal(
            ("2024", "1E234", 0.5, 0.01, 4000, 64),
            (
                config.Data, config.Validation, config.MoCo!.Temperature, config.Optimizer.LearningRate,
                config.MoCo.QueueSize, config.BatchSize));
        Assert.True(config.Views.ExifOrientation);
        Assert.Null(config.InitialWeights);
        Assert.Equal("a b", config.Description);
    }

    [Fact]
    public void AllFaults_AreToldAtOnce_WithTheirPaths()
    {
        var error = Assert.Throws<ConfigurationException>(() => RunConfigFile.Parse(
            """{ "batchsize": 3, "moco": { "temprature": 1 }, "epochs": "many", "views": 4 }""",
            "my.json",
            ["optimizer.lr=1"]));

        Assert.Equal(5, error.Faults.Count);
        Assert.Contains(error.Faults, fault => fault.Contains("unknown key batchsize. Did you mean batchSize?"));
        Assert.Contains(
            error.Faults,
            fault => fault.Contains("unknown key moco.temprature. Did you mean moco.temperature?"));
        Assert.Contains(
            error.Faults,
            fault => fault.StartsWith("my.json: epochs is \"many\", expected a whole number such as 200."));
        Assert.Contains(error.Faults, fault => fault.Contains("views is 4, expected an object"));
        Assert.Contains(error.Faults, fault => fault.StartsWith("--set optimizer.lr=1: unknown key"));
    }

    [Fact]
    public void BadValues_AreToldAllAtOnce_WithTheirCure()
    {
        var error = Assert.Throws<ConfigurationException>(() => RunConfigFile.Parse(
            """
            {
              "batchSize": 20, "bnGroups": 8, "moco": { "temperature": -0.2, "momentum": 1.5 },
              "encoder": { "depth": 19 }, "optimizer": { "learningRate": 0 }
            }
            """,
            "my.json",
            []));

        Assert.Equal(5, error.Faults.Count);
        Assert.Contains(
            "my.json: moco.temperature is -0.2, expected a number above 0. MoCo v2 uses 0.2.",
            error.Faults);
        Assert.Contains(error.Faults, fault => fault.Contains("bnGroups is 8, which does not divide batchSize 20"));
    }

    [Fact]
    public void AValueThatCannotBeRead_HidesNoOtherFault_AndMakesNone()
    {
        var error = Assert.Throws<ConfigurationException>(() => RunConfigFile.Parse(
            """
            {
              "bnGroups": 3, "epochs": 1.5, "knn": { "neighbours": 0, "layer": 5 },
              "optimizer": { "milestones": ["a"] }
            }
            """,
            "my.json",
            ["batchSize=many", "threads=99999999999", "moco.temperature=-1", "logEvery=0"]));

        Assert.Equal(
        [
            "--set batchSize=many: batchSize is \"many\", expected a whole number such as 256.",
            "--set logEvery=0: logEvery is 0, expected a number above 0.",
            "--set moco.temperature=-1: moco.temperature is -1, expected a number above 0. MoCo v2 uses 0.2.",
            "--set threads=99999999999: threads is 99999999999, expected a whole number, and not as large.",
            "my.json: epochs is 1.5, expected a whole number.",
            "my.json: knn.layer is 5, expected pooled or head.",
            "my.json: knn.neighbours is 0, expected a number above 0. The CIFAR demo uses 200.",
            "my.json: optimizer.milestones is [\"a\"], expected a list of whole numbers such as [120, 160].",
        ],
        error.Faults.Order(StringComparer.Ordinal)
    ); // and nothing of bnGroups 3, which does not divide the default of batchSize
    }

    [Fact]
    public void AWordThatAnOptionDoesNotKnow_IsToldWithTheWordsThatItKnows()
    {
        string[] settings =
        [
            "norm=group", "precision=fp16", "encoder.stem=x", "encoder.head=mlp4", "views.recipe=moco-v3",
            "loader.onBadImage=ignore", "loader.jpegDecoder=gd",
            "moco.queuePrecision=auto", "optimizer.kind=SGD", "optimizer.rule=0", "optimizer.trustRatio=",
            "optimizer.schedule=\"Cosine\"", "optimizer.per=epochs",
            "knn.layer=Pooled", "logEvery=0",
        ];
        var error = Assert.Throws<ConfigurationException>(() =>
            RunConfigFile.Parse("""{ "views": { "strength": 1 } }""", "x", settings));

        Assert.Equal(
        [
            "--set encoder.head=mlp4: encoder.head is \"mlp4\", expected linear (MoCo v1), mlp (MoCo v2), mlp-bn " +
            "(SimCLR), mlp3, mlp3-bn or none.",
            "--set encoder.stem=x: encoder.stem is \"x\", expected imagenet, cifar or small.",
            "--set knn.layer=Pooled: knn.layer is \"Pooled\", expected pooled or head.",
            "--set loader.jpegDecoder=gd: loader.jpegDecoder is \"gd\", expected auto, turbojpeg or skia.",
            "--set loader.onBadImage=ignore: loader.onBadImage is \"ignore\", expected skip or fail.",
            "--set logEvery=0: logEvery is 0, expected a number above 0.",
            "--set moco.queuePrecision=auto: moco.queuePrecision is \"auto\", expected fp32 or bf16.",
            "--set norm=group: norm is \"group\", expected split (bnGroups groups), batch (one group a process) or " +
            "sync (one group over all processes).",
            "--set optimizer.kind=SGD: optimizer.kind is \"SGD\", expected sgd or lars.",
            "--set optimizer.per=epochs: optimizer.per is \"epochs\", expected epoch (as official) or step.",
            "--set optimizer.rule=0: optimizer.rule is \"0\", expected none, linear (x batchSize / 256) or sqrt (x " +
            "the root of batchSize).",
            "--set optimizer.schedule=\"Cosine\": optimizer.schedule is \"Cosine\", expected cosine, steps or " +
            "constant.",
            "--set optimizer.trustRatio=: optimizer.trustRatio is \"\", expected norm-of-sum or sum-of-norms.",
            "--set precision=fp16: precision is \"fp16\", expected auto, fp32 or bf16.",
            "--set views.recipe=moco-v3: views.recipe is \"moco-v3\", expected moco-v1, moco-v2, cifar-demo, " +
            "cifar-v1, simclr or simclr-cifar.",
        ], error.Faults.Order(StringComparer.Ordinal));
        Assert.Contains(
            "memoryBank.loss is \"x\", expected info-nce (MoCo's baseline) or nce (InstDisc).",
            Assert.Single(
                Assert
                    .Throws<ConfigurationException>(() => RunConfigFile.Parse("{}", "x", ["memoryBank.loss=x"]))
                    .Faults));
    }

    [Fact]
    public void AWordInARecipe_MayBeOverridden_AndNullIsNone()
    {
        Assert.Equal(
            OptimizerKind.Lars,
            RunConfigFile.Parse("""{ "optimizer": { "kind": "adam" } }""", "x", ["optimizer.kind=lars"]).Optimizer.Kind
        );
        Assert.Equal(
            "x: norm is null, expected split (bnGroups groups), batch (one group a process) or sync (one group over " +
            "all processes).",
            Assert.Single(
                Assert.Throws<ConfigurationException>(() => RunConfigFile.Parse("""{ "norm": null }""", "x", [])).Faults
            ));
    }

    [Fact]
    public void EveryWordOfEveryOption_IsReadAndWritten()
    {
        var words = 0;
        Walk(JsonNode.Parse(RunConfigFile.Write(new RunConfig()))!.AsObject(), typeof(RunConfig), "");
        Walk(
            JsonNode.Parse(RunConfigFile.Write(new RunConfig().With(new MemoryBankOptions())))![
                "memoryBank"
            ]!.AsObject(),
            typeof(MemoryBankOptions),
            "memoryBank.");

        Assert.Equal(3 + 3 + 3 + 6 + 6 + 2 + 3 + 2 + 2 + 3 + 2 + 3 + 2 + 2 + 2, words);

        void Walk(JsonObject node, Type type, string prefix)
        {
            foreach (var (key, value) in node)
            {
                var property = type.GetProperties().Single(item =>
                    string.Equals(
                        item.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? item.Name,
                        key,
                        StringComparison.OrdinalIgnoreCase));
                if (value is JsonObject inner)
                {
                    Walk(inner, property.PropertyType, $"{prefix}{key}.");
                    continue;
                }

                foreach (
                    var member in property.PropertyType.IsEnum
                        ? property.PropertyType.GetFields(BindingFlags.Public | BindingFlags.Static)
                        : [])
                {
                    var word = member.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()!.Name;
                    var config = RunConfigFile.Parse("{}", "x", [$"{prefix}{key}={word}"]);
                    Assert.Contains($"\"{key}\": \"{word}\"", RunConfigFile.Write(config));
                    words++;
                }
            }
        }
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{ "a": 1, "a": 2 }""")]
    [InlineData("""{ "batchSize": 1.5 }""")]
    [InlineData("""{ "seed": null }""")]
    [InlineData("""{ "views": { "mean": ["x"] } }""")]
    public void WhatIsNotARecipe_IsRefused(string json) =>
        Assert.Throws<ConfigurationException>(() => RunConfigFile.Parse(json, "x", []));

    [Fact]
    public void TheMethodThatIsNamed_TakesMoCosPlace()
    {
        var config = RunConfigFile.Parse("""{ "simClr": { "temperature": 0.5 } }""", "x", ["simClr.dimension=64"]);

        Assert.Null(config.MoCo);
        var simClr = Assert.IsType<SimClrOptions>(config.Method);
        Assert.Equal((0.5, 64, "simClr"), (simClr.Temperature, simClr.Dimension, config.Method.Name));
        Assert.DoesNotContain("\"moco\":", RunConfigFile.Write(config));
        Assert.Equal(
            RunConfigFile.Write(config),
            RunConfigFile.Write(RunConfigFile.Parse(RunConfigFile.Write(config), "x", [])));
    }

    [Fact]
    public void TwoMethods_AreRefused_UntilOneIsTakenOut()
    {
        const string recipe = """{ "moco": { "temperature": 0.1 } }""";
        var error = Assert.Throws<ConfigurationException>(() =>
            RunConfigFile.Parse(recipe, "x", ["simClr.temperature=0.5"]));
        Assert.Contains("moco and simClr are given, expected exactly one", Assert.Single(error.Faults));
        Assert.Contains(
            "no method is given",
            Assert.Single(
                Assert.Throws<ConfigurationException>(() => RunConfigFile.Parse(recipe, "x", ["moco=null"])).Faults));

        Assert.Equal("simClr", RunConfigFile.Parse(recipe, "x", ["moco=null", "simClr.temperature=0.5"]).Method.Name);
    }

    [Fact]
    public void ALearningRateFarFromTheOfficialScale_IsRemarkedOn()
    {
        Assert.Empty(new RunConfig().Remarks());
        Assert.Contains(new RunConfig { BatchSize = 32 }.Remarks(), remark => remark.Contains("0.00375"));
        Assert.Contains(new RunConfig { BnGroups = 1 }.Remarks(), remark => remark.Contains("shuffle"));
        Assert.Contains(
            "normalizes 32 images at a time",
            Assert.Single(new RunConfig().With(new MoCoSharp.Methods.SimClrOptions()).Remarks()));
        Assert.Contains(
            "saves nothing with one BN group",
            Assert.Single(
                (new RunConfig { BnGroups = 1 })
                    .With(new MoCoSharp.Methods.SimClrOptions { GradientCache = true })
                    .Remarks()));
    }
}
