using MoCoSharp.Data.Datasets;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>How strictly a resume checks the checkpoint.</summary>
/// <param name="Data">The images of the resumed run.</param>
/// <param name="AllowChanges">
/// Whether to accept and record another recipe or data set. Another architecture is never accepted.
/// </param>
internal sealed record ResumeCheck(DataIdentity Data, bool AllowChanges = false);

// How a run continues from a checkpoint.
public sealed partial class Pretraining
{
    /// <summary>
    /// Loads the newest readable checkpoint to continue training. Broken ones are set aside with a warning, and
    /// accepted changes are recorded in the folder.
    /// </summary>
    /// <param name="run">The run folder; this process holds it.</param>
    /// <param name="data">The training images. The checkpoint must have learned from them.</param>
    /// <param name="allowsChanges">
    /// Whether to accept another recipe or other images. Another architecture is never accepted.
    /// </param>
    /// <returns>The accepted differences.</returns>
    /// <exception cref="OtherRunException">
    /// The checkpoint belongs to another run; all differences are listed.
    /// </exception>
    /// <exception cref="InvalidDataException">There are checkpoints, but none is usable.</exception>
    public IReadOnlyList<string> Resume(RunFolder run, IImageDataset data, bool allowsChanges = false) =>
        Resume(run, new ResumeCheck(DataIdentity.From(data), allowsChanges));

    /// <summary>Loads the newest readable checkpoint; skips broken ones with a warning.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="check">
    /// To continue training in a locked folder: the checkpoint must have this recipe and these images, broken ones are
    /// set aside, and accepted changes are recorded in the folder. Null only reads: the architecture must fit, and
    /// nothing is written.
    /// </param>
    /// <returns>The accepted differences.</returns>
    /// <exception cref="OtherRunException">
    /// The checkpoint belongs to another run; all differences are listed.
    /// </exception>
    /// <exception cref="InvalidDataException">There are checkpoints, but none is usable.</exception>
    internal IReadOnlyList<string> Resume(RunFolder run, ResumeCheck? check = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        _data = check?.Data;
        List<string> accepted = [];
        if (Load() is { } path)
        {
            if (check is not null)
            {
                Keep(path);
                accepted = [.. accepted, .. OtherProcesses()];
            }

            return accepted;
        }

        if (check is not null && RunConfigFile.Write(_config) != RunConfigFile.Write(run.ReadConfig()))
        {
            run.Change(_config, [], 0); // the earlier run had learned nothing yet
        }

        return accepted;

        string? Load()
        {
            try
            {
                return NewestCheckpoint.Load(
                    run,
                    file => Progress = TrainingState.Load(file, _method, _optimizer, Compare),
                    _observer.Warned,
                    isHeld: check is not null);
            }
            catch (OtherRunException error)
            {
                var cure = check is null || check.AllowChanges || accepted.Count == 0
                    ? "Tensors must always fit: correct the options of encoder and method in config.json, or " +
                        "start another run."
                    : "Undo the changes (--set, --data, config.json), or add --resume-with-changes, which " +
                        "accepts and records them if the tensors fit.";
                throw new OtherRunException($"{error.Message}{Environment.NewLine}{cure}");
            }
        }

        IReadOnlyList<string> Compare(string config, DataIdentity? data)
        {
            accepted = check is null
                ? []
                : [.. RunDifferences.Between(config, _config), .. RunDifferences.Between(data, check.Data)];
            return check is { AllowChanges: false } ? accepted : [];
        }

        // With as many BN groups as before, the computation is the same. Only the order of sums differs.
        string[] OtherProcesses()
        {
            if (Progress.Processes == _group.Size)
            {
                return [];
            }

            var told =
                $"processes: checkpoint {Progress.Processes}, run {_group.Size}: "
                + (
                    _config.Norm == BatchNormScope.Batch
                        ? "with norm=batch, BatchNorm normalizes other groups of images"
                        : "the same computation except for rounding");
            run.Change(_config, [told], StepsDone);
            return [told];
        }

        // Write the state before the configuration: if the process dies between the two, the next resume asks again.
        void Keep(string path)
        {
            if (accepted.Count > 0)
            {
                TrainingState.Save(path, Progress, _method, _optimizer, _config, check!.Data);
            }

            // Scores of other images or views cannot be compared with later ones.
            if (
                accepted.Any(change => change.StartsWith("data:", StringComparison.Ordinal)
                    || change.StartsWith("views.", StringComparison.Ordinal))
                || run.ReadConfig().Validation != _config.Validation)
            {
                File.Delete(run.BaselinesPath);
            }

            if (accepted.Count > 0 || RunConfigFile.Write(_config) != RunConfigFile.Write(run.ReadConfig()))
            {
                run.Change(_config, accepted, StepsDone);
            }
        }
    }
}
