using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Watching;

/// <summary>What an open page receives while a run goes on.</summary>
public sealed class RunEventsTests : IDisposable
{
    private readonly WatchedRun _watched = new();

    public void Dispose() => _watched.Dispose();

    [Fact]
    public async Task NewPoints_ComeOnce()
    {
        var server = _watched.Serve();
        await using var page = await _watched.OpenAsync(server, await CursorAsync(server.Address));
        await page.NextAsync("status"); // the first look is over

        _watched.Append(2);
        Assert.Equal([2L], EventStream.Steps(await page.NextAsync("points")));
        _watched.Append(3);
        Assert.Equal([3L], EventStream.Steps(await page.NextAsync("points")));
    }

    [Fact]
    public async Task AReconnect_ToAnotherServer_LosesAndDoublesNoPoint()
    {
        var first = _watched.Serve();
        await using var page = await _watched.OpenAsync(first, await CursorAsync(first.Address));
        _watched.Append(2);
        Assert.Equal([2L], EventStream.Steps(await page.NextAsync("points")));
        first.Dispose();
        _watched.Append(3);

        // The browser repeats the address, with the first cursor, and names the last event.
        await using var again = await _watched.OpenAsync(_watched.Serve(), "0.0.0", page.LastId);

        Assert.Equal([3L], EventStream.Steps(await again.NextAsync("points")));
    }

    [Fact]
    public async Task AResumedRun_ThatRepeatsSteps_ReplacesTheCharts()
    {
        _watched.Append(2);
        var server = _watched.Serve();
        await using var page = await _watched.OpenAsync(server, await CursorAsync(server.Address));
        await page.NextAsync("status");

        File.WriteAllLines(_watched.Run.MetricsPath, File.ReadAllLines(_watched.Run.MetricsPath)[..1]);
        Assert.Equal([1L], EventStream.Steps(await page.NextAsync("charts")));
        _watched.Append(2);
        Assert.Equal([2L], EventStream.Steps(await page.NextAsync("points")));
    }

    [Fact]
    public async Task ACursorOfAnotherFile_GetsAllCharts()
    {
        _watched.Append(2);
        await using var page = await _watched.OpenAsync(_watched.Serve(), "44.44.123");

        Assert.Equal([1L, 2L], EventStream.Steps(await page.NextAsync("charts")));
    }

    [Fact]
    public async Task NewBaselines_ReplaceTheCharts()
    {
        var server = _watched.Serve();
        await using var page = await _watched.OpenAsync(server, await CursorAsync(server.Address));
        await page.NextAsync("status");

        // 16 queries, a bit each: the encoder has 7 right, and the pixels 2.
        File.AppendAllText(
            _watched.Run.MetricsPath, "{\"step\":2,\"epoch\":1,\"knn\":0.4375,\"protocol\":\"kNN k=5\"}\n");
        File.WriteAllText(
            Path.Combine(_watched.Run.Path, "baselines.json"),
            """
            {"protocol": "kNN k=5", "step": 2,
             "encoder": {"name": "encoder", "right": "Bw8=", "queries": 16, "leftOut": []},
             "baselines": [{"name": "raw pixels", "right": "AwA=", "queries": 16, "leftOut": []}]}
            """);

        var curves = (await page.NextAsync("charts"))["charts"]![1]!["curves"]!.AsArray();
        Assert.Equal(
            ["kNN of the encoder", "raw pixels 12.5"], curves.Select(curve => (string)curve!["name"]!));
    }

    [Fact]
    public async Task AnEvaluation_ChangesItsPartOnly()
    {
        var server = _watched.Serve();
        await using var page = await _watched.OpenAsync(server, await CursorAsync(server.Address));
        await page.NextAsync("status");

        File.WriteAllText(
            Path.Combine(_watched.Run.Path, "evaluations", "knn.json"),
            """{"evaluation": "knn", "protocol": "kNN <script>", "step": 1, "top1": 0.75}""");

        var part = await page.NextAsync("part");
        Assert.Equal("evaluations", (string)part["name"]!);
        Assert.Contains("kNN &lt;script&gt;", (string)part["markup"]!);
    }

    [Fact]
    public async Task TheStatus_SaysWhetherTheRunStoppedFinishedOrDiverged()
    {
        var server = _watched.Serve();
        await using var page = await _watched.OpenAsync(server, await CursorAsync(server.Address));
        var status = await page.NextAsync("status");
        Assert.Equal("stopped", (string)status["state"]!);
        Assert.Equal(
            $"After step 1. `moco pretrain --resume --run {_watched.Run.Path}` continues.", (string)status["text"]!);

        File.WriteAllText(
            _watched.Run.DivergedPath,
            """
            {"step": 2, "epoch": 1, "loss": "NaN", "learningRate": 9, "firstBadTensor": "x", "lastGoodStep": 1,
             "lastGoodLoss": 4, "checkpoint": null, "images": ["<img src=x>"]}
            """);

        status = await page.NextAsync("status");
        Assert.Equal("diverged", (string)status["state"]!);
        Assert.StartsWith("The loss became NaN or infinite after step 1.", (string)status["text"]!);
    }

    [Fact]
    public async Task ARunThatATrainingHolds_IsTraining()
    {
        using var hold = new RunHeldByAnotherProcess(_watched.Run);
        await using var page = await _watched.OpenAsync(_watched.Serve(), null);

        var status = await page.NextAsync("status");

        Assert.Equal("training", (string)status["state"]!);
        Assert.Equal("epoch 1 of 28, step 1", (string)status["text"]!); // no checkpoint tells the number of steps yet
    }

    [Fact]
    public async Task AnEndingServer_SendsWhatIsNew_AndClosesThePages()
    {
        var server = _watched.Serve();
        await using var page = await _watched.OpenAsync(server, await CursorAsync(server.Address));
        await page.NextAsync("status");

        _watched.Append(2);
        server.Dispose();

        Assert.Equal([2L], EventStream.Steps(await page.NextAsync("points")));
        while (await page.NextAsync() is not null)
        {
            // Other parts may follow.
        }
    }

    private async Task<string> CursorAsync(string address)
    {
        var page = await _watched.Client.GetStringAsync(address);
        return page.Split("data-cursor=\"")[1].Split('"')[0];
    }

    // A lock with the id and the start time of a process that is alive.
    private sealed class RunHeldByAnotherProcess : IDisposable
    {
        private readonly string _lock;

        public RunHeldByAnotherProcess(RunFolder run)
        {
            _lock = Path.Combine(run.Path, "lock");
            // An owner on another host may be alive.
            File.WriteAllText(_lock, """{"process": 1, "host": "another host", "started": "1", "beat": 1}""");
        }

        public void Dispose() => File.Delete(_lock);
    }
}
