using MoCoSharp.Cli.Studies;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Studies;

/// <summary>moco study budget: candidates within the same time.</summary>
public sealed class BudgetStudyTests : IDisposable
{
    private static readonly string[] Tiny =
    [
        .. Moco.Tiny.Split(' ').Where(setting => setting != "epochs=2" && !setting.StartsWith("knn")),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Fact]
    public void Candidates_AreNamedSettings_AfterTheRecipe()
    {
        File.WriteAllText(Path.Combine(folder, "c.json"), "{\"cold\": \"moco.temperature=0.1 bnGroups=2\"}");
        var faults = new List<string>();

        var candidates = BudgetCandidate.Read(
            ["hot: moco.temperature=0.5", "bnGroups=1 data=cifar10:x"], Path.Combine(folder, "c.json"), faults);

        Assert.Empty(faults);
        Assert.Equal(
            [
                ("recipe", ""), ("cold", "moco.temperature=0.1 bnGroups=2"), ("hot", "moco.temperature=0.5"),
                ("bnGroups=1,data=cifar10:x", "bnGroups=1 data=cifar10:x"),
            ],
            candidates.Select(candidate => (candidate.Name, candidate.Text)));
    }

    [Fact]
    public void TheBoard_HasEveryCandidate_TheBestFirst_BesideWhatNeedsNoTraining()
    {
        BudgetRow[] rows =
        [
            new("recipe", "", 0, 0.5, 0.25, 24, 29.5, 4.04, "kNN k=200"),
            new("recipe", "", 1, 0.54, 0.27, 25, 29.75, 5, "kNN k=200"),
            new("hot", "moco.temperature=0.5", 0, double.NaN, 0.25, 24, 3, null, "kNN k=200"),
            new("cold", "moco.temperature=0.1", 0, 0.6, 0.25, 24, 29, 6, "kNN k=200"),
        ];

        var table = BudgetTable.Markdown(
            "patterns", rows, new Dictionary<string, double> { ["raw pixels"] = 0.448 }, "Judged so.");

        Assert.Equal(
            [
                "| cold | moco.temperature=0.1 | 60.0 | 60.0 | 1 | 24 | 29.0 | 6.0 |",
                "| recipe |  | 52.0 | 50.0 to 54.0 | 2 | 24 to 25 | 29.5 to 29.8 | 4.0 to 5.0 |",
                "| raw pixels | | 44.8 | | | | | |",
                "| untrained encoder |  | 26.0 | 25.0 to 27.0 | 2 | | | |",
                "| hot | moco.temperature=0.5 | diverged |  | 1 | 24 | 3.0 |  |",
            ],
            table.Split('\n').Where(line => line.StartsWith('|')).Skip(2));
        Assert.Contains("Judged so.\nProtocol: kNN k=200.", table);
        Assert.Contains("\"cold\",\"moco.temperature=0.1\",0,0.6,0.25,24,29.00,6\n", BudgetTable.Csv(rows));
    }

    [Fact]
    public void Candidates_AreTrainedWithinTheBudget_AndJudgedByImagesSetAside_ThenTheWinnerByTestImages()
    {
        string[] study =
        [
            "study", "budget", "patterns", "--data", "patterns:80", "--run", "b", "--minutes", "0.4", "--seeds", "1",
            "--try", "cold: moco.temperature=0.1", "--set", .. Tiny,
        ];
        Study([.. study, "--only", "recipe"]);

        // What is done is left alone, and stays in the table beside what comes later.
        var said = Study(study);
        Assert.Equal(1, said.Split("done: ").Length - 1);
        var table = File.ReadAllText(Path.Combine(folder, "b", "table.md"));
        Assert.Contains(table, said.ReplaceLineEndings("\n"));
        Assert.All(
            [
                "| recipe | ", "| cold | moco.temperature=0.1 | ", "| raw pixels | ", "| color histogram | ",
                "| untrained encoder | ",
            ],
            row => Assert.Contains(row, table));
        Assert.Contains("kNN k=70 T=0.1, cosine, pooled features, bank 70, queries 10", table);
        var config = RunConfigFile.Load(Path.Combine(folder, "b", "cold-seed-0", "config.json"));
        Assert.Equal(("held-out:0.1", 0.1), (config.Validation, config.MoCo!.Temperature));

        Study([.. study, "--final", "cold"]);
        var final = File.ReadAllText(Path.Combine(folder, "b", "final-table.md"));
        Assert.Contains("bank 80, queries 1000", final);
        Assert.DoesNotContain("| recipe |", final);
        Assert.Null(RunConfigFile.Load(Path.Combine(folder, "b", "final-cold-seed-0", "config.json")).Validation);

        // Another judge or recipe needs another folder, and other settings another name.
        var (code, _, error) = Moco.Run(folder, [.. study[..3], "--val", "held-out:0.3", .. study[3..]]);
        Assert.Equal(2, code);
        Assert.Contains("b has runs with another judge: \"held-out:0.1\", here \"held-out:0.3\"", error);
        (code, _, error) = Moco.Run(folder, [.. study, "moco.momentum=0.5"]);
        Assert.Equal(2, code);
        Assert.Contains("b has runs with another settings", error);
        (code, _, error) = Moco.Run(folder, [.. study[..12], "cold: moco.temperature=0.2", .. study[13..]]);
        Assert.Equal(2, code);
        Assert.Contains("was tried with \"moco.temperature=0.1\", not \"moco.temperature=0.2\"", error);
    }

    [Fact]
    public void WhatIsTheSameForAll_CannotBeTried_AndTestImagesDoNotJudgeASearch()
    {
        var (code, _, error) = Moco.Run(
            folder, "study", "budget", "patterns", "--try", "long: epochs=50", "--try", "far: knn.layer=head",
            "--val", "patterns", "--only", "short", "--set", "minutes=3");

        Assert.Equal(2, code);
        Assert.Contains("--val patterns: expected a part of the training images, such as held-out:0.1", error);
        Assert.Contains("--only short: there is no such candidate. Expected recipe, long, far.", error);
        Assert.Contains("--set minutes=3: the study chooses this itself", error);

        (code, _, error) = Moco.Run(
            folder, "study", "budget", "patterns", "--try", "long: epochs=50", "far: knn.layer=head moco.temprature=1");
        Assert.Equal(2, code);
        Assert.Contains("candidate long: epochs=50: the study chooses this itself", error);
        Assert.Contains("candidate far: knn.layer=head: the study chooses this itself", error);
        Assert.Contains("Did you mean moco.temperature?", error);
    }

    [Fact]
    public void ADryRun_ListsTheCandidates()
    {
        var (code, said, _) = Moco.Run(
            folder, "study", "budget", "patterns", "--try", "cold: moco.temperature=0.1", "--dry-run");

        Assert.Equal(0, code);
        Assert.Equal(
            "recipe: the recipe as it is\ncold: moco.temperature=0.1\n6 runs of 30 minutes: 3 hours\n",
            said.ReplaceLineEndings("\n"));
        Assert.False(Directory.Exists(Path.Combine(folder, "runs")));
    }

    private string Study(string[] arguments)
    {
        var (code, said, error) = Moco.Run(folder, arguments);
        Assert.SkipWhen(error.Contains("but one epoch of"), "the machine is too busy for this short budget");
        Assert.True(code == 0, error + said);
        return said;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
