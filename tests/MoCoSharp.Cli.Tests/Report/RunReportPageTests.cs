using System.Text.RegularExpressions;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Tests.Report;

public sealed partial class RunReportPageTests
{
    private const int MostBytes = 8_000_000;

    [Fact]
    public void TheParts_StandInTheOrderOfAReader()
    {
        var page = RunReportPage.Create(SampleReport.Create());

        Assert.Equal(
            [
                "Curves", "Nearest neighbors", "Map", "Sample views", "Clusters", "Near duplicates", "Evaluations",
                "Worst mistakes", "Health", "Configuration and versions",
            ],
            Heading().Matches(page).Select(match => match.Groups["title"].Value));
        Assert.StartsWith("Worth it: kNN", page[(page.IndexOf("verdict\">", StringComparison.Ordinal) + 9)..]);
    }

    [Fact]
    public void APartWithoutData_IsLeftOut_WithTheReason()
    {
        var report = new RunReport
        {
            Name = "mine",
            Verdict = ["No verdict yet."],
            LeftOut = new Dictionary<ReportPart, string>
            {
                [ReportPart.Map] = "the folder <photos> is gone.",
            },
        };

        var page = RunReportPage.Create(report);

        Assert.Equal("Configuration and versions", Assert.Single(Heading().Matches(page)).Groups["title"].Value);
        Assert.Contains("<p class=\"quiet left-out\">Map: the folder &lt;photos&gt; is gone.</p>", page);
        Assert.InRange(page.Length, 1, 100_000); // no library for charts that are not there
    }

    [Fact]
    public void NamesFromOutside_AreTextEverywhere()
    {
        var page = RunReportPage.Create(SampleReport.Create());

        Assert.DoesNotContain("<script>alert", page);
        Assert.DoesNotContain("<img src=x", page);
        Assert.DoesNotContain("<b>stripes", page);
        Assert.DoesNotContain("<i>cat", page);
        Assert.DoesNotContain("<photos>", page);
        Assert.DoesNotContain("<jumps>", page);
        Assert.DoesNotContain("<60>", page);
        Assert.DoesNotContain("<run>", page);
        Assert.DoesNotContain('\u202e', page);
        Assert.Equal(3, page.Split("</script").Length - 1); // the library, the data, and the page's own
        Assert.Equal(3, page.Split("<script>").Length - 1);
        Assert.Contains("\\u003Cscript\\u003Ealert(1)\\u003C/script\\u003E.jpg", page); // the name, in the data
    }

    [Fact]
    public void Clusters_ShowTheirSize_AndTheirMostFrequentClass()
    {
        var page = RunReportPage.Create(SampleReport.Create());

        Assert.Contains("<b>cluster 1</b>: 40 images, 50 % of them <bdi>&lt;b&gt;stripes&lt;/b&gt;</bdi></p>", page);
        Assert.Contains("<b>cluster 2</b>: 20 images</p>", page); // without labels
    }

    [Fact]
    public void NearDuplicates_AreNeverShownAsEqual_AndDifferentLabelsStandOut()
    {
        var page = RunReportPage.Create(SampleReport.Create());

        Assert.Contains("<code>moco duplicates &#39;&lt;run&gt;&#39;</code> finds all.", page);
        Assert.Contains(
            "<p>cosine 0.9999<br><b><bdi>&lt;b&gt;stripes&lt;/b&gt;</bdi>, <bdi>checks</bdi></b></p>", page);
        Assert.Contains("<p>cosine 0.9700</p>", page); // 2 and 12 have one class
    }

    [Fact]
    public void AMistake_ShowsItsLabel_ThePrediction_AndWhoVoted()
    {
        var page = RunReportPage.Create(SampleReport.Create());

        Assert.Contains("40 of 60 get their label (66.7 %).", page);
        var mistake = page[page.IndexOf("<div class=\"mistake\">", StringComparison.Ordinal)..];
        Assert.StartsWith(
            "<div class=\"mistake\"><p>labeled <b><bdi>checks</bdi></b>, " +
            "predicted <b><bdi>&lt;b&gt;stripes&lt;/b&gt;</bdi></b> (75 %)</p>",
            mistake);
        Assert.Equal(
            ["query", "other", "other"],
            Figures().Matches(mistake).Take(3).Select(match => match.Groups["kind"].Value));
    }

    [Theory]
    [InlineData("Run `moco <a>` now.", "Run <code>moco &lt;a&gt;</code> now.")]
    [InlineData("`a` and `b`", "<code>a</code> and <code>b</code>")]
    [InlineData("a `lost one", "a `lost one")]
    [InlineData("`a` and a `lost one", "<code>a</code> and a `lost one")]
    public void BackticksOfASentence_MarkCommands(string sentence, string markup) =>
        Assert.Equal(markup, HtmlText.Sentence(sentence));

