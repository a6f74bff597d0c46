namespace MoCoSharp.PyTorch;

/// <summary>
/// Lists the tensors of a PyTorch file by their paths through its dictionaries, such as
/// "teacher.backbone.conv1.weight".
/// </summary>
internal static class TensorPaths
{
    private const int MostTensors = 200_000; // a ResNet-152 with optimizer, twice over, has 5,000
    private const int MostVisits = 1 << 20;
    private const int LongestPath = 1000;    // characters
    private const int LongestList = 64;      // longer lists are skipped; some tools save [weights, optimizer]

    /// <summary>All tensors with text names, in file order.</summary>
    /// <param name="source">Start of each message.</param>
    /// <param name="root">The content of the file.</param>
    /// <exception cref="InvalidDataException">There are no tensors, or more than any checkpoint has.</exception>
    public static Dictionary<string, PickleTensor> Of(string source, PickleValue root)
    {
        var found = new Dictionary<string, PickleTensor>(StringComparer.Ordinal);
        var visits = 0;
        Walk(root, "");
        return found.Count > 0 ? found : throw new InvalidDataException(root is PickleDictionary dictionary
            ? $"{source}: holds no tensors under state_dict, model or any other name; " +
                $"its keys are {string.Join(", ", dictionary.Take(8).Select(item => Line($"{item.Key}")))}."
            : $"{source}: holds {root.Kind}, expected a dictionary of tensors, or a checkpoint with one in it.");

        void Walk(PickleValue node, string path)
        {
            if (++visits > MostVisits || path.Length > LongestPath)
            {
                throw new InvalidDataException(
                    $"{source}: its dictionaries hold more, or are nested deeper, than a checkpoint's.");
            }

            if (node is PickleDictionary dictionary)
            {
                foreach (var (key, value) in dictionary)
                {
                    if (key is PickleText text)
                    {
                        Enter(value, path + text.Value);
                    }
                }
            }
            else if (node is IReadOnlyList<PickleValue> { Count: <= LongestList } list)
            {
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is not PickleTensor)
                    {
                        Enter(list[i], $"{path}{i}");
                    }
                }
            }
        }

        void Enter(PickleValue value, string path)
        {
            if (value is not PickleTensor tensor)
            {
                Walk(value, path + ".");
            }
            else if (found.Count >= MostTensors || !found.TryAdd(path, tensor))
            {
                throw new InvalidDataException(found.Count >= MostTensors
                    ? $"{source}: holds more than {MostTensors} tensors, which no checkpoint of an encoder does."
                    : $"{source}: holds two tensors that are called {Line(path)}.");
            }
        }
    }

    private static string Line(string text) =>
        new([.. text.Take(100).Select(letter => char.IsControl(letter) ? ' ' : letter)]);
}
