using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class ImageFeatureStoreTests : IDisposable
{
    private static readonly ViewTransform View = ViewRecipes.Evaluation(
        new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 16 });

    private static readonly Patterns Pictures = new(20, 20, seed: 4);

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly Encoder encoder = NewEncoder(seed: 7);
    private readonly List<string> notes = [];
    private readonly List<BadImage> broken = [];

    public ImageFeatureStoreTests()
    {
        Directory.CreateDirectory(Photos);
        for (var i = 0; i < 6; i++)
        {
            Put($"{i}.png", i);
        }
    }

    private string Photos => Path.Combine(folder, "photos");

    private string Cache => Path.Combine(folder, "cache");

    [Fact]
    public void UnchangedImages_AreFoundToTheBit_AndAreThoseOfThePlainExtraction()
    {
        using var computed = Get();
        using var found = Get();
        using var plain = FeatureExtractor.Extract(
            encoder, ImageFolder.Open(Photos), View, FeatureLayer.Pooled, new LoaderOptions { Workers = 1 }, CPU);

        Assert.Equal((6, 0), (computed.Computed, found.Computed));
        Assert.Equal(HostMemory.Floats(plain.Values), HostMemory.Floats(computed.Values));
        Assert.Equal(HostMemory.Floats(plain.Values), HostMemory.Floats(found.Values));
        Assert.Equal(plain.Names, found.Names);
        Assert.Equal(plain.Indices, found.Indices);
        Assert.Single(Directory.GetFiles(Cache));
        Assert.Empty(notes);
    }

    [Fact]
    public void AnAddedImage_IsTheOnlyOneComputed()
    {
        Get().Dispose();
        Put("2b.png", 9);

        using var features = Get();

        Assert.Equal(1, features.Computed);
        Assert.Equal(["0.png", "1.png", "2.png", "2b.png", "3.png", "4.png", "5.png"], features.Names);
        AssertAsComputedAnew(features);
    }

    [Fact]
    public void AChangedImage_IsComputedAnew()
    {
        Get().Dispose();
        Put("3.png", 9);

        using var features = Get();

        Assert.Equal(1, features.Computed);
        AssertAsComputedAnew(features);
    }

    [Fact]
    public void ARemovedImage_DropsOut_AndARenamedOneIsNotComputed()
    {
        Get().Dispose();
        File.Delete(Path.Combine(Photos, "1.png"));
        File.Move(Path.Combine(Photos, "0.png"), Path.Combine(Photos, "last.png"));

        using var features = Get();

        Assert.Equal(0, features.Computed);
        Assert.Equal(["2.png", "3.png", "4.png", "5.png", "last.png"], features.Names);
        AssertAsComputedAnew(features);
        using var stored = SafeTensors.Read(Directory.GetFiles(Cache).Single());
        Assert.Equal([5, 6], stored.Tensors["images"].shape);
    }

    [Fact]
    public void ImagesOfAnotherFolder_AreFoundByTheirContent()
    {
        Get().Dispose();
        Directory.Move(Photos, Path.Combine(folder, "moved"));

        using var features = Get(ImageFolder.Open(Path.Combine(folder, "moved")));

        Assert.Equal(0, features.Computed);
        Assert.Equal(2, Directory.GetFiles(Cache).Length);
    }

    [Fact]
    public void PartsOfADataSet_HaveFilesOfTheirOwn_AndTakeFromThatOfTheWhole()
    {
        var whole = ImageFolder.Open(Photos);
        IImageDataset[] sets = [whole, ImageSubset.Of(whole, [0, 2, 4]), ImageSubset.Of(whole, [1, 2])];
        Get().Dispose();
        for (var time = 0; time < 2; time++)
        {
            foreach (var set in sets)
            {
                using var features = Get(set);

                Assert.Equal((0, set.Count), (features.Computed, features.Indices.Length));
                AssertAsComputedAnew(features, set);
            }
        }

        Assert.Equal(3, Directory.GetFiles(Cache).Length);
    }

    [Fact]
    public void AnotherEncoderViewOrLayer_HasAFileOfItsOwn()
    {
        using var other = NewEncoder(seed: 8);
        var view = ViewRecipes.Evaluation(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 24 });
        var photos = ImageFolder.Open(Photos);
        Get().Dispose();

        foreach (var store in new ImageFeatureStore[]
        {
            new(Cache, other, View, FeatureLayer.Pooled), new(Cache, encoder, view, FeatureLayer.Pooled),
            new(Cache, encoder, View, FeatureLayer.Head),
        })
        {
            using var features = store.Get(photos);
            Assert.Equal(6, features.Computed);
        }

        Assert.Equal(4, Directory.GetFiles(Cache).Length);
    }

    [Fact]
    public void AFileOfTheSameNameLengthAndTime_IsNotReadAgain()
    {
        var path = Path.Combine(Photos, "3.png");
        var lastYear = DateTime.UtcNow.AddYears(-1);
        File.SetLastWriteTimeUtc(path, lastYear);
        Get().Dispose();
        File.WriteAllBytes(path, new byte[new FileInfo(path).Length]); // no image any more
        File.SetLastWriteTimeUtc(path, lastYear);

        using (var features = Get())
        {
            Assert.Equal((0, 6), (features.Computed, features.Indices.Length));
        }

        File.SetLastWriteTimeUtc(path, lastYear.AddSeconds(1));
        using (var features = Get())
        {
            Assert.Equal((0, 5), (features.Computed, features.Indices.Length));
        }
    }

    [Theory]
    [InlineData(5000, 1)]
    [InlineData(5001, 0)]
    public void AFileOfTheSameName_WithAnotherLengthOrTime_IsComputedAnew(int length, int secondsLater)
    {
        var lastYear = DateTime.UtcNow.AddYears(-1);
        PutPadded(picture: 3, length: 5000, lastYear);
        Get().Dispose();
        PutPadded(picture: 9, length, lastYear.AddSeconds(secondsLater));

        using var features = Get();

        Assert.Equal(1, features.Computed);
        AssertAsComputedAnew(features);

        void PutPadded(int picture, int length, DateTime written)
        {
            Put("3.png", picture);
            var path = Path.Combine(Photos, "3.png");
            using (var file = File.OpenWrite(path))
            {
                file.SetLength(length); // a decoder ignores bytes behind the end of a PNG
            }

            File.SetLastWriteTimeUtc(path, written);
        }
    }

    [Fact]
    public void EqualImages_AreComputedOnce()
    {
        Put("0 again.png", 0);
        Put("0 once more.png", 0);
        var most = 0L;

        using var features = NewStore((phase, _, total) => most = phase.StartsWith('f') ? Math.Max(most, total) : most)
            .Get(ImageFolder.Open(Photos));

        Assert.Equal(6, most);
        Assert.Equal(8, features.Indices.Length);
        AssertAsComputedAnew(features);
    }

    [Fact]
    public void BrokenImages_AreLeftOut_AndNamedEachTime_AlsoIfTwoAreEqual()
    {
        File.WriteAllText(Path.Combine(Photos, "1b.jpg"), "no image");
        File.WriteAllText(Path.Combine(Photos, "4b.jpg"), "no image");
        for (var time = 0; time < 2; time++)
        {
            broken.Clear();

            using var features = Get();

            Assert.Equal([0, 1, 3, 4, 5, 7], features.Indices);
            Assert.Equal(["1b.jpg", "4b.jpg"], broken.Select(bad => bad.Name).Order());
            Assert.Equal([2, 6], broken.Select(bad => bad.Index).Order());
            AssertAsComputedAnew(features);
        }
    }

    [Fact]
    public void WithoutAReadableImage_TheSetIsRefused()
    {
        Directory.Delete(Photos, recursive: true);
        Directory.CreateDirectory(Photos);
        File.WriteAllText(Path.Combine(Photos, "a.jpg"), "no image");

        var error = Assert.Throws<InvalidDataException>(() => Get());

        Assert.Contains("none of its 1 images can be read", error.Message);
        Assert.False(Directory.Exists(Cache));
    }

    [Theory]
    [InlineData("torn", "cut short")]
    [InlineData("empty", "8 bytes")]
    [InlineData("text", "header is said")]
    [InlineData("of another encoder", "another encoder")]
    [InlineData("without images", "names no images")]
    [InlineData("of another width", "features of 32 values")]
    [InlineData("not finite", "not finite")]
    [InlineData("too long", "not of length 1")]
    public void AFileThatCannotBeUsed_IsComputedAnew_WithANote(string fault, string reason)
    {
        Get().Dispose();
        Spoil(Directory.GetFiles(Cache).Single(), fault);

        using var features = Get();
        using var again = Get();

        Assert.Equal((6, 0), (features.Computed, again.Computed));
        var note = Assert.Single(notes);
        Assert.Contains(reason, note);
        Assert.EndsWith("Its features are computed again.", note);
        AssertAsComputedAnew(features);
    }

    [Fact]
    public void AFolderThatTakesNothing_CostsTheFile_NotTheFeatures()
    {
        File.WriteAllText(Cache, ""); // a file where the folder should be

        using var features = Get();

        Assert.Equal(6, features.Indices.Length);
        Assert.Contains("were not stored", Assert.Single(notes));
    }

    [Fact]
    public void WithoutAFolder_NothingIsStored()
    {
        using var features = new ImageFeatureStore(null, encoder, View, FeatureLayer.Pooled)
            .Get(ImageFolder.Open(Photos));

        AssertAsComputedAnew(features);
        Assert.False(Directory.Exists(Cache));
    }

    [Fact]
    public void WhatIsComputedBeforeACancellation_IsStored()
    {
        var many = new Patterns(600, 16, seed: 3); // batches of 256
        using var stop = new CancellationTokenSource();
        var store = NewStore((phase, _, _) =>
        {
            if (phase.StartsWith('f'))
            {
                stop.Cancel();
            }
        });

        Assert.Throws<OperationCanceledException>(() => store.Get(many, stop.Token));

        using var features = Get(many);
        Assert.InRange(features.Computed, 0, 600 - 256);
        Assert.Equal(600, features.Indices.Length);
        AssertAsComputedAnew(features, many);
    }

    [Fact]
    public async Task ProcessesThatWriteAtOnce_LeaveAWholeFile()
    {
        Directory.CreateDirectory(Cache);
        var path = Path.Combine(Cache, "images.safetensors");
        ImageIdentity[] images = [.. Enumerable.Range(1, 500).Select(i => new ImageIdentity((UInt128)i, 0, i, i))];
        using var values = nn.functional.normalize(ones(500, 4), dim: 1).DetachFromDisposeScope();
        var torn = 0;

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10; i++)
            {
                StoredFeatures.Write(path, "a test", images, values);
                using var read = StoredFeatures.Read(path, "a test", 4, noted: null);
                Interlocked.Add(ref torn, read is null ? 1 : 0);
            }
        })));

        if (!OperatingSystem.IsWindows()) // there, a file that is being replaced cannot be opened for a moment
        {
            Assert.Equal(0, torn);
        }

        Assert.Equal([path], Directory.GetFiles(Cache));
        using var last = StoredFeatures.Read(path, "a test", 4, noted: null);
        Assert.Equal(images, last!.Images);
        Assert.Equal([0.5f, 0.5f, 0.5f, 0.5f], last.Row(499).ToArray());
    }

    public void Dispose()
    {
        encoder.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static Encoder NewEncoder(ulong seed)
    {
        using var random = new Generator(seed);
        return new Encoder(
            new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.Linear },
            8,
            bnGroups: 1,
            random);
    }

    private void Put(string name, int picture)
    {
        using var image = Pictures.Read(picture).Image;
        File.WriteAllBytes(Path.Combine(Photos, name), ImageEncoder.Png(image));
    }

    private static void Spoil(string path, string fault)
    {
        if (fault is "torn" or "empty" or "text")
        {
            var whole = File.ReadAllBytes(path);
            File.WriteAllBytes(
                path, fault == "torn" ? whole[..^40] : fault == "empty" ? [] : "features of my photos"u8.ToArray());
            return;
        }

        using var file = SafeTensors.Read(path);
        var metadata = file.Metadata.ToDictionary(item => item.Key, item => item.Value);
        var tensors = file.Tensors.ToDictionary(item => item.Key, item => item.Value);
        using var scope = NewDisposeScope();
        switch (fault)
        {
            case "of another encoder":
                metadata["madeBy"] = metadata["madeBy"].Replace("weights ", "weights 0");
                break;
            case "without images":
                tensors.Remove("images");
                break;
            case "of another width":
                tensors["features.0"] = tensors["features.0"].narrow(1, 0, 5);
                break;
            case "not finite":
                tensors["features.0"].fill_(float.NaN);
                break;
            default:
                tensors["features.0"].fill_(1e30f);
                break;
        }

        using var stream = File.Create(path);
        SafeTensors.Write(stream, [.. tensors.Select(item => (item.Key, item.Value))], metadata);
    }

    private ImageFeatureStore NewStore(Action<string, long, long>? progress = null) =>
        new(Cache, encoder, View, FeatureLayer.Pooled)
        {
            Loader = new LoaderOptions { Workers = 1 },
            Progress = progress,
            Noted = notes.Add,
            BadImageFound = bad =>
            {
                lock (broken)
                {
                    broken.Add(bad);
                }
            },
        };

    private FeatureSet Get(IImageDataset? data = null) => NewStore().Get(data ?? ImageFolder.Open(Photos));

    // Without the cache, image by image.
    private void AssertAsComputedAnew(FeatureSet features, IImageDataset? data = null)
    {
        using var plain = FeatureExtractor.Extract(
            encoder, data ?? ImageFolder.Open(Photos), View, FeatureLayer.Pooled, new LoaderOptions { Workers = 1 },
            CPU);
        Assert.Equal(plain.Names, features.Names);
        Assert.All(
            HostMemory.Floats(plain.Values).Zip(HostMemory.Floats(features.Values)),
            pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }
}
