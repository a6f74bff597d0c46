using System.Text.Json.Nodes;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Fine-tunes a detector that begins with an encoder's weights, and judges it: how well its features carry over to finding objects.</summary>
public sealed class DetectionTransfer : IDisposable
{
    private const string DetectorFile = "detector.safetensors";

    private readonly DetectionConfig _config;
    private readonly string _configText;
    private readonly BoxedImages _train;
    private readonly string _data;
    private readonly IDetectionObserver _observer;
    private readonly TimeProvider _time;
    private readonly Device _device;
    private readonly FasterRcnn _model;
    private readonly Sgd _weights;
    private readonly Sgd _norms;
    private readonly DetectionLoader _loader;
    private readonly HashSet<string> _broken = new(StringComparer.Ordinal);
    private List<double[]> _losses = []; // of the steps since the last report
    private int _saveRequested; // 0 or 1

    /// <summary>A detection at its beginning.</summary>
    /// <param name="config">Without faults and open choices.</param>
    /// <param name="train">Images to learn from.</param>
    /// <param name="encoder">Whose weights it begins with; null is from scratch. It stays as it is.</param>
    /// <param name="observer">Hears of progress.</param>
    /// <param name="time">For rates, and for saves by the clock; it decides no number.</param>
    public DetectionTransfer(DetectionConfig config, BoxedImages train, Encoder? encoder, IDetectionObserver observer, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(train);
        (_config, _configText) = (config, DetectionConfigFile.Write(config with
        {
            Workers = 1, LogEvery = 1, Checkpoints = new(), InitialWeights = null, InitialEncoder = EncoderRole.Query, InitialPrefix = null, // these change no bit
        }));
        _train = config.KeepEmptyImages ? train : train.WithObjects();
        _data = _train.Fingerprint();
        (_observer, _time) = (observer, time);
        _device = TorchRuntime.OpenDevice(config.Device);
        using var random = new Generator(RandomStreams.DetectorWeights(config.Seed));
        _model = new FasterRcnn(config.Encoder, config.Detector, train.ClassNames.Count, random) { Precision = config.Precision.Resolve(_device) };
        if (encoder is not null)
        {
            _model.Begin(encoder);
        }

        _model.to(_device);
        var parameters = _model.named_parameters().ToLookup(item => IsNorm(item.name));
        _weights = new Sgd([.. parameters[false]], config.Optimizer.Momentum, config.Optimizer.WeightDecay);
        _norms = new Sgd([.. parameters[true]], config.Optimizer.Momentum, weightDecay: 0);
        Normalize = new Normalize([.. config.Mean.Select(value => (float)value)], [.. config.Std.Select(value => (float)value)]);
        _loader = new DetectionLoader(_train, config.Views, Normalize, config.Seed, config.Workers) { BadImageFound = Tell, Notice = _observer.Warned };
    }

    /// <summary>Steps done since the beginning of the run.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Whether the statistics of BatchNorm are those of <see cref="MeasureStatistics"/>.</summary>
    public bool IsReadyToJudge { get; private set; }

    internal Normalize Normalize { get; }

    /// <summary>Asks for a save after the step under way, from any thread; the run goes on.</summary>
    public void RequestSave() => Interlocked.Exchange(ref _saveRequested, 1);

    /// <summary>Goes on from the newest checkpoint that can be read; a broken one is put aside with a warning.</summary>
    /// <param name="run">Held.</param>
    /// <exception cref="OtherRunException">It is of another configuration or of other images.</exception>
    /// <exception cref="InvalidDataException">There are checkpoints, and none can be used.</exception>
    public void Resume(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        InvalidDataException? last = null;
        foreach (var path in run.Checkpoints())
        {
            try
            {
                (StepsDone, _losses) = DetectionState.Load(path, _configText, _data, Tensors());
                return;
            }
            catch (InvalidDataException error)
            {
                last = error;
                _observer.Warned($"{error.Message} It is kept as {Path.GetFileName(RunFolder.SetAside(path))}. The checkpoint before is tried.");
            }
        }

        if (last is not null)
        {
            throw last;
        }
    }

