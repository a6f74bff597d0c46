using System.Text.Json.Nodes;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>The pre-training loop: views in, checkpoints and metrics out.</summary>
public sealed class Pretraining : IDisposable
{
    private readonly PretrainMethod _method;
    private readonly RunConfig _config;
    private readonly IProcessGroup _group;
    private readonly TimeProvider _time;
    private readonly IPretrainObserver _observer;
    private readonly Device _device;
    private readonly Sgd _optimizer;
    private readonly TrainingStep _step;

    /// <summary>A run at its beginning.</summary>
    /// <param name="method">What learns; moved to the configured device.</param>
    /// <param name="config">Without faults.</param>
    /// <param name="group">The ranks that share a batch.</param>
    /// <param name="time">For rates; it decides nothing else.</param>
    /// <param name="observer">Hears of progress.</param>
    public Pretraining(PretrainMethod method, RunConfig config, IProcessGroup group, TimeProvider time, IPretrainObserver observer)
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
        method.Precision = PrecisionChoice.Resolve(config.Precision, _device);
        method.train();
        _optimizer = new Sgd(method.LearnedParameters, config.Optimizer.Momentum, config.Optimizer.WeightDecay);
        _step = new TrainingStep(method, _optimizer, group);
    }

    /// <summary>Steps done since the beginning of the run.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Goes on from the newest checkpoint that can be read; a broken one is passed over with a warning.</summary>
    /// <exception cref="InvalidDataException">There are checkpoints, and none can be used.</exception>
    public void Resume(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        InvalidDataException? last = null;
        foreach (var path in run.Checkpoints())
        {
            try
            {
                StepsDone = TrainingState.Load(path, _method, _optimizer);
                return;
            }
            catch (InvalidDataException error)
            {
                last = error;
                _observer.Warned($"{error.Message} The checkpoint before is tried.");
            }
        }

        if (last is not null)
        {
            throw last;
        }
    }

    /// <summary>Trains to the end, to the step limit, or until asked to stop; saves in each case.</summary>
    /// <param name="views">Both views of every image, epoch by epoch.</param>
    /// <param name="run">Where everything goes.</param>
    /// <param name="knn">Judges the encoder; null where there are no labels.</param>
    /// <param name="stepLimit">Steps in all after which to end; null is all epochs.</param>
    /// <param name="stop">Asks for a save and an end, after the step under way.</param>
    /// <exception cref="DivergedException">The loss is not a number.</exception>
    public PretrainEnd Run(ViewLoader views, RunFolder run, KnnMonitor? knn, long? stepLimit, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(views);
        ArgumentNullException.ThrowIfNull(run);
        var stepsPerEpoch = views.BatchesPerEpoch;
        var total = (long)stepsPerEpoch * _config.Epochs;
        var goal = Math.Min(total, stepLimit ?? total);
        using var log = new RunLog(run, StepsDone);
        using var meter = new ProgressMeter(_time, _config.BatchSize);
        try
        {
            Monitor(knn, log, stepsPerEpoch, total, stop);
            while (StepsDone < goal && !stop.IsCancellationRequested)
            {
                var epoch = (int)(StepsDone / stepsPerEpoch);
                foreach (var batch in views.Epoch(epoch, firstBatch: (int)(StepsDone % stepsPerEpoch), stop))
                {
                    using (batch)
                    {
                        Step(batch, stepsPerEpoch, total, meter, log);
                    }

                    if (StepsDone >= goal || stop.IsCancellationRequested)
                    {
                        break;
                    }
                }

                if (StepsDone % stepsPerEpoch == 0)
                {
                    if (StepsDone / stepsPerEpoch % _config.Checkpoints.EveryEpochs == 0)
                    {
                        Save(run);
                    }

                    Monitor(knn, log, stepsPerEpoch, total, stop);
                    meter.Restart(); // an evaluation is not training time
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop while waiting for views or judging: the state is that of the last step.
        }

        Save(run);
        return StepsDone >= total ? PretrainEnd.Finished : StepsDone >= goal ? PretrainEnd.StepLimit : PretrainEnd.Stopped;
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();

    private void Step(ViewBatch batch, int stepsPerEpoch, long total, ProgressMeter meter, RunLog log)
    {
        var learningRate = LearningRate.At(_config.Optimizer, StepsDone, stepsPerEpoch, _config.Epochs);
        var reports = (StepsDone + 1) % _config.LogEvery == 0 || StepsDone + 1 == total || StepsDone == 0;
        using (NewDisposeScope())
        {
            _method.MeasuresContrast = reports;
            var query = HostMemory.Images(batch.Query, batch.Count, batch.Size, _device);
            var key = HostMemory.Images(batch.Key, batch.Count, batch.Size, _device);
            var (loss, accuracy) = _step.Run(StepsDone, query, key, learningRate);
            meter.Add(loss, batch.WaitSeconds);
            StepsDone++;
            _observer.Stepped(StepsDone, total);
            if (reports)
            {
                var report = meter.Report(StepsDone, total, (int)((StepsDone - 1) / stepsPerEpoch) + 1, accuracy!, learningRate);
                ThrowIfDiverged(report);
                log.Write(report);
                _observer.Reported(report);
            }
        }
    }

    private static void ThrowIfDiverged(StepReport report)
    {
        if (!double.IsFinite(report.Loss))
        {
            throw new DivergedException(FormattableString.Invariant(
                $"Loss is {report.Loss} at step {report.Step} (epoch {report.Epoch}), learning rate {report.LearningRate:G3}. ") +
                "Lower optimizer.learningRate or add optimizer.warmupSteps. The checkpoints are from before.");
        }
    }

    // The untrained encoder first, then every so many epochs; a number that a stop prevented is made up for after the resume.
    private void Monitor(KnnMonitor? knn, RunLog log, int stepsPerEpoch, long total, CancellationToken stop)
    {
        var epoch = (int)(StepsDone / stepsPerEpoch);
        var due = StepsDone % stepsPerEpoch == 0 && (epoch % Math.Max(1, _config.Knn.EveryEpochs) == 0 || StepsDone == total);
        if (knn is null || !due || stop.IsCancellationRequested || log.HasKnn(StepsDone))
        {
            return;
        }

        var (accuracy, seconds) = knn.Measure(_method.Encoder, _observer.Evaluating, stop);
        var report = new KnnReport(StepsDone, epoch, accuracy, knn.Protocol, seconds);
        log.Write(report);
        _observer.Evaluated(report);
    }

    private void Save(RunFolder run)
    {
        var path = run.CheckpointPath(StepsDone);
        if (File.Exists(path))
        {
            return; // the epoch's end has saved this very state
        }

        TrainingState.AverageRunningStatistics(_method, _group);
        if (_group.Rank != 0)
        {
            return;
        }

        TrainingState.Save(path, StepsDone, _method, _optimizer, _config);
        foreach (var old in run.Checkpoints().Skip(_config.Checkpoints.Keep))
        {
            File.Delete(old);
        }

        _observer.Saved(path);
    }
}
