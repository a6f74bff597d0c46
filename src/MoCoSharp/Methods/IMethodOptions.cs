namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of one method. A configuration holds exactly one, and so says what is learned.</summary>
public interface IMethodOptions
{
    /// <summary>As in a configuration: "moco", "simClr", "endToEnd", "memoryBank" or "supervised".</summary>
    string Name { get; }

    /// <summary>Size of the head's output, C.</summary>
    int Dimension { get; }

    /// <summary>Views of an image that a step sees: 2, or 1 where a memory or a label stands for the other.</summary>
    int Views => 2;

    /// <summary>What the names of the learned encoder's tensors begin with in a checkpoint.</summary>
    string EncoderPrefix => "encoder.";

    /// <summary>The same, of the encoder that makes keys; null where there is none beside the learned one.</summary>
    string? KeyEncoderPrefix => null;

    /// <summary>The method in a phrase, for people.</summary>
    string Describe();

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    IEnumerable<string> Faults();
}