    /// <summary>Trains to the end, to the step limit, or until asked to stop; saves in each case.</summary>
    /// <param name="run">Where everything goes; held meanwhile.</param>
    /// <param name="stepLimit">Steps in all after which to end; null is all.</param>
    /// <param name="stop">Asks for a save and an end, after the step under way.</param>
    /// <exception cref="DivergedException">A loss is not a number; the newest checkpoint stays.</exception>
    /// <exception cref="IOException">The last state could not be saved before somebody asked to stop.</exception>
    public PretrainEnd Run(RunFolder run, long? stepLimit, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(run);
        using var hold = run.Hold(_observer.Warned);
        run.RemoveLeftovers();
        using var log = new MetricsLog(run.MetricsPath, StepsDone);
        var goal = Math.Min(_config.Steps, stepLimit ?? _config.Steps);
        var saves = new DetectionSaves(run, _config.Checkpoints, _time, _observer);
        var meter = new DetectionMeter(_time);
        _model.train();
        try
        {
            foreach (var batch in StepsDone < goal ? _loader.Training(_config.BatchSize, StepsDone, stop) : [])
            {
                Step(batch);
                meter.Add(batch);
                _observer.Stepped(StepsDone, _config.Steps);
                if (StepsDone % _config.LogEvery == 0 || StepsDone == _config.Steps || StepsDone == 1)
                {
                    Report(log, meter);
                }

                if (saves.IsDue(StepsDone, Interlocked.Exchange(ref _saveRequested, 0) == 1))
                {
                    saves.Try(() => Save(run));
                }

                if (StepsDone >= goal || stop.IsCancellationRequested)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop while waiting for images: the state is that of the last step.
        }
        catch (BrokenImageException)
        {
            saves.Try(() => Save(run)); // no image can be read any more: what was learned until then stays
            throw;
        }

        if (run.Checkpoints() is not [var newest, ..] || RunFolder.StepOf(newest) != StepsDone)
        {
            saves.Last(() => Save(run), stop);
        }

        return StepsDone >= _config.Steps ? PretrainEnd.Finished : StepsDone >= goal ? PretrainEnd.StepLimit : PretrainEnd.Stopped;
    }

    /// <summary>Measures BatchNorm's statistics over fresh training batches, as a true average over them: those of training lag behind the weights.</summary>
    /// <remarks>"PreciseBN" of Wu and Johnson 2021, <see href="https://arxiv.org/abs/2105.07576"/>, in the form of MoCo's time: the mean of the batches' means and variances.</remarks>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void MeasureStatistics(CancellationToken cancellation)
    {
        if (_config.PreciseBnBatches > 0)
        {
            _model.train();
            var batches = _loader.Training(_config.BatchSize, _config.Steps, cancellation).Take(_config.PreciseBnBatches);
            PreciseBatchNorm.Measure(_model, Passes(), cancellation);

            IEnumerable<Action> Passes()
            {
                var done = 0;
                foreach (var batch in batches)
                {
                    foreach (var group in DetectionGroups.Of(batch, _config.ImagesAtOnce))
                    {
                        yield return () => _model.Losses(group, _config.Seed, _device);
                    }

                    _observer.Working("statistics of BatchNorm, batches", ++done, _config.PreciseBnBatches);
                }
            }
        }

        IsReadyToJudge = true;
    }

    /// <summary>Finds objects in every image of a set.</summary>
    /// <param name="images">Of the same classes.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>What was found, and the indices of the images that could be looked at.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public (IReadOnlyList<FoundObject> Found, IReadOnlyList<int> Judged) Detect(BoxedImages images, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(images);
        _model.eval();
        var loader = new DetectionLoader(images, _config.Views, Normalize, _config.Seed, _config.Workers) { BadImageFound = Tell, Notice = _observer.Warned };
        List<FoundObject> found = [];
        List<int> judged = [];
        var done = 0;
        foreach (var batch in loader.Test(cancellation))
        {
            if (batch is not null)
            {
                var index = batch.Items[0].Index;
                found.AddRange(_model.Detect(batch, images[index].Width, images[index].Height, _device));
                judged.Add(index);
            }

            _observer.Working("objects in images", ++done, images.Count);
        }

        return (found, judged);
    }

    /// <summary>Writes the detector as it is judged, in one stroke.</summary>
    public void SaveDetector(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        DetectionState.SaveDetector(Path.Combine(run.Path, DetectorFile), StepsDone, _configText, Weights());
    }

