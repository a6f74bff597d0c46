using System.Text;
using System.Text.RegularExpressions;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

public sealed partial class TerminalTests : IDisposable
{
    private static readonly string[] Tiny = [.. Moco.Tiny.Split(' '), "data=patterns:24"];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Theory]
    [InlineData(20, "xterm")]
    [InlineData(40, "xterm-256color")]
    [InlineData(80, "xterm")]
    [InlineData(200, "xterm")]
    [InlineData(0, "xterm")]
    public void Pretrain_OnATerminal_DrawsWithinTheWindow_AndTrainsToTheEnd(int columns, string term)
    {
        Terminal.Require();

        var (code, screen) = Terminal.Run(folder, columns, term, ["pretrain", "patterns", "--run", "run", "--set",
            .. Tiny]);

        Assert.True(code == 0, screen);
        Assert.Contains("done: 6 steps", screen);
        Assert.NotEmpty(Drawings(screen));
        Assert.All(Drawings(screen), drawing => Assert.InRange(drawing.Length, 0, (columns == 0 ? 80 : columns) - 1));
    }

    [Theory]
    [InlineData(20, "dumb")]
    [InlineData(80, "")]
    [InlineData(0, null)]
    public void Pretrain_OnATerminalThatCannotDraw_WritesPlainLines(int columns, string? term)
    {
        Terminal.Require();

        var (code, screen) = Terminal.Run(folder, columns, term, ["pretrain", "patterns", "--run", "run", "--set",
            .. Tiny]);

        Assert.True(code == 0, screen);
        Assert.Contains("done: 6 steps", screen);
        Assert.DoesNotContain('\r', screen.Replace("\r\n", "\n"));
        Assert.DoesNotContain('\e', screen);
    }

    [Fact]
    public void CtrlC_OnATerminal_SavesAndExits75_AndResumeGoesOn()
    {
        Terminal.Require();
        var screen = new StringBuilder();
        using var process = Terminal.Start(
            folder, 80, "xterm",
            ["pretrain", "patterns", "--run", "run", "--set", .. Tiny, "epochs=100000", "knn.everyEpochs=0"]);
        Terminal.Until(process, "loss", screen);

        process.StandardInput.Write('\x03');
        process.StandardInput.Flush();
        var (code, shown) = Terminal.Finish(process, screen);

        Assert.True(code == 75, shown);
        Assert.Matches(@"(^|\r|\n|\e\[J)moco: stopping after this step", shown); // on a line of its own
        Assert.Contains("stopped after", shown);
        (code, shown) = Terminal.Run(folder, 80, "xterm", "pretrain", "--resume", "--run", "run", "--steps", "1");
        Assert.True(code == 0, shown);
    }

    [Fact]
    public void AWindowThatBecomesNarrower_IsNotExceeded()
    {
        Terminal.Require();
        var screen = new StringBuilder();
        var moco = Terminal.Command([
            "pretrain", "patterns", "--run", "run", "--set", .. Tiny, "epochs=100000", "knn.everyEpochs=0",
        ]);
        using var process = Terminal.StartShell(
            folder,
            "stty cols 120 rows 24; (while kill -0 $$ && ! grep -qs '\"step\": *40' run/metrics.jsonl; do " +
            $"sleep 0.05; done; stty cols 30 < /dev/tty; touch narrow) & exec {moco}",
            "xterm");
        Terminal.Until(process, "images/s", screen);
        while (
            !File.Exists(Path.Combine(folder, "narrow"))
            || Drawings(screen.ToString(Math.Max(0, screen.Length - 400), Math.Min(400, screen.Length)))
                .TakeLast(4)
                .Any(drawing => drawing.Length > 29))
        {
            // until four in a row fit; a program that never heeds it is killed in the end
            var next = process.StandardOutput.Read();
            Assert.True(next >= 0, screen.ToString());
            screen.Append((char)next);
        }

        process.StandardInput.Write('\x03');
        process.StandardInput.Flush();
        var (code, shown) = Terminal.Finish(process, screen);

        Assert.True(code == 75, shown);
    }

    [Fact]
    public void EveryVerbThatDraws_FitsIntoANarrowWindow()
    {
        Terminal.Require();
        Write("photos/train", 24, first: 0);
        Write("photos/val", 4, first: 100);
        Draws(
            "pretrain",
            ["patterns", "--data", "photos", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "views.size=16"]);
        Draws("knn", ["run", "-k", "3"]);
        Draws("linear", ["run", "--epochs", "2"]);
        Draws("predict", ["run", "--data", "photos/val", "-o", "predictions.csv"]);
        Draws("linear", ["run", "--fast"]);
        Draws("finetune", ["run", "--epochs", "1"]);
        Draws("embed", ["run", "--data", "photos/train", "-o", "features.npy"]);
        Draws("pack", ["photos/train", "-o", "photos.pack"]);
        Draws("bench", ["data", "photos/train", "--images", "8"]);
        Draws("export", ["run", "--format", "safetensors", "-o", "encoder.safetensors"]);
        Draws("doctor", ["run"]);

        void Draws(string verb, string[] arguments)
        {
            var (code, screen) = Terminal.Run(folder, 40, "xterm", [verb, .. arguments]);
            Assert.True(code == 0, $"{verb}: {screen}");
            Assert.All(Drawings(screen), drawing => Assert.InRange(drawing.Length, 0, 39));
        }
    }

    [Theory]
    [InlineData("> /dev/full", 0)]
    [InlineData(">&-", 0)]
    [InlineData(">&- 2>&- <&-", 0)]
    [InlineData("2> /dev/full", 0)]
    public void ALogThatCannotBeWritten_DoesNotEndARun(string redirection, int expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "closes descriptors by a shell");
        var line = $"{Terminal.Command(["pretrain", "patterns", "--run", "run", "--set", .. Tiny])} {redirection}";

        var (code, _, error) = Moco.RunShell(folder, line);

        Assert.Equal(expected, code);
        Assert.True(File.Exists(Path.Combine(folder, "run", "checkpoints", "step-00000006.safetensors")), error);
        if (redirection == "> /dev/full")
        {
            Assert.Equal(1, error.Split("the log /dev/full cannot be written: No space left on device").Length - 1);
        }

        // What a verb has to say is all that it has: losing that is a failure.
        (code, _, error) = Moco.RunShell(folder, $"{Terminal.Command("inspect", "run")} > /dev/full");
        Assert.Equal(1, code);
        Assert.Contains("/dev/full", error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Write(string path, int count, int first)
    {
        for (var i = first; i < first + count; i++)
        {
            var image = Path.Combine(folder, path, i % 2 == 0 ? "even" : "odd", $"{i}.png");
            Directory.CreateDirectory(Path.GetDirectoryName(image)!);
            File.WriteAllBytes(
                image,
                ImageEncoder.Png(
                    new ImageBuffer(20, 20, [.. Enumerable.Range(0, 1200).Select(k => (byte)((k * (i + 3)) % 251))])));
        }
    }

    // What was drawn over: it begins where the line was erased, and no line end follows.
    private static List<string> Drawings(string screen) =>
        [.. Drawing().Matches(screen).Select(match => match.Groups["text"].Value).Where(text => text.Length > 0)];

    [GeneratedRegex(
        @"\r(?:\e\[\d*A\r)?(?:\e\[J)?(?<text>[^\r\n\e]*)(?=\r(?!\n)|\e)",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000
    )]
    private static partial Regex Drawing();
}
