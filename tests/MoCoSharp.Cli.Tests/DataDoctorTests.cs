using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco doctor --data.</summary>
public sealed class DataDoctorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public DataDoctorTests() => Directory.CreateDirectory(Path.Combine(folder, "photos"));

    [Fact]
    public void AFolderWithFaults_IsJudged_WithExamplesAndCures()
    {
        Photos(4);
        Write("blank.png", 64, 64, _ => 90);
        Write("tiny.png", 20, 24, i => (byte)(i * 37));
        Write("night.png", 64, 64, i => (byte)(i % 25));
        Write("<b>panorama</b>.png".Replace('/', '_'), 256, 40, i => (byte)(i * 37));
        File.WriteAllText(Path.Combine(folder, "photos", "broken.jpg"), "");
        File.Copy(Path.Combine(folder, "photos", "00.png"), Path.Combine(folder, "photos", "again.png"));

        var (code, output, error) = Moco.Run(folder, "doctor", "--data", "photos", "-o", "faults.json");

        Assert.True(code == 1, output + error);
        Assert.All(
            [
                "photos: 10 images: 9 PNG", "most common size: 40 x 40 (5 of them)",
                "problem: 1 image (10.0 %): broken",
                "blank.png: 64 x 64 pixels", "tiny.png: 20 x 24 pixels", "again.png: same file as 00.png",
                "night.png: brightness 4", "panorama", "  cure: ", "Problems found: see above. Nothing was changed.",
            ],
            part => Assert.Contains(part, output));
        var findings = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "faults.json")))!["findings"]!.AsArray();
        Assert.Equal(
            ["broken", "blank", "tiny", "duplicate", "dark", "shape"],
            findings.Select(finding => (string)finding!["finding"]!));

        Assert.Equal(
            1, Moco.Run(folder, "doctor", "--data", "photos", "-o", "faults.csv").ExitCode);
        Assert.Contains(
            "tiny.png,tiny,true,20 x 24 pixels,photos/tiny.png",
            File.ReadAllLines(Path.Combine(folder, "faults.csv")));
        Assert.Equal(1, Moco.Run(folder, "doctor", "--data", "photos", "-o", "faults.html").ExitCode);
        var page = File.ReadAllText(Path.Combine(folder, "faults.html"));
        Assert.Contains("&lt;b&gt;panorama", page);
        Assert.Contains("cannot be read", page);
        Assert.DoesNotContain("<b>", page);
    }

    [Fact]
    public void AGoodFolder_HasNoProblem()
    {
        Photos(6);

        var (code, output, error) = Moco.Run(folder, "doctor", "--data", "photos");

        Assert.True(code == 0, output + error);
        Assert.Contains("photos: 6 images: 6 PNG\nall are 40 x 40 pixels", output);
        Assert.EndsWith("no problem found.\n", output);
    }

    [Fact]
    public void OptionsThatDoNotFit_AreRefused()
    {
        var (code, _, error) = Moco.Run(folder, "doctor", "run", "--data", "photos");
        Assert.Equal(2, code);
        Assert.Contains("a run or images, not both", error);

        (code, _, error) = Moco.Run(folder, "doctor", "run", "-o", "a.json");
        Assert.Equal(2, code);
        Assert.Contains("-o requires --data", error);

        (code, _, error) = Moco.Run(folder, "doctor", "photos");
        Assert.Equal(1, code);
        Assert.Contains("photos is not a run folder", error);
        Assert.Contains("`moco doctor --data photos`", error);

        Photos(2);
        (code, _, error) = Moco.Run(folder, "doctor", "--data", "photos", "-o", "a.txt");
        Assert.Equal(2, code);
        Assert.Contains("-o is a.txt, expected a file that ends in .json, .csv or .html", error);
    }

    [Fact]
    public void CtrlC_EndsWith75()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var process = Moco.Start(folder, "doctor", "--data", "patterns:4000000");
        var said = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line && !line.Contains("images read", StringComparison.Ordinal))
        {
            said.Add(line);
        }

        Moco.Signal(process, "INT");
        process.StandardOutput.ReadToEnd();

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.True(process.ExitCode == 75, string.Join('\n', said));
        Assert.Contains(
            "moco: stopping; nothing is written; a second Ctrl-C ends at once.", process.StandardError.ReadToEnd());
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Photos(int count)
    {
        var images = new Patterns(count, 40, seed: 5);
        for (var i = 0; i < count; i++)
        {
            File.WriteAllBytes(
                Path.Combine(folder, "photos", $"{i:D2}.png"), ImageEncoder.Png(images.Read(i).Image));
        }
    }

    private void Write(string name, int width, int height, Func<int, byte> value)
    {
        byte[] pixels = [.. Enumerable.Range(0, 3 * width * height).Select(value)];
        File.WriteAllBytes(
            Path.Combine(folder, "photos", name), ImageEncoder.Png(new ImageBuffer(width, height, pixels)));
    }
}