    /// <summary>Takes over a detector that was written after as many steps, so that nothing is measured twice.</summary>
    /// <returns>Whether there was one.</returns>
    public bool TryLoadDetector(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var path = Path.Combine(run.Path, DetectorFile);
        return IsReadyToJudge = File.Exists(path) && DetectionState.TryLoadDetector(path, StepsDone, _configText, Weights());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _norms.Dispose();
        _model.Dispose();
    }

    private void Step(DetectionBatch batch)
    {
        var sums = new double[4];
        foreach (var group in DetectionGroups.Of(batch, _config.ImagesAtOnce))
        {
            using var scope = NewDisposeScope();
            var losses = _model.Losses(group, _config.Seed, _device);
            var share = group.Views.Count / (double)batch.Views.Count;
            var values = HostMemory.Floats(stack([losses.Objectness, losses.Proposal, losses.Classification, losses.Location]));
            if (!values.All(float.IsFinite))
            {
                throw new DivergedException(FormattableString.Invariant(
                    $"The losses are {string.Join(", ", values)} at step {StepsDone + 1}; learning rate {Rate}. Lower optimizer.learningRate (0.02 is for 16 images a step) or raise optimizer.warmupSteps. The newest checkpoint stays."));
            }

            losses.Total().mul(Held(share)).backward();
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += share * values[i];
            }
        }

        _weights.Step(Rate);
        _norms.Step(Rate);
        _weights.ClearGradients();
        _norms.ClearGradients();
        _losses.Add(sums);
        StepsDone++;
    }

    private double Rate => _config.Optimizer.LearningRateAt(StepsDone, _config.Steps);

    private void Report(MetricsLog log, DetectionMeter meter)
    {
        var means = Enumerable.Range(0, 4).Select(i => _losses.Average(parts => parts[i])).ToArray();
        var (rate, waiting) = meter.Take();
        var report = new DetectionReport(
            StepsDone, _config.Steps, means.Sum(), means[0], means[1], means[2], means[3], _config.Optimizer.LearningRateAt(StepsDone - 1, _config.Steps), rate, waiting);
        _losses.Clear();
        log.Write(new JsonObject
        {
            ["step"] = report.Step, ["loss"] = report.Loss, ["objectness"] = report.Objectness, ["proposal"] = report.Proposal, ["classification"] = report.Classification,
            ["location"] = report.Location, ["learningRate"] = report.LearningRate, ["imagesPerSecond"] = report.ImagesPerSecond, ["waitShare"] = report.WaitShare,
        });
        _observer.Reported(report);
    }

    private string Save(RunFolder run)
    {
        using (NewDisposeScope())
        {
            if (Tensors().FirstOrDefault(item => item.Tensor.is_floating_point() && !item.Tensor.isfinite().all().item<bool>()) is { Name: { } name })
            {
                throw new DivergedException($"{name} holds a NaN or an infinity after step {StepsDone}: this state is not kept. Lower optimizer.learningRate (0.02 is for 16 images a step) or raise optimizer.warmupSteps.");
            }
        }

        var path = run.CheckpointPath(StepsDone);
        DetectionState.Save(path, StepsDone, _losses, _configText, _data, Tensors());
        return path;
    }

    private IReadOnlyList<(string Name, Tensor Tensor)> Weights() => [.. _model.state_dict().Select(item => (item.Key, item.Value))];

    private IReadOnlyList<(string Name, Tensor Tensor)> Tensors() =>
        [.. Weights(), .. _weights.Velocities.Concat(_norms.Velocities).Select(item => ("optimizer.velocity." + item.Name, item.Velocity))];

    private static bool IsNorm(string name)
    {
        var parts = name.Split('.');
        return parts.Length > 1 && (parts[^2].StartsWith("bn", StringComparison.Ordinal) || parts[^2] == "norm" || (parts.Length > 2 && parts[^3] == "downsample" && parts[^2] == "1"));
    }

    private void Tell(BadImage bad)
    {
        lock (_broken)
        {
            if (_broken.Add(bad.Name))
            {
                _observer.Warned($"{bad} It takes no part{(bad.MayPass ? " this time" : "")}.");
            }
        }
    }
}
