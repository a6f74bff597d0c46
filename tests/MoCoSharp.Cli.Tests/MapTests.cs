using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco map: places of images as a table, a picture or a page.</summary>
public sealed class MapTests(SelectTests.TinyRun made) : IClassFixture<SelectTests.TinyRun>
{
    private string Folder => made.Folder;

    [Fact]
    public void CsvAndJson_HoldTheSamePlaces_WithNamesAndClasses()
    {
        Assert.Contains("map.csv: UMAP of 40 images, 15 neighbors, seed 0, trustworthiness 0.", Map("map.csv"));
        Map("map.json");

        var lines = File.ReadAllLines(Path.Combine(Folder, "map.csv"));
        var images = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "map.json")))!.AsArray();
        Assert.Equal("name,label,class,x,y", lines[0]);
        Assert.Equal(40, images.Count);
        Assert.Equal(
            images.Select(image => ($"{image!["name"]}", $"{image["class"]}", (float)image["x"]!, (float)image["y"]!)),
            lines[1..].Select(line => line.Split(',')).Select(cells => (
                cells[0], cells[2], float.Parse(cells[3], CultureInfo.InvariantCulture),
                float.Parse(cells[4], CultureInfo.InvariantCulture))));
        Assert.All(lines[1..], line => Assert.Equal(line.Split('/')[0], line.Split(',')[2])); // the folder is the class
    }

    [Fact]
    public void APage_LoadsNothing_AndShowsOddNamesAsText()
    {
        var photos = Directory.CreateDirectory(Path.Combine(Folder, "odd")).FullName;
        var any = Directory.GetFiles(Path.Combine(Folder, "photos"), "*.png", SearchOption.AllDirectories)[0];
        foreach (var name in new[] { "<script>.png", "a'b.png", "\u202egnp.png" })
        {
            File.Copy(any, Path.Combine(photos, name), overwrite: true);
        }

        var (code, _, error) = Moco.Run(Folder, "map", "run", "--data", "odd", "--by", "pca", "-o", "odd.html");
        Assert.True(code == 0, error);

        var page = File.ReadAllText(Path.Combine(Folder, "odd.html"));
        Assert.DoesNotContain("<script>.png", page, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202e", page, StringComparison.Ordinal);
        Assert.Contains("\\u003Cscript\\u003E.png", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page.Replace("http-equiv", ""), StringComparison.Ordinal);
        Assert.Equal(3, page.Split("data:image/jpeg").Length - 1);
    }

    [Fact]
    public void APicture_HasADotForAnImage_InTheColorOfItsClass()
    {
        Map("map.png");

        using var picture = ImageDecoder.ReadFile(Path.Combine(Folder, "map.png"));
        var colors = picture.AsSpan().ToArray().Chunk(3).Select(pixel => (pixel[0], pixel[1], pixel[2])).ToHashSet();
        Assert.Contains(((byte)0x2f, (byte)0x7e, (byte)0xd8), colors); // of the first class
        Assert.True(colors.Count >= 10, $"{colors.Count} colors");
    }

    [Fact]
    public void AllFaults_AreToldAtOnce()
    {
        var (code, _, error) = Moco.Run(
            Folder, "map", "run", "--by", "tsne", "-k", "0", "--part", "test", "-o", "map.pdf");

        Assert.Equal(2, code);
        Assert.All(
            ["--by is tsne", "-k is 0", "--part is test", "-o is map.pdf, expected a file that ends in .html, .png"],
            fault => Assert.Contains(fault, error));
    }

    private string Map(string file)
    {
        var (code, output, error) = Moco.Run(Folder, "map", "run", "--data", "photos/train", "-o", file, "--force");
        Assert.True(code == 0, error);
        return output;
    }
}
