namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of one method, and its factory. They form a section of a configuration.</summary>
/// <remarks>
/// A method is one file with its options and its class, and one line in <see cref="PretrainMethods.All"/>.
/// </remarks>
public interface IMethodOptions
{
    /// <summary>The key of its section in a configuration, such as "moco".</summary>
    string Name { get; }

    /// <summary>Size of the head's output, C.</summary>
    int Dimension { get; }

    /// <summary>Views per image in a step: 2, or 1 if a memory bank or a label replaces the second view.</summary>
    int ViewsPerImage => 2;

    /// <summary>Whether the method learns from labels. Its views are then the standard ones: crops and flips.</summary>
    bool LearnsLabels => false;

    /// <summary>Prefix of the learned encoder's tensor names in a checkpoint.</summary>
    string EncoderPrefix => "encoder.";

    /// <summary>Prefix of the key encoder's tensor names; null if the method has no separate key encoder.</summary>
    string? KeyEncoderPrefix => null;

    /// <summary>Builds the method with its initial weights.</summary>
    /// <exception cref="ArgumentException">
    /// The options are invalid, or the BN groups are not a multiple of the ranks.
    /// </exception>
    PretrainMethod Create(MethodBuild build);

    /// <summary>A short description for users.</summary>
    string Describe();

    /// <summary>All faults of these options; each names its option.</summary>
    IEnumerable<string> Validate();
}
