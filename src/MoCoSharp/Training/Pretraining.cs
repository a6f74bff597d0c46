using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>The pre-training loop: views in, checkpoints and metrics out.</summary>
public sealed partial class Pretraining : IDisposable
{
    private readonly PretrainMethod _method;
    private readonly RunConfig _config;
    private readonly IProcessGroup _group;
    private readonly TimeProvider _time;
    private readonly IPretrainObserver _observer;
    private readonly Device _device;
    private readonly MomentumOptimizer _optimizer;
    private readonly TrainingStep _step;
    private DataIdentity? _data;
    private LeftOutCounter? _leftOut;
    private int _knnLeftOut; // images left out of the latest evaluation
    private int _saveRequested; // 0 or 1
    private bool _inStep; // started and not done
    private double _waitedSeconds; // for other ranks, from the last report to the last evaluation

    /// <summary>A run before its first step.</summary>
    /// <param name="method">The method to train; moved to the configured device.</param>
    /// <param name="config">A valid configuration.</param>
    /// <param name="group">The ranks that share a batch.</param>
    /// <param name="time">The clock for throughput and timed saves; does not affect results.</param>
    /// <param name="observer">Receives progress.</param>
    public Pretraining(
        PretrainMethod method, RunConfig config, IProcessGroup group, TimeProvider time, IPretrainObserver observer)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(config);
        _method = method;
        _config = config;
        _group = group;
        _time = time;
        _observer = observer;
        _device = TorchRuntime.OpenDevice(config.Device);
        method.to(_device);
        method.Precision = config.Precision.Resolve(_device);
        method.train();
        _optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        _step = new TrainingStep(method, _optimizer, group);
    }

    /// <summary>The progress of the run.</summary>
    internal TrainingProgress Progress { get; private set; } = new();

    /// <summary>Steps done since the beginning of the run.</summary>
    public long StepsDone => Progress.Step;

    /// <summary>Seconds that training paused for each save of the last call of <c>Run</c>.</summary>
    public IReadOnlyList<double> SavePauses { get; private set; } = [];

    /// <summary>
    /// Describes the images that were left out in the last call of <c>Run</c>, as far as reported; empty if none were.
    /// </summary>
    public string LeftOut => LeftOutTotal.Describe();

    internal LeftOut LeftOutTotal => _leftOut?.Total ?? new(0, 0);

    /// <summary>Requests a save after the current step; the run continues. Thread-safe.</summary>
    public void RequestSave() => Interlocked.Exchange(ref _saveRequested, 1);

    /// <summary>Trains to the end, to the step limit, or until stopped; saves in each case.</summary>
    /// <param name="views">Views of all images, epoch by epoch.</param>
    /// <param name="run">The run folder; locked during the call.</param>
    /// <param name="validation">Labeled images for the kNN monitor; null is no monitor.</param>
    /// <param name="stepLimit">Total number of steps after which to end; null is all epochs.</param>
    /// <param name="stop">Requests a save and an end after the current step.</param>
    /// <exception cref="DivergedException">The loss is NaN or infinite.</exception>
    /// <exception cref="RunLockedException">Another process is training in the folder.</exception>
    /// <exception cref="IOException">The last state could not be saved.</exception>
    public RunEnd Run(
        ViewLoader views, RunFolder run, IImageDataset? validation = null, long? stepLimit = null,
        CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(views);
        var config = _config with { Loader = _config.Loader with { Notice = _observer.Warned } };
        return Run(
            views, run, PretrainPlan.Monitor(config, views.Data, validation), stepLimit, stop,
            PretrainPlan.LabelFreeMonitor(config, views.Data));
    }

    internal RunEnd Run(
        ViewLoader views, RunFolder run, KnnMonitor? knn, long? stepLimit, CancellationToken stop,
        LabelFreeMonitor? labelFree = null)
    {
        ArgumentNullException.ThrowIfNull(views);
        ArgumentNullException.ThrowIfNull(run);
        using var hold = _group.Rank == 0 ? run.Hold(_observer.Warned) : null;
        if (_group.Rank == 0)
        {
            run.RemoveLeftovers();
            File.Delete(run.DivergedPath);
        }

        if (_group.Size > 1)
        {
            Progress = TrainingState.Broadcast(Progress, _method, _optimizer, _config, _group);
        }

        Progress = Progress.WithBatchesPerEpoch(views.BatchesPerEpoch) with { Processes = _group.Size };
        var total = StepsDone + ((long)views.BatchesPerEpoch * _config.Epochs) - Progress.ScheduleStep;
        var goal = Math.Min(total, stepLimit ?? total);
        using var log = new RunLog(_group.Rank == 0 ? run : null, StepsDone, _observer.Warned, _time);
        foreach (var (step, accuracy) in log.Knn)
        {
            Progress = Progress.WithEvaluation(step, accuracy);
        }

        _leftOut = new LeftOutCounter(views.Data, _group, Progress.LeftOut);
        using var meter = new ProgressMeter(_time, _config.BatchSize, Progress.Losses);
        var saver = PretrainSaves.Create(run, _config.Checkpoints, log, _group, _time, _observer);
        using var guard = saver;
        SavePauses = saver.Pauses;
        var worth = new WorthMonitor(_method.Encoder, _config, run, log, _group, _observer, knn, labelFree);
        var watch = new Watch(views.Data, new HealthMonitor(_method, _optimizer, _config, _group, views.Data.Count));
        var state = new StateSource(_method, _optimizer, _config, _data ??= DataIdentity.From(views.Data), meter);
        saver.Prepare(state);
        var isJudged = false;
        try
        {
            Loop(views, worth, log, meter, saver, state, watch, (goal, total), stop);
            PretrainSaves.Finish(saver, state.With(Progress), stop);
            isJudged = !LacksItsMonitor(worth, log, total, stop);
            if (StepsDone >= total && isJudged)
            {
                worth.Conclude(StepsDone, Progress.Epoch, stop);
            }
        }
        catch (LossException bad)
        {
            saver.Wait();
            throw Divergence.Report(run, _method, bad, views.Data, saver.Newest, _group);
        }

        return StepsDone < goal || !isJudged ? RunEnd.Stopped : StepsDone >= total ? RunEnd.Finished : RunEnd.StepLimit;
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    private void Loop(
        ViewLoader views, WorthMonitor worth, RunLog log, ProgressMeter meter, Saver saver, StateSource state,
        Watch watch, (long Goal, long Total) steps, CancellationToken stop)
    {
        try
        {
            Judge();
            var stopped = Stops(stop);
            while (StepsDone < steps.Goal && !stopped)
            {
                // All ranks stop after the same step. Otherwise the others would wait for the rank that stopped.
                foreach (
                    var batch in views.Epoch(
                        Progress.Epoch,
                        firstBatch: Progress.Batch,
                        _group.Size == 1 ? stop : CancellationToken.None))
                {
                    using (batch)
                    {
                        Step(batch, steps.Total, meter, log, watch);
                    }

                    if (Progress.Batch > 0 && saver.IsDue(StepsDone, TakeRequest()))
                    {
                        saver.Begin(state.With(Progress));
                    }

                    Compare();
                    stopped = Stops(stop);
                    if (StepsDone >= steps.Goal || stopped)
                    {
                        break;
                    }
                }

                if (Progress.Batch == 0)
                {
                    if (saver.IsDue(StepsDone, TakeRequest()) || Progress.Epoch % _config.Checkpoints.EveryEpochs == 0)
                    {
                        saver.Begin(state.With(Progress));
                    }

                    Judge();
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || _group.Size > 1)
        {
            // Stopped while waiting for views or evaluating. The state is that of the last step.
        }
        catch (Exception error) when (error is not LossException)
        {
            // Inside a step, the state is inconsistent. For example, the key encoder is updated and the query encoder
            // is not.
            if (!_inStep)
            {
                saver.Save(state.With(Progress)); // keeps the training so far, for example if views cannot be read
            }

            throw;
        }

        // An evaluation is not training time.
        void Judge()
        {
            _waitedSeconds += _group.TakeWaitedSeconds();
            meter.LeaveOut(() => Monitor(worth, log, saver, steps.Total, stop));
            _group.TakeWaitedSeconds();
        }
    }

    private void Step(ViewBatch batch, long total, ProgressMeter meter, RunLog log, Watch watch)
    {
        var learningRate = _config.LearningRateAt(Progress.ScheduleStep, Progress.BatchesPerEpoch);
        var step = StepsDone + 1;
        var reports = step % _config.LogEvery == 0 || step == total || step == 1;
        var (looks, probes) = reports ? watch.Health.IsDue(step, step == total) : (false, false);
        HealthFigures? health = null;
        _inStep = true;
        using (NewDisposeScope())
        {
            _method.MeasuresContrast = reports;
            var query = HostMemory.Images(batch.Query, batch.Count, batch.Size, _device);
            // Some methods use one view.
            var key = batch.Key.Length == 0 ? query : HostMemory.Images(batch.Key, batch.Count, batch.Size, _device);
            watch.Began(step, batch.Indices);
            var (loss, accuracy) = _step.Run(StepsDone, query, key, learningRate, output =>
            {
                if (_device.type == DeviceType.CPU) // on other devices this would wait for the device
                {
                    watch.Check(output, query, key, learningRate, Progress.Epoch + 1);
                }

                health = looks ? watch.Health.Inspect(output, key, batch.Indices, Progress, probes) : null;
            }, new StepSamples(batch.Indices, batch.Labels));
            meter.Add(loss, batch.WaitSeconds);
            _leftOut!.Add(batch.LeftOut);
            var epoch = Progress.Epoch + 1;
            Progress = Progress.Next() with { LeftOut = _leftOut.Pending };
            _inStep = false;
            _observer.Stepped(StepsDone, total);
            if (reports)
            {
                watch.Check(meter.Losses, StepsDone, learningRate, epoch);
                health = health is null ? null : watch.Health.Complete(health, learningRate);
                var waited = _waitedSeconds + _group.TakeWaitedSeconds();
                _waitedSeconds = 0;
                var report = meter.Report(
                    StepsDone, total, epoch, accuracy!, learningRate, watch.Health.TakeSeconds(),
                    _group.Size > 1 ? waited : null
                ) with
                {
                    Health = health,
                    LeftOut = _leftOut.Take(),
                };
                Progress = Progress with { LeftOut = [] };
                log.Write(report);
                _observer.Reported(report);
                Judge(log, watch);
            }
        }
    }

    private bool Stops(CancellationToken stop) => GroupRows.AnyRank(_group, stop.IsCancellationRequested);

    // Whether a stop prevented the evaluation that is due now; a resume makes up for it.
    private bool LacksItsMonitor(WorthMonitor worth, RunLog log, long total, CancellationToken stop) =>
        worth.Knn is not null
            ? IsMonitorDue(total) && !Known(log)
            : Progress.Batch == 0 && Stops(stop) && worth.IsLabelFreeDue(StepsDone, Progress.Epoch, total);

    private bool Known(RunLog log) => GroupRows.AnyRank(_group, log.Knn.ContainsKey(StepsDone)); // rank 0 has the log

    private void Compare()
    {
        if (
            _group.Size > 1
            && _config.Health.CompareEverySteps > 0
            && StepsDone % _config.Health.CompareEverySteps == 0)
        {
            RankComparison.Check(_method, _group, StepsDone);
        }
    }

    private void Judge(RunLog log, Watch watch)
    {
        foreach (var diagnosis in DiagnosisRules.Apply(_config, watch.Data.Count, log.Health))
        {
            if (log.Write(diagnosis))
            {
                _observer.Judged(diagnosis);
            }
        }
    }

    private bool TakeRequest() => Interlocked.Exchange(ref _saveRequested, 0) == 1;

    private bool IsMonitorDue(long total) =>
        Progress.Batch == 0 && (Progress.Epoch % Math.Max(1, _config.Knn.EveryEpochs) == 0 || StepsDone == total);

    // Evaluates the untrained encoder, then every so many epochs. An evaluation that a stop prevented is done after the
    // resume.
    private void Monitor(WorthMonitor worth, RunLog log, Saver saver, long total, CancellationToken stop)
    {
        if (worth.Knn is not { } knn)
        {
            if (Progress.Batch == 0 && worth.IsLabelFreeDue(StepsDone, Progress.Epoch, total) && !Stops(stop))
            {
                worth.MeasureLabelFree(StepsDone, Progress.Epoch, stop);
            }

            return;
        }

        if ( !IsMonitorDue(total) || Stops(stop) || Known(log))
        {
            return;
        }

        var (score, seconds) = knn.Measure(_method.Encoder, _observer.Evaluating, _group, stop);
        var accuracy = score.Accuracy;
        var report = new KnnReport(StepsDone, Progress.Epoch, accuracy, knn.Protocol, seconds)
        {
            LeftOut = knn.LeftOut,
        };
        if (knn.LeftOut != _knnLeftOut)
        {
            _knnLeftOut = knn.LeftOut;
            _observer.Warned(
                $"kNN: {_knnLeftOut} {(_knnLeftOut == 1 ? "image" : "images")} could not be read and were left " +
                $"out{(knn.FirstLeftOut is { } bad ? $", such as {bad}" : ".")}");
        }

        worth.Keep(StepsDone, score); // before the log, which says that this evaluation is done
        log.Write(report);
        Progress = Progress.WithEvaluation(StepsDone, accuracy);
        saver.SetScore(StepsDone, accuracy);
        _observer.Evaluated(report);
    }
}