    [Fact]
    public void APageOf3000NoisyImages_IsSmallerThan8MB()
    {
        var random = new Random(1);
        var noise = new byte[3 * 200 * 200];
        random.NextBytes(noise);
        var images = new InMemoryImages(
            "noise", [.. Enumerable.Range(0, 3000).Select(i => i % 10)],
            [.. Enumerable.Range(0, 10).Select(i => $"class {i}")], Cut, i => $"{new string('n', 60)}{i}.jpg");
        var indices = Enumerable.Range(0, 3000).ToArray();
        var report = SampleReport.Create() with
        {
            Map = new FeaturePlot(
                "noise", [.. Enumerable.Range(1, 5).Select(Stage)],
                [.. indices.Select(images.LabelOf)], images.ClassNames, [.. indices.Select(images.NameOf)],
                ThumbnailSheet.Create(images, indices, upright: false, side: 48, mostBytes: 1_300_000)),
            Neighbors = new NeighborHistory(
                3000, [.. indices.Take(248).Select(i => new PageImage(images.NameOf(i), "class"))],
                [new("before training", [])],
                ThumbnailSheet.Create(images, indices[..248], upright: false, side: 96, mostBytes: 800_000)),
        };

        report = report with
        {
            Pictures = new PictureSheet( // 140 exemplars, 24 of pairs, 84 of mistakes
                [.. indices.Take(248).Select(i => new PageImage(images.NameOf(i), "class"))],
                ThumbnailSheet.Create(images, indices[..248], upright: false, side: 96, mostBytes: 800_000)),
        };
        Assert.InRange(RunReportPage.Create(report).Length, 2_000_000, MostBytes);

        PlotStage Stage(int number) => new(
            $"after {number} epochs", [.. indices.Select(_ => MathF.Round(20 * random.NextSingle(), 3))],
            [.. indices.Select(_ => MathF.Round(20 * random.NextSingle(), 3))]);

        // Another part of the noise for each image.
        ImageBuffer Cut(int index)
        {
            var pixels = new byte[3 * 96 * 96];
            noise.AsSpan(index * 7, pixels.Length).CopyTo(pixels);
            return new ImageBuffer(96, 96, pixels);
        }
    }

    [Fact]
    public void TheChartLibrary_KeepsItsNoticeOfLicense()
    {
        var library = PageAssets.Plotly;

        Assert.Contains("Copyright 2012", library[..400]);
        Assert.Contains("MIT", library[..400]);
        Assert.DoesNotContain("</script", library, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Mistakes_AreTheMostFrequentFirst()
    {
        // 6 dogs, 2 of them taken for cats; 4 cats, 1 of them taken for a dog
        var confusion = new Confusion("confusion", ["cat", "dog"], [[3, 1], [2, 4]]);

        Assert.Equal(
            [("dog", "cat", 2, 2 / 6.0), ("cat", "dog", 1, 1 / 4.0)],
            confusion.Mistakes(10));
        Assert.Single(confusion.Mistakes(1));
    }

    [Fact]
    public void ASheet_HoldsTheCentralSquareOfEachImage_AndGrayForABrokenOne()
    {
        // Left and right quarters are white, and cut off.
        var pixels = new byte[3 * 96 * 48];
        pixels.AsSpan().Fill(255);
        for (var y = 0; y < 48; y++)
        {
            pixels.AsSpan(3 * ((96 * y) + 24), 3 * 48).Clear();
        }

        var images = new InMemoryImages(
            "images", [-1, -1], [],
            i => i == 0 ? new ImageBuffer(96, 48, [.. pixels]) : throw new BrokenImageException("broken"), i => $"{i}");

        var sheet = ThumbnailSheet.Create(images, [0, 1], upright: false, side: 48, mostBytes: 100_000);

        Assert.Equal((2, 1), (sheet.Columns, sheet.Rows));
        using var drawn = ImageDecoder.Decode(Convert.FromBase64String(sheet.Uri.Split(',')[1]), "sheet");
        Assert.Equal((96, 48), (drawn.Width, drawn.Height));
        Assert.InRange(drawn.AsSpan()[3 * ((96 * 24) + 20)], 0, 12);
        Assert.InRange(drawn.AsSpan()[3 * ((96 * 24) + 80)], 120, 136);
    }

    [GeneratedRegex("<h2[^>]*>(?<title>[^<]*)</h2>", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Heading();

    [GeneratedRegex(
        "<figure class=\"(?<kind>[^\"]*)\">", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Figures();
}
