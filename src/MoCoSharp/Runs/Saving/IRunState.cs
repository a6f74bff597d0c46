using static TorchSharp.torch;

namespace MoCoSharp.Runs;

/// <summary>A run's state at one moment: what a <see cref="Saver"/> writes to a checkpoint.</summary>
internal interface IRunState
{
    /// <summary>Steps done.</summary>
    long Step { get; }

    /// <summary>The best score so far, higher is better; null where nothing was evaluated.</summary>
    /// <remarks>A step is saved again when its score comes after its save.</remarks>
    double? BestScore { get; }

    /// <summary>The tensors, in the order of the file. Called in a dispose scope.</summary>
    IReadOnlyList<(string Name, Tensor Tensor)> GetTensors();

    /// <summary>The counters and texts of the file.</summary>
    IReadOnlyDictionary<string, string> GetMetadata();
}
