using System.Diagnostics;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>
/// A pre-training run in its folder, from images to a trained encoder: the API of <c>moco pretrain</c>.
/// </summary>
/// <remarks>Locks the folder until disposed: no other process can train there.</remarks>
public sealed class PretrainRun : IDisposable
{
    private readonly PretrainPlan _plan;
    private readonly PretrainMethod _method;
    private readonly ViewLoader _views;
    private readonly Pretraining _training;
    private readonly IDisposable? _hold;

    private PretrainRun(PretrainPlan plan, RunFolder folder, IProcessGroup group, IDisposable? hold)
    {
        _hold = hold;
        var config = plan.Config;
        set_num_threads(config.Threads);
        _plan = plan.Telling(text => Warned?.Invoke(text));
        Folder = folder;
        _method = config.CreateMethod(plan.Train.Count, group);
        _views = ViewLoader.Open(
            plan.Train, config.TrainingViews(), _plan.Config.Loader, config.Seed, config.BatchSize, group.Rank,
            group.Size,
            config.Method.ViewsPerImage);
        _views.BadImageFound += bad => Warned?.Invoke(bad.ToString());
        _training = new Pretraining(_method, config, group, TimeProvider.System, new Observer(this));
    }

    /// <summary>Called with figures every <see cref="RunConfig.LogEvery"/> steps, on the training thread.</summary>
    public event Action<StepReport>? Progress;

    /// <summary>Called with the accuracy of the kNN monitor, if there are labels.</summary>
    public event Action<KnnReport>? Evaluated;

    /// <summary>
    /// Called when all epochs are done, with sentences: whether the run was worth it, and whether more epochs may help.
    /// </summary>
    public event Action<IReadOnlyList<string>>? Concluded;

    /// <summary>Called with the path of each checkpoint that has been written.</summary>
    public event Action<string>? Saved;

    /// <summary>Called with a warning for the user; the run continues. May be raised on a loader thread.</summary>
    public event Action<string>? Warned;

    /// <summary>The run folder.</summary>
    public RunFolder Folder { get; }

    /// <summary>The configuration with all choices made, as in config.json of the folder.</summary>
    public RunConfig Config => _plan.Config;

    /// <summary>Training steps done since the beginning of the run.</summary>
    public long StepsDone => _training.StepsDone;

    /// <summary>
    /// Starts a run in a new folder: opens the images, fits the recipe to them, and builds the method.
    /// </summary>
    /// <param name="config">
    /// From <see cref="RunConfig.Load"/>, or created in code. The time budget <see cref="RunConfig.Minutes"/> begins
    /// with this call.
    /// </param>
    /// <param name="folder">The new run folder, such as "runs/mine". Removed again if the start fails.</param>
    /// <param name="group">The processes that train together; null is this process alone.</param>
    /// <returns>A run that waits for <see cref="ToEnd"/>.</returns>
    /// <exception cref="ConfigurationException">
    /// The configuration or the data are wrong; the message lists every fault.
    /// </exception>
    /// <exception cref="IOException">The folder holds a run already.</exception>
    public static PretrainRun Start(RunConfig config, string folder, IProcessGroup? group = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        group ??= SingleProcess.Instance;
        var watch = Stopwatch.StartNew();
        List<string> faults = [];
        var plan = Plan(config, group, config.Chosen).WithinBudget(group, watch.Elapsed, faults)
            ?? throw new ConfigurationException(faults);
        var run = group.Rank == 0 ? RunFolder.Create(folder, plan.Config) : RunFolder.OpenUnchecked(folder);
        try
        {
            return Open(plan, run, group, begun => begun.Begin());
        }
        catch when (group.Rank == 0)
        {
            run.RemoveUnbegun();
            throw;
        }
    }

    /// <summary>Continues a run from its newest checkpoint, or from the beginning if it has none.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="group">The processes that train together; null is this process alone.</param>
    /// <returns>A run that waits for <see cref="ToEnd"/>.</returns>
    /// <exception cref="ConfigurationException">
    /// The configuration or the data are wrong; the message lists every fault.
    /// </exception>
    /// <exception cref="OtherRunException">The images or the recipe have changed.</exception>
    /// <exception cref="RunLockedException">Another process trains in the folder.</exception>
    /// <exception cref="InvalidDataException">No checkpoint can be used.</exception>
    public static PretrainRun Resume(string folder, IProcessGroup? group = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        group ??= SingleProcess.Instance;
        var run = RunFolder.Open(folder);
        return Open(Plan(run.ReadConfig(), group, settings: null), run, group, resumed => resumed.Resume());
    }

    /// <summary>Trains until all epochs are done, and saves.</summary>
    /// <param name="steps">Stop after this many steps in all; null is all epochs.</param>
    /// <param name="stop">Requests a save and an end after the current step.</param>
    /// <exception cref="DivergedException">The loss is NaN or infinite.</exception>
    /// <exception cref="IOException">The last state could not be saved.</exception>
    public RunEnd ToEnd(long? steps = null, CancellationToken stop = default) =>
        _training.Run(_views, Folder, _plan.Validation, steps, stop);

    /// <inheritdoc/>
    public void Dispose()
    {
        _training.Dispose();
        _views.Dispose();
        _method.Dispose();
        _hold?.Dispose();
    }

    private static PretrainPlan Plan(RunConfig config, IProcessGroup group, IReadOnlyCollection<string>? settings)
    {
        List<string> faults = [.. config.Validate(), .. group.Rank == 0 ? WeightsImport.Faults(config) : []];
        return PretrainPlan.Open(config, null, null, faults, group.Size, settings)
            ?? throw new ConfigurationException(faults);
    }

    // Only rank 0 reads checkpoints and weights; ToEnd sends them to the others.
    private static PretrainRun Open(
        PretrainPlan plan, RunFolder folder, IProcessGroup group, Action<PretrainRun> prepare)
    {
        var hold = group.Rank == 0 ? folder.Hold(_ => { }) : null;
        PretrainRun? run = null;
        try
        {
            run = new PretrainRun(plan, folder, group, hold);
            if (group.Rank == 0)
            {
                prepare(run);
            }

            return run;
        }
        catch
        {
            run?.Dispose();
            hold?.Dispose();
            throw;
        }
    }

    private void Begin() => _plan.Begin(Folder, _method);

    private void Resume()
    {
        var isUnbegun = Folder.Checkpoints().Count == 0;
        _training.Resume(Folder, _plan.Train);
        if (isUnbegun)
        {
            Begin();
        }
    }

    private sealed class Observer(PretrainRun run) : IPretrainObserver
    {
        public void Reported(StepReport report) => run.Progress?.Invoke(report);

        public void Evaluated(KnnReport report) => run.Evaluated?.Invoke(report);

        public void Concluded(IReadOnlyList<string> conclusion) => run.Concluded?.Invoke(conclusion);

        public void Saved(string path) => run.Saved?.Invoke(path);

        public void Warned(string message) => run.Warned?.Invoke(message);
    }
}
