namespace MoCoSharp.Cli.Tests;

/// <summary>The program without its libtorch, and with a libtorch from another folder.</summary>
public sealed class OwnLibtorchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moco-libtorch-").FullName;
    private readonly string _program;

    public OwnLibtorchTests()
    {
        Assert.SkipUnless(Directory.Exists(Deployed), "no libtorch for linux-x64 was deployed");
        _program = Path.Combine(_folder, "program");
        CopyWithoutLibtorch(AppContext.BaseDirectory, _program);
    }

    private static string Training => $"pretrain patterns --data patterns:32 --run run --steps 2 --set {Moco.Tiny}";

    private static string Deployed => Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ALibtorchFromAnotherFolder_Trains()
    {
        var (code, output, error) = Run(
            $"MOCOSHARP_LIBTORCH='{Deployed}'", Training);

        Assert.True(code == 0, error);
        Assert.Contains("saved run", output);
        Assert.Contains($"from {Deployed}", File.ReadAllText(Path.Combine(_folder, "run", "environment.json")));
    }

    [Theory]
    [InlineData("pretrain --resume --run run --steps 4", "resumed after step 2")]
    [InlineData("pretrain --resume-with-changes --run run --set epochs=3", "changed: epochs")]
    [InlineData("inspect run", "run: MoCo v2")]
    [InlineData("inspect run/checkpoints/step-00000002.safetensors", "conv1.weight")]
    [InlineData("export run --format onnx -o e.onnx && $moco inspect e.onnx", "as an encoder: ")]
    [InlineData("export run --format torch -o e.pth && $moco inspect e.pth", "conv1.weight")]
    [InlineData("knn run", "top-1")]
    public void ALibtorchFromAnotherFolder_ServesARun(string arguments, string expected)
    {
        var moco = $"MOCOSHARP_LIBTORCH='{Deployed}' dotnet '{Path.Combine(_program, "moco.dll")}'";
        Assert.Equal(0, Moco.RunShell(_folder, $"{moco} {Training}").ExitCode);

        var (code, output, error) = Moco.RunShell(_folder, $"{moco} {arguments.Replace("$moco", moco)}");

        Assert.True(code == 0, error);
        Assert.Contains(expected, output);
    }

    [Fact]
    public void TheLibtorchOption_HasTheEffectOfTheVariable()
    {
        var (code, output, error) = Run("", $"inspect --environment --libtorch '{Deployed}'");

        Assert.True(code == 0, error);
        Assert.Contains($"from {Deployed}", output);
    }

    [Fact]
    public void WithoutAnyLibtorch_TheMessageSaysHowToNameOne()
    {
        var (code, _, error) = Run("HOME=/nowhere NUGET_PACKAGES=/nowhere", Training);

        Assert.Equal(1, code);
        Assert.Contains("libtorch did not load", error);
        Assert.Contains("MOCOSHARP_LIBTORCH", error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void AFolderWithoutLibtorch_IsRefused()
    {
        var (code, _, error) = Run($"MOCOSHARP_LIBTORCH='{_folder}'", Training);

        Assert.Equal(1, code);
        Assert.Contains("which has no libtorch_cpu.so", error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void AnotherVersion_IsRefused_AndTheMessageNamesBoth()
    {
        const string old = "/usr/lib/python3/dist-packages/torch/lib"; // Debian's PyTorch
        Assert.SkipUnless(
            File.Exists(old + "/../version.py") && File.ReadAllText(old + "/../version.py").Contains("'1.13"),
            "this system has no PyTorch 1.13");
        var (code, _, error) = Run($"MOCOSHARP_LIBTORCH={old}", "inspect --environment");

        Assert.Equal(1, code);
        Assert.Contains("The libtorch 1.13", error);
        Assert.Contains("built for libtorch 2.10.0", error);
    }

    [Fact]
    public void AProgramThatBringsLibtorch_RefusesAnother()
    {
        var (code, _, error) = Moco.RunShell(
            _folder,
            $"MOCOSHARP_LIBTORCH='{_folder}' dotnet '{Path.Combine(AppContext.BaseDirectory, "moco.dll")}' " +
            "inspect --environment");

        Assert.Equal(1, code);
        Assert.Contains("this program brings its own libtorch", error);
    }

    private (int ExitCode, string Output, string Error) Run(string environment, string arguments) =>
        Moco.RunShell(_folder, $"{environment} dotnet '{Path.Combine(_program, "moco.dll")}' {arguments}");

    private static void CopyWithoutLibtorch(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var inside = Path.GetRelativePath(from, file);
            if (inside.Contains("native/lib", StringComparison.Ordinal)
                ? inside.EndsWith("libLibTorchSharp.so", StringComparison.Ordinal)
                    || inside.EndsWith("libSkiaSharp.so", StringComparison.Ordinal)
                    || inside.EndsWith("libonnxruntime.so", StringComparison.Ordinal)
                : !inside.Contains("Tests", StringComparison.Ordinal) && !inside.EndsWith(".pdb"))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(to, inside))!);
                File.Copy(file, Path.Combine(to, inside));
            }
        }
    }
}
