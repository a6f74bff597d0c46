using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class FeatureCacheTests : IDisposable
{
    private static readonly Patterns Images = new(12, 32, seed: 1);

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly Encoder encoder;
    private int extractions;

    public FeatureCacheTests() => encoder = NewEncoder(seed: 7);

    [Fact]
    public void TheSameWeightsImagesViewAndLayer_AreExtractedOnce_AndFoundToTheBit()
    {
        using var made = Get(encoder, Images, 32, FeatureLayer.Pooled);
        using var found = Get(encoder, new Patterns(12, 32, seed: 1), 32, FeatureLayer.Pooled);

        Assert.Equal(1, extractions);
        Assert.Equal(HostMemory.Floats(made.Values), HostMemory.Floats(found.Values));
        Assert.Equal(made.Labels, found.Labels);
        Assert.Equal(made.Indices, found.Indices);
    }

    [Fact]
    public void OtherWeightsImagesViewLayerOrPrecision_AreExtractedAnew()
    {
        using var other = NewEncoder(seed: 8);
        Get(encoder, Images, 32, FeatureLayer.Pooled).Dispose();
        Get(other, Images, 32, FeatureLayer.Pooled).Dispose();
        Get(encoder, new Patterns(12, 32, seed: 2), 32, FeatureLayer.Pooled).Dispose();
        Get(encoder, Images, 24, FeatureLayer.Pooled).Dispose();
        Get(encoder, Images, 32, FeatureLayer.Head).Dispose();
        encoder.Precision = Precision.Bf16;
        Get(encoder, Images, 32, FeatureLayer.Pooled).Dispose();

        Assert.Equal(6, extractions);
        Assert.Equal(6, Directory.GetFiles(folder).Length);
    }

    [Theory]
    [InlineData("torn")]
    [InlineData("of another")]
    [InlineData("empty")]
    public void ASpoiltFile_IsMadeAnew(string fault)
    {
        Get(encoder, Images, 32, FeatureLayer.Pooled).Dispose();
        var kept = Assert.Single(Directory.GetFiles(folder));
        if (fault == "of another")
        {
            Get(encoder, Images, 32, FeatureLayer.Head).Dispose();
            File.Copy(Directory.GetFiles(folder).Single(path => path != kept), kept, overwrite: true);
        }
        else
        {
            File.WriteAllBytes(kept, File.ReadAllBytes(kept)[..(fault == "torn" ? 300 : 0)]);
        }

        var before = extractions;
        Get(encoder, Images, 32, FeatureLayer.Pooled).Dispose();
        Get(encoder, Images, 32, FeatureLayer.Pooled).Dispose();

        Assert.Equal(before + 1, extractions);
    }

    [Fact]
    public void AFolderThatTakesNothing_CostsTheFile_NotTheFeatures()
    {
        var file = Path.Combine(folder, "no folder");
        File.WriteAllText(file, "");
        var view = ViewRecipes.Evaluation(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 });
        var told = new List<string>();

        using var features = new FeatureCache(file).Get(
            encoder, Images, view, FeatureLayer.Pooled,
            () =>
                FeatureExtractor.Extract(
                    encoder, Images, view, FeatureLayer.Pooled, new LoaderOptions { Workers = 1 },
                    CPU,
                    normalize: false),
            notKept: told.Add)
        .Features;

        Assert.Equal(12, features.Labels.Length);
        Assert.Contains("were not stored", Assert.Single(told));
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
            new EncoderOptions
            {
                Depth = 18,
                Width = 16,
                Stem = EncoderStem.Small,
                Head = EncoderHead.Linear,
            },
            8,
            bnGroups: 1,
            random);
    }

    private FeatureSet Get(Encoder encoder, Patterns images, int size, FeatureLayer layer)
    {
        var view = ViewRecipes.Evaluation(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = size });
        return new FeatureCache(folder).Get(encoder, images, view, layer, () =>
        {
            extractions++;
            return FeatureExtractor.Extract(
                encoder, images, view, layer, new LoaderOptions { Workers = 1 },
                CPU,
                normalize: false);
        }).Features;
    }
}
