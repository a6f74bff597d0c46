namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of one method: its section of a configuration, and what builds it.</summary>
/// <remarks>
/// A method is one file, with its options and its class, and one line in <see cref="PretrainMethods.All"/>.
/// </remarks>
public interface IMethodOptions
{
    /// <summary>The key of its section in a configuration, such as "moco".</summary>
    string Name { get; }

    /// <summary>Size of the head's output, C.</summary>
    int Dimension { get; }

    /// <summary>
    /// Views of an image that a step sees: 2, or 1 if a memory or a label takes the place of the second.
    /// </summary>
    int ViewsPerImage => 2;

    /// <summary>Whether it learns from labels, with the views that are standard for that: crops and flips.</summary>
    bool LearnsLabels => false;

    /// <summary>What the names of the learned encoder's tensors begin with in a checkpoint.</summary>
    string EncoderPrefix => "encoder.";

    /// <summary>The same, of the encoder that makes keys; null where there is none beside the learned one.</summary>
    string? KeyEncoderPrefix => null;

    /// <summary>Builds the method with its initial weights.</summary>
    /// <exception cref="ArgumentException">
    /// The options have faults, or the ranks do not divide the BN groups.
    /// </exception>
    PretrainMethod Create(MethodBuild build);

    /// <summary>The method in a phrase, for people.</summary>
    string Describe();

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    IEnumerable<string> Faults();
}
