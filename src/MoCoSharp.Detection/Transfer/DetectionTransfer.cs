using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;
using MoCoSharp.Detection.Pictures;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Fine-tunes a detector from an encoder's weights, and tests how well the features transfer.</summary>
public sealed class DetectionTransfer : IDisposable
{
    private readonly DetectionConfig _config;
    private readonly BoxedImages _train;
    private readonly DetectionIdentity _identity;
    private readonly IDetectionObserver _observer;
    private readonly TimeProvider _time;
    private readonly DetectorTrainer _trainer;
    private readonly DetectionLoader _loader;
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal); // names that were warned of
    private DetectionMeter _meter;
    private int _saveRequested; // 0 or 1

    /// <summary>A detection before its first step.</summary>
    /// <param name="config">Without faults and open choices.</param>
    /// <param name="train">The training images.</param>
    /// <param name="encoder">Its weights are copied; null is random weights.</param>
    /// <param name="observer">Receives the progress.</param>
    /// <param name="time">For rates, and for saves by the clock. It decides no number.</param>
    public DetectionTransfer(
        DetectionConfig config, BoxedImages train, Encoder? encoder, IDetectionObserver observer, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(train);
        _config = config;
        _train = config.KeepEmptyImages ? train : train.WithObjects();
        _identity = DetectionIdentity.From(config, _train.Fingerprint());
        (_observer, _time) = (observer, time);
        _trainer = new DetectorTrainer(config, train.ClassNames.Count, encoder);
        _meter = new DetectionMeter(time, []);
        Normalize = new Normalize(
            [.. config.Mean.Select(value => (float)value)], [.. config.Std.Select(value => (float)value)]);
        _loader = CreateLoader(_train);
    }

    /// <summary>Steps done since the beginning of the run.</summary>
    public long StepsDone => _trainer.StepsDone;

    /// <summary>Whether BatchNorm has the statistics for a test: see <see cref="MeasureStatistics"/>.</summary>
    internal bool IsReadyToJudge { get; private set; }

    internal Normalize Normalize { get; }

    private DetectionState State => new(_trainer, _meter.Losses, _identity);

    /// <summary>Asks for a save after the current step. The run goes on. Thread-safe.</summary>
    public void RequestSave() => Interlocked.Exchange(ref _saveRequested, 1);

    /// <summary>Resumes from the newest checkpoint. A broken one is set aside with a warning.</summary>
    /// <param name="run">The run folder; this process holds it.</param>
    /// <exception cref="OtherRunException">The checkpoint is of another configuration or of other images.</exception>
    /// <exception cref="InvalidDataException">There are checkpoints, and all are broken.</exception>
    public void Resume(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        NewestCheckpoint.Load(
            run,
            path => _meter = new DetectionMeter(_time, DetectionState.Load(path, _trainer, _identity)),
            _observer.Warned,
            isHeld: true);
    }

    /// <summary>Trains to the end, to the step limit, or until a user stops it. Saves in each case.</summary>
    /// <param name="run">The run folder. This process holds it meanwhile.</param>
    /// <param name="stepLimit">Steps in all; null is all of the configuration.</param>
    /// <param name="stop">Asks for a save and an end, after the current step.</param>
    /// <exception cref="DivergedException">A loss is NaN or infinite. The newest checkpoint stays.</exception>
    /// <exception cref="IOException">The last state could not be saved before a user stopped the run.</exception>
    public RunEnd Run(RunFolder run, long? stepLimit, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(run);
        using var hold = run.Hold(_observer.Warned);
        run.RemoveLeftovers();
        using var metrics = new MetricsLog(run.MetricsPath, StepsDone);
        using var saver = DetectionSaves.Create(run, _config.Checkpoints, metrics, _time, _observer);
        var goal = Math.Min(_config.Steps, stepLimit ?? _config.Steps);
        Train(goal, metrics, saver, stop);
        if (run.Checkpoints() is not [var newest, ..] || RunFolder.StepOf(newest) != StepsDone)
        {
            DetectionSaves.Finish(saver, run, State, stop);
        }

        return StepsDone >= _config.Steps ? RunEnd.Finished : StepsDone >= goal ? RunEnd.StepLimit : RunEnd.Stopped;
    }

    /// <summary>
    /// Tests the trained detector. Writes its scores to the run's evaluations, and the detector itself, so that a
    /// second test measures no statistics.
    /// </summary>
    /// <param name="run">The run folder. This process holds it meanwhile.</param>
    /// <param name="images">Test images of the same classes.</param>
    /// <param name="drawn">
    /// Images to draw into the run's folder "pictures", with curves and the worst mistakes; 0 is none.
    /// </param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public DetectionResult Judge(
        RunFolder run, BoxedImages images, int drawn = 0, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (!TryLoadDetector(run))
        {
            MeasureStatistics(cancellation);
            SaveDetector(run);
        }

        var (found, judged) = Detect(images, cancellation);
        var result = DetectionResult.Compute(_config, StepsDone, images, judged, found);
        run.WriteEvaluation($"detection-step-{StepsDone:D8}", result.ToJson());
        return drawn == 0 ? result : result with
        {
            Pictures = DetectionPictures.Write(
                Path.Combine(run.Path, "pictures"), images, judged, found, result.Scores, drawn),
        };
    }

    /// <summary>Measures the statistics of BatchNorm over fresh training batches.</summary>
    /// <remarks>
    /// The moving averages of training lag behind the weights.
    /// "PreciseBN" of Wu and Johnson 2021, <see href="https://arxiv.org/abs/2105.07576"/>, as at the time of MoCo:
    /// the mean of the batches' means and variances.
    /// </remarks>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    internal void MeasureStatistics(CancellationToken cancellation)
    {
        if (_config.PreciseBnBatches > 0)
        {
            _trainer.Model.train();
            PreciseBatchNorm.Measure(_trainer.Model, Passes(cancellation), cancellation);
        }

        IsReadyToJudge = true;
    }

    /// <summary>Finds objects in every image of a set.</summary>
    /// <param name="images">Images of the same classes.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The objects, and the indices of the images that could be read.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    internal (IReadOnlyList<FoundObject> Found, IReadOnlyList<int> Judged) Detect(
        BoxedImages images, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(images);
        _trainer.Model.eval();
        List<FoundObject> found = [];
        List<int> judged = [];
        var done = 0;
        foreach (var batch in CreateLoader(images).Test(cancellation))
        {
            if (batch is not null)
            {
                var (index, image) = (batch.Items[0].Index, images[batch.Items[0].Index]);
                found.AddRange(_trainer.Model.Detect(batch, image.Width, image.Height, _trainer.Device));
                judged.Add(index);
            }

            _observer.Working("objects in images", ++done, images.Count);
        }

        return (found, judged);
    }

    /// <summary>Saves the detector with the statistics for a test.</summary>
    internal void SaveDetector(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        DetectorFile.Save(run, _trainer, _identity);
    }

    /// <summary>Loads a detector that was saved after the same step, so that nothing is measured twice.</summary>
    /// <returns>Whether there was one.</returns>
    internal bool TryLoadDetector(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return IsReadyToJudge = DetectorFile.TryLoad(run, _trainer, _identity);
    }

    /// <inheritdoc/>
    public void Dispose() => _trainer.Dispose();

    private void Train(long goal, MetricsLog metrics, Saver saver, CancellationToken stop)
    {
        _meter.RestartClock();
        _trainer.Model.train();
        try
        {
            foreach (var batch in StepsDone < goal ? _loader.Training(_config.BatchSize, StepsDone, stop) : [])
            {
                Step(batch, metrics);
                if (saver.IsDue(StepsDone, Interlocked.Exchange(ref _saveRequested, 0) == 1))
                {
                    DetectionSaves.Save(saver, State);
                }

                if (StepsDone >= goal || stop.IsCancellationRequested)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopped while waiting for images: the state is that of the last step.
        }
        catch (BrokenImageException)
        {
            DetectionSaves.Save(saver, State); // no image can be read any more
            throw;
        }
    }

    private void Step(DetectionBatch batch, MetricsLog metrics)
    {
        var rate = _config.Optimizer.LearningRateAt(StepsDone, _config.Steps);
        _meter.Add(batch, _trainer.Step(batch));
        _observer.Stepped(StepsDone, _config.Steps);
        if (StepsDone % _config.LogEvery == 0 || StepsDone == _config.Steps || StepsDone == 1)
        {
            var report = _meter.Report(StepsDone, _config.Steps, rate);
            metrics.Write(report.ToJson());
            _observer.Reported(report);
        }
    }

    private IEnumerable<Action> Passes(CancellationToken cancellation)
    {
        var batches = _loader.Training(_config.BatchSize, _config.Steps, cancellation).Take(_config.PreciseBnBatches);
        var done = 0;
        foreach (var batch in batches)
        {
            foreach (var group in BatchGroups.Split(batch, _config.ImagesAtOnce))
            {
                yield return () => _trainer.Model.Losses(group, _config.Seed, _trainer.Device);
            }

            _observer.Working("statistics of BatchNorm, batches", ++done, _config.PreciseBnBatches);
        }
    }

    private DetectionLoader CreateLoader(BoxedImages images) =>
        new(images, _config.Views, Normalize, _config.Seed, _config.Workers)
        {
            BadImageFound = Warn,
            Notice = _observer.Warned,
        };

    private void Warn(BadImage bad)
    {
        lock (_unreadable)
        {
            if (_unreadable.Add(bad.Name))
            {
                _observer.Warned($"{bad} It is skipped{(bad.MayPass ? " this time" : "")}.");
            }
        }
    }
}
