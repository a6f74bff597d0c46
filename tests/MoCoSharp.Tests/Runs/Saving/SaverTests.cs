using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Runs;

/// <summary>The saver with a state of one tensor: it needs no training of any kind.</summary>
public sealed class SaverTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moco-saver-").FullName;
    private readonly RunFolder _run;
    private readonly List<string> _saved = [];
    private readonly List<SaveFailure> _failures = [];
    private Action<SaveFailure> _onFailure = _ => { };

    public SaverTests() => _run = RunFolder.Create(Path.Combine(_folder, "run"), new RunConfig());

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AState_IsWrittenWithItsTensorsAndMetadata_AndAnnouncedOnTheCallingThread()
    {
        var flushed = 0;
        using (var saver = Create(beforeWrite: () => flushed++))
        {
            saver.Begin(new State(3, [1, 2]));
        }

        using var file = SafeTensors.Read(_run.CheckpointPath(3));
        Assert.Equal([1f, 2f], file.Tensors["weights"].data<float>().ToArray());
        Assert.Equal("3", file.Metadata["step"]);
        Assert.Equal([_run.CheckpointPath(3)], _saved);
        Assert.Equal(1, flushed);
    }

    [Fact]
    public void ACopy_HoldsItsMoment_WhileTheTensorChanges()
    {
        var state = new State(1, [5]);
        using (var saver = Create(beforeWrite: () => state.Fill(9)))
        {
            saver.Save(state);
        }

        using var file = SafeTensors.Read(_run.CheckpointPath(1));
        Assert.Equal([5f], file.Tensors["weights"].data<float>().ToArray());
    }

    [Fact]
    public void ASavedStep_IsSavedAgainForABetterScoreAlone_AndAnnouncedOnce()
    {
        using var saver = Create();
        saver.Save(new State(2, [1]));
        saver.Save(new State(2, [7]));
        Assert.Equal("", Metadata(2));

        saver.Save(new State(2, [1], 0.5));

        Assert.Equal("0.5", Metadata(2));
        Assert.Single(_saved);
        Assert.Equal(2, saver.Pauses.Count);
    }

    [Fact]
    public void OldCheckpoints_GoAsTheOptionsSay_TheBestStay()
    {
        using var saver = Create(new CheckpointOptions { Keep = 1, KeepBest = 1 });
        for (var step = 1; step <= 4; step++)
        {
            saver.Save(new State(step, [step]));
            saver.SetScore(step, step == 2 ? 0.9 : 0.1);
        }

        Assert.Equal([4, 2], _run.Checkpoints().Select(RunFolder.StepOf));
        Assert.Equal(_run.CheckpointPath(4), saver.Newest);
    }

    [Fact]
    public void AnInfinity_IsNeverWritten()
    {
        using var saver = Create();

        var failure = saver.Save(new State(1, [1, float.PositiveInfinity]))!;

        Assert.IsType<DivergedException>(failure.Error);
        Assert.Contains("weights holds a NaN or an infinity after step 1", failure.Error.Message);
        Assert.Empty(_run.Checkpoints());
        Assert.Equal("none", Assert.Single(_failures).Newest);
    }

    [Fact]
    public void AFailedSave_IsReported_AndDueAgain()
    {
        using var saver = Create();
        saver.Save(new State(1, [1]));
        Directory.CreateDirectory(InTheWay(2));

        var failure = saver.Save(new State(2, [1]))!;

        Assert.Equal((2, _run.CheckpointPath(2), _run.CheckpointPath(1)), (failure.Step, failure.Path, failure.Newest));
        Assert.Equal([failure], _failures);
        Assert.Null(failure.RetryAfter);
        Directory.Delete(InTheWay(2));
        Assert.Null(saver.Save(new State(2, [1])));
    }

    [Fact]
    public void Finish_TriesUntilThereIsRoom_AndTellsWhenItTriesAgain()
    {
        using var saver = Create();
        Directory.CreateDirectory(InTheWay(1));
        _onFailure = _ => Directory.Delete(InTheWay(1));

        Assert.Null(saver.Finish(new State(1, [1]), triesOnceStopped: 3, CancellationToken.None));

        Assert.Equal(TimeSpan.FromSeconds(1), Assert.Single(_failures).RetryAfter);
        Assert.Equal([_run.CheckpointPath(1)], _saved);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Finish_OfAStoppedRun_GivesUpAfterItsTries_AndReportsAllButTheLast(int tries)
    {
        using var saver = Create();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Directory.CreateDirectory(InTheWay(1));

        var failure = saver.Finish(new State(1, [1]), tries, stop.Token);

        Assert.Equal(_run.CheckpointPath(1), failure!.Path);
        Assert.Equal(tries - 1, _failures.Count);
    }

    [Fact]
    public void AnotherRank_SavesNothing()
    {
        using var saver = Create(isMain: false);

        Assert.False(saver.IsDue(1, isRequested: true));
        Assert.Null(saver.Finish(new State(1, [1]), triesOnceStopped: 1, CancellationToken.None));
        Assert.Empty(_run.Checkpoints());
    }

    // A folder with the name that a save writes to first.
    private string InTheWay(long step) => _run.CheckpointPath(step) + ".tmp";

    private string Metadata(long step) => SafeTensors.ReadHeader(_run.CheckpointPath(step)).Metadata["score"];

    private Saver Create(CheckpointOptions? options = null, Action? beforeWrite = null, bool isMain = true)
    {
        var callbacks = new SaveCallbacks
        {
            Saved = _saved.Add,
            Failed = failure =>
            {
                _failures.Add(failure);
                _onFailure(failure);
            },
            BeforeWrite = beforeWrite ?? (() => { }),
        };
        return new Saver(_run, options ?? new CheckpointOptions(), callbacks, TimeProvider.System) { IsMain = isMain };
    }

    private sealed class State(long step, float[] values, double? score = null) : IRunState
    {
        private readonly Tensor _weights = tensor(values);

        public long Step => step;

        public double? BestScore => score;

        public void Fill(float value)
        {
            using var noGrad = no_grad();
            _weights.fill_(value);
        }

        public IReadOnlyList<(string Name, Tensor Tensor)> GetTensors() => [("weights", _weights)];

        public IReadOnlyDictionary<string, string> GetMetadata() => new Dictionary<string, string>
        {
            ["step"] = $"{step}",
            ["score"] = $"{score}",
        };
    }
}
