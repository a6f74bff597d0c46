using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>A pre-training run in its folder, from images to a trained encoder: what <c>moco pretrain</c> does, for programs.</summary>
/// <remarks>Made by <see cref="Pretraining.Start"/> and <see cref="Pretraining.Resume(string, IProcessGroup)"/>.</remarks>
public sealed class PretrainRun : IDisposable
{
    private readonly PretrainPlan _plan;
    private readonly PretrainMethod _method;
    private readonly ViewLoader _views;
    private readonly Pretraining _training;

    internal PretrainRun(PretrainPlan plan, RunFolder folder, IProcessGroup group)
    {
        var config = plan.Config;
        set_num_threads(config.Threads);
        _plan = plan.Telling(text => Warned?.Invoke(text));
        Folder = folder;
        _method = config.CreateMethod(plan.Train.Count, group);
        _views = ViewLoader.Open(
            plan.Train, config.TrainingViews(), _plan.Config.Loader, config.Seed, config.BatchSize, group.Rank, group.Size, config.Method.Views);
        _views.BadImageFound += bad => Warned?.Invoke(bad.ToString());
        _training = new Pretraining(_method, config, group, TimeProvider.System, new Observer(this));
    }

    /// <summary>Called with figures every <see cref="RunConfig.LogEvery"/> steps, on the training thread.</summary>
    public event Action<StepReport>? Progress;

    /// <summary>Called with the accuracy of the kNN monitor, where there are labels.</summary>
    public event Action<KnnReport>? Evaluated;

    /// <summary>Called with the path of each checkpoint that has been written.</summary>
    public event Action<string>? Saved;

    /// <summary>Called with a sentence that a person should read; the run goes on. May come from a loader thread.</summary>
    public event Action<string>? Warned;

    /// <summary>The run folder.</summary>
    public RunFolder Folder { get; }

    /// <summary>The configuration, with every choice made, as config.json of the folder has it.</summary>
    public RunConfig Config => _plan.Config;

    /// <summary>Training steps done since the beginning of the run.</summary>
    public long StepsDone => _training.StepsDone;

    /// <summary>Trains until all epochs are done, and saves.</summary>
    /// <param name="steps">Stop after this many steps in all; null is all epochs.</param>
    /// <param name="stop">Asks for a save and an end after the current step.</param>
    /// <exception cref="DivergedException">The loss is NaN or infinite.</exception>
    /// <exception cref="IOException">The last state could not be saved.</exception>
    public RunEnd ToEnd(long? steps = null, CancellationToken stop = default) => _training.Run(_views, Folder, _plan.Monitor(), steps, stop);

    /// <inheritdoc/>
    public void Dispose()
    {
        _training.Dispose();
        _views.Dispose();
        _method.Dispose();
    }

    internal void Begin()
    {
        if (Config.InitialWeights is { } weights)
        {
            WeightsImport.Begin(weights, _method, Config.Encoder, Config.InitialPrefix);
        }

        SampleSheet.Write(Folder, _plan.Train, Config.TrainingViews(), Config);
    }

    internal void Resume() => _training.Resume(Folder, new ResumeCheck(DataIdentity.Of(_plan.Train)));

    private sealed class Observer(PretrainRun run) : IPretrainObserver
    {
        public void Reported(StepReport report) => run.Progress?.Invoke(report);

        public void Evaluated(KnnReport report) => run.Evaluated?.Invoke(report);

        public void Saved(string path) => run.Saved?.Invoke(path);

        public void Warned(string message) => run.Warned?.Invoke(message);
    }
}
