using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.PyTorchFiles;

/// <summary>Files from PyTorch and files for it, with PyTorch itself as judge.</summary>
public sealed class PyTorchFilesTests : IDisposable
{
    private const int Trees = 60;

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Fact]
    public void RandomTreesOfPyTorch_AreReadAsTheyAre()
    {
        PyTorch.Run("trees.py", "write", folder, "1", $"{Trees}");
        for (var i = 0; i < Trees; i++)
        {
            using var scope = NewDisposeScope();
            var expected = File.ReadAllText(Path.Combine(folder, $"{i}.txt"));
            foreach (var (name, format) in new[] { ("zip", TorchFormat.Zip), ("legacy", TorchFormat.Legacy) })
            {
                using var file = TorchFile.Read(Path.Combine(folder, $"{i}.{name}"));
                Assert.Equal(format, file.Format);
                Assert.Equal(expected, Text(file.Root));
            }
        }
    }

    [Fact]
    public void RandomTreesOfOurs_AreReadByPyTorchAsTheyAre()
    {
        for (var i = 0; i < Trees; i++)
        {
            using var scope = NewDisposeScope();
            var tree = new RandomTrees(1000 + i).Next(withFloats: i % 2 == 0);
            foreach (var format in new[] { TorchFormat.Zip, TorchFormat.Legacy })
            {
                TorchFile.Write(Path.Combine(folder, $"{i}.{format}.pth"), tree, format);
                File.WriteAllText(Path.Combine(folder, $"{i}.{format}.txt"), Text(tree));
            }

            using var stream = File.Create(Path.Combine(folder, $"{i}.wide.pth"));
            TorchZip.Write(stream, tree, wideFrom: 0);
            File.WriteAllText(Path.Combine(folder, $"{i}.wide.txt"), Text(tree));
        }

        Assert.Equal($"{3 * Trees} files, ", PyTorch.Run("trees.py", "check", folder)[..11]);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string Text(PickleValue value) => string.Join("\n", TreeText.Describe(value)) + "\n";
}
