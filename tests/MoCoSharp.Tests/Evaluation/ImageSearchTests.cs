using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Encoders;
using MoCoSharp.Evaluation;
using MoCoSharp.Models;
using TorchSharp;

namespace MoCoSharp.Tests.Evaluation;

public sealed class ImageSearchTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly TrainedEncoder trained;

    public ImageSearchTests()
    {
        using var random = new torch.Generator(5);
        var encoder = new Encoder(
            new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.Linear },
            8,
            bnGroups: 1,
            random);
        trained = new TrainedEncoder(
            encoder, new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 16 }, 0, EncoderRole.Query, "a test");
        var pictures = new Patterns(12, 20, seed: 4);
        Directory.CreateDirectory(Photos);
        for (var i = 0; i < 12; i++)
        {
            using var image = pictures.Read(i).Image;
            File.WriteAllBytes(Path.Combine(Photos, $"{i:D2}.png"), ImageEncoder.Png(image));
        }
    }

    private string Photos => Path.Combine(folder, "photos");

    [Fact]
    public void Find_AgreesWithANaiveDoubleLoop_AndLeavesTheQueryOut()
    {
        var images = ImageFolder.Open(Photos);

        var result = new ImageSearch(trained, images).Find(["03.png", "07.png"], k: 4);

        Assert.Equal(["03.png", "07.png"], result.Queries.Select(query => query.Name));
        Assert.Equal((12, 12, 0), (result.Images, result.Computed, result.UnreadQueries));
        using var features = trained.Extract(images);
        var rows = Rows(features.Values);
        foreach (var query in result.Queries)
        {
            var expected = Enumerable.Range(0, 12).Where(row => row != query.Index)
                .Select(row => (Name: images.NameOf(row), Similarity: Dot(rows[row], rows[query.Index])))
                .OrderByDescending(item => item.Similarity).Take(4).ToList();
            Assert.Equal(expected.Select(item => item.Name), query.Neighbors.Select(neighbor => neighbor.Name));
            Assert.All(
                expected.Zip(query.Neighbors),
                pair => Assert.Equal(pair.First.Similarity, pair.Second.Similarity, 1e-5));
            Assert.All(query.Neighbors, neighbor => Assert.Equal(images.NameOf(neighbor.Index), neighbor.Name));
        }
    }

    [Fact]
    public void AQueryThatIsAFileOfTheSet_IsNotItsOwnNeighbor_UnlessAskedFor()
    {
        File.Copy(Path.Combine(Photos, "03.png"), Path.Combine(Photos, "03 copy.png"));
        var path = Path.Combine(Photos, "..", "photos", "03.png");
        var images = ImageFolder.Open(Photos);

        var others = new ImageSearch(trained, images).Find([path], k: 2).Queries.Single();
        var all = new ImageSearch(trained, images) { IncludesItself = true }.Find([path], k: 2).Queries.Single();

        Assert.Equal(path, others.Name);
        Assert.Equal("03 copy.png", others.Neighbors[0].Name); // an equal image is another image
        Assert.Equal(1, others.Neighbors[0].Similarity, 1e-6);
        Assert.Equal(["03 copy.png", "03.png"], all.Neighbors.Select(neighbor => neighbor.Name));
    }

    [Fact]
    public void AQueryOfTheSet_IsNotItsOwnNeighbor_ThoughALinkLeadsToIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights there");
        var link = Path.Combine(folder, "link");
        Directory.CreateSymbolicLink(link, Photos);

        var byLink = new ImageSearch(trained, ImageFolder.Open(Photos)).Find([Path.Combine(link, "03.png")], k: 12);
        var ofLink = new ImageSearch(trained, ImageFolder.Open(link)).Find([Path.Combine(Photos, "03.png")], k: 12);

        Assert.All([byLink, ofLink], result =>
        {
            var neighbors = Assert.Single(result.Queries).Neighbors;
            Assert.Equal(11, neighbors.Count);
            Assert.DoesNotContain("03.png", neighbors.Select(neighbor => neighbor.Name));
        });
    }

    [Fact]
    public void AQueryThatIsALinkInTheSet_IsNotItsOwnNeighbor_ThoughItsFileHasAnotherName()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights there");
        var stored = Path.Combine(folder, "SHA256-1234.png"); // as git-annex and other stores keep files
        var link = Path.Combine(Photos, "03.png");
        File.Move(link, stored);
        File.CreateSymbolicLink(link, stored);

        var result = new ImageSearch(trained, ImageFolder.Open(Photos)).Find([link], k: 12);

        var neighbors = Assert.Single(result.Queries).Neighbors;
        Assert.Equal(11, neighbors.Count);
        Assert.DoesNotContain("03.png", neighbors.Select(neighbor => neighbor.Name));
    }

    [Fact]
    public void FilesFromElsewhere_AndFolders_AreQueries_AndBrokenOnesAreCounted()
    {
        var elsewhere = Directory.CreateDirectory(Path.Combine(folder, "elsewhere")).FullName;
        File.Copy(Path.Combine(Photos, "05.png"), Path.Combine(elsewhere, "a.png"));
        File.WriteAllText(Path.Combine(elsewhere, "b.png"), "no image");
        File.Copy(Path.Combine(Photos, "06.png"), Path.Combine(elsewhere, "c.png"));
        var (broken, images) = (new List<BadImage>(), ImageFolder.Open(Photos));
        var search = new ImageSearch(trained, images) { BadImageFound = broken.Add };

        var result = search.Find([elsewhere, Path.Combine(elsewhere, "a.png"), "09.png"], k: 1);

        Assert.Equal(
            ["09.png", Path.Combine(elsewhere, "a.png"), Path.Combine(elsewhere, "c.png")],
            result.Queries.Select(query => query.Name));
        Assert.Equal(1, result.UnreadQueries);
        Assert.Equal(Path.Combine(elsewhere, "b.png"), Assert.Single(broken).Name);
        Assert.Equal(["05.png", "06.png"], result.Queries.Skip(1).Select(query => query.Neighbors[0].Name));
        Assert.All(result.Queries.Skip(1), query => Assert.Equal(query.Name, query.Source.NameOf(query.Index)));
    }

    [Fact]
    public void MoreNeighborsThanImages_AreAllOthers()
    {
        var query = new ImageSearch(trained, ImageFolder.Open(Photos)).Find(["00.png"], k: 100).Queries.Single();

        Assert.Equal(11, query.Neighbors.Count);
        Assert.Equal(query.Neighbors.OrderByDescending(neighbor => neighbor.Similarity), query.Neighbors);
    }

    [Fact]
    public void QueriesThatNameNoImage_AreFaults_BeforeAnythingIsRead()
    {
        var empty = Directory.CreateDirectory(Path.Combine(folder, "empty")).FullName;
        var search = new ImageSearch(trained, ImageFolder.Open(Photos));

        var faults = search.Validate(["03.png", "beach.jpg", empty]);

        Assert.Equal(2, faults.Count);
        Assert.Contains("beach.jpg: there is no such file or folder, and ", faults[0]);
        Assert.Contains("A name of it is 00.png.", faults[0]);
        Assert.Contains($"{empty}: no images in this folder", faults[1]);
        Assert.Throws<ArgumentException>(() => search.Find(["beach.jpg"], 1));
    }

    [Fact]
    public void QueriesThatCannotBeRead_AreAnError()
    {
        var path = Path.Combine(folder, "broken.png");
        File.WriteAllText(path, "no image");

        var error = Assert.Throws<InvalidDataException>(
            () => new ImageSearch(trained, ImageFolder.Open(Photos)).Find([path], 1));

        Assert.Contains("None of the 1 query images can be read", error.Message);
    }

    public void Dispose()
    {
        trained.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static double[][] Rows(torch.Tensor values) =>
        [.. HostMemory.Floats(values).Chunk((int)values.shape[1]).Select(row => row.Select(x => (double)x).ToArray())];

    private static double Dot(double[] first, double[] second) => first.Zip(second, (a, b) => a * b).Sum();
}
