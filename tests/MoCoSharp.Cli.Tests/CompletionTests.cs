using System.Diagnostics;

namespace MoCoSharp.Cli.Tests;

/// <summary>What a shell completes, by the script that the program prints for it.</summary>
public sealed class CompletionTests
{
    private static readonly string[] Bash = ["/bin/bash", "/usr/bin/bash"];

    [Theory]
    [InlineData("moco pre", "predict pretrain")]
    [InlineData("moco pretrain moco-v2-f", "moco-v2-folder")]
    [InlineData("moco pretrain --usr1 ", "continue stop")]
    [InlineData("moco pretrain --usr1=st", "stop")]
    [InlineData("moco pretrain --set epochs=2 --data cifar10:data --dr", "--dry-run")]
    [InlineData("moco export run --format tor", "torch torchvision")]
    [InlineData("moco study ", "ablation budget cost detection methods momentum queue shuffle temperature")]
    [InlineData("moco linear run --encoder ", "key query")]
    [InlineData("moco import file --recipe patt", "patterns")]
    [InlineData("moco pretrain --set epochs=2 pa", "patterns")]
    [InlineData("moco --ver", "--version")]
    [InlineData("moco help pac", "pack")]
    [InlineData("moco knn runs/m", "")]
    public async Task Bash_CompletesVerbsOptionsValuesAndRecipes(string line, string expected)
    {
        Assert.SkipUnless(Bash.Any(File.Exists), "There is no bash.");
        var script = $$"""
            moco() { {{Terminal.Command()}} "$@"; }
            source <(moco completion bash)
            COMP_LINE='{{line}}'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=($COMP_LINE)
            _moco
            echo "$(printf '%s\n' "${COMPREPLY[@]}" | tr '\n' ' ')"
            complete -p moco
            """;

        using var process = Process.Start(
            new ProcessStartInfo(Bash.First(File.Exists), ["-c", script])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            }
        )!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();

        Assert.Equal("", await error);
        Assert.Equal(
            expected.Split(' ').Order(StringComparer.Ordinal),
            output.Split('\n')[0].TrimEnd().Split(' ').Order(StringComparer.Ordinal));
        Assert.Contains("complete -o default -F _moco moco", output);
    }

    [Theory]
    [InlineData("bash", "complete ")]
    [InlineData("zsh", "compdef _moco moco")]
    [InlineData("fish", "complete -c moco")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public void EachShell_HasItsScript_AndSaysWhereToPutIt(string shell, string expected)
    {
        var (code, output, _) = Moco.Run(Path.GetTempPath(), "completion", shell);

        Assert.Equal(0, code);
        Assert.StartsWith($"# moco completion {shell}: put this into ", output);
        Assert.Contains(expected, output);
    }
}
