using MoCoSharp.Encoders;

namespace MoCoSharp.Export;

/// <summary>A way out: a file that some tool loads, checked before it is there.</summary>
/// <param name="name">What people call it.</param>
public abstract class ExportFormat(string name)
{
    /// <summary>What people call it.</summary>
    public string Name => name;

    /// <summary>What loads the file.</summary>
    public virtual string Loader => name;

    /// <summary>Why the tool could not load such an encoder, or not with its head; none where it can.</summary>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">Whether its head goes along.</param>
    /// <param name="path">The file to be written.</param>
    public virtual IEnumerable<string> Faults(TrainedEncoder trained, bool withHead, string path) => [];

    /// <summary>How the tool is told to load the file, line by line in the tool's own language.</summary>
    public virtual IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path) => [];

    /// <summary>How the file is checked, in a phrase.</summary>
    public virtual string Check => "reloaded, and run on random images, one and three at a time";

    /// <summary>
    /// Writes beside the target, reloads, compares, and only then renames: what is there under the name has passed.
    /// </summary>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">Whether its head goes along.</param>
    /// <param name="path">The target; its folder exists.</param>
    /// <returns>The greatest difference found, as <see cref="ExportCheck"/> measures it.</returns>
    /// <exception cref="InvalidDataException">
    /// It is more than <see cref="ExportCheck.Tolerance"/>; what was there under the name is still there.
    /// </exception>
    public double Export(TrainedEncoder trained, bool withHead, string path)
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentException.ThrowIfNullOrEmpty(path);
        var unproven = path + ".unproven";
        try
        {
            Write(unproven, trained, withHead);
            var difference = Difference(unproven, trained, withHead);
            if (!(difference <= ExportCheck.Tolerance)) // also where it is not a number
            {
                throw new InvalidDataException(
                    FormattableString.Invariant(
                        $"{path}: not written. Reloaded, its features differ by {difference:G3} of the largest one, expected at most {ExportCheck.Tolerance}. "
                    )
                        + "Are there weights that are not finite, or near the limits of float32? If not, it is a " +
                            "fault of MoCoSharp's: please report it.");
            }

            File.Move(unproven, path, overwrite: true);
            return difference;
        }
        finally
        {
            File.Delete(unproven);
        }
    }

    /// <summary>Writes the file.</summary>
    protected abstract void Write(string path, TrainedEncoder trained, bool withHead);

    /// <summary>Reloads the file, and compares what it gives with what the encoder gives.</summary>
    protected abstract double Difference(string path, TrainedEncoder trained, bool withHead);
}
