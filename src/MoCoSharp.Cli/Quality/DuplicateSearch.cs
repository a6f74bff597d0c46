using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Quality;
using MoCoSharp.Features;

namespace MoCoSharp.Cli.Quality;

/// <summary>The work of moco duplicates: reads images, computes features, and compares them.</summary>
/// <param name="progress">Prints progress, and names images that cannot be read.</param>
/// <param name="cacheFolder">The folder in which features are kept; null keeps none.</param>
/// <param name="cancellation">Ends the work early.</param>
internal sealed class DuplicateSearch(
    EvaluationProgress progress, string? cacheFolder, CancellationToken cancellation)
{
    /// <summary>Reads every image of a set once.</summary>
    /// <param name="source">The set as the user names it.</param>
    /// <param name="images">The images.</param>
    public SurveyedSet Survey(string source, IImageDataset images)
    {
        var facts = ImageSurvey.Read(
            images, done => progress.Show("images read", done, images.Count),
            text => Console.Error.WriteLine($"moco: warning: {text}"), cancellation);
        foreach (var image in facts)
        {
            if (image.Fault is { } fault)
            {
                progress.Show(fault);
            }
        }

        return new SurveyedSet(source, images, facts);
    }

    /// <summary>Finds exact duplicates, by hashes alone.</summary>
    /// <param name="set">The set.</param>
    /// <param name="other">Another set; null searches within the set.</param>
    public static DuplicateReport Exact(SurveyedSet set, SurveyedSet? other) => new(
        set, other, null,
        other is null ? DuplicateGroup.Find(set.Facts) : [],
        other is null ? [] : Leak.Find(set.Facts, other.Facts));

    /// <summary>Finds exact duplicates and images with similar features.</summary>
    /// <param name="encoder">Computes the features.</param>
    /// <param name="comparison">How features are compared.</param>
    /// <param name="set">The set.</param>
    /// <param name="other">Another set; null searches within the set.</param>
    public DuplicateReport Similar(
        EncoderTarget encoder, Comparison comparison, SurveyedSet set, SurveyedSet? other)
    {
        using var features = Features(encoder, comparison, set);
        using var search = new NearDuplicates(features);
        if (other is not null)
        {
            using var otherFeatures = Features(encoder, comparison, other);
            using var otherSearch = new NearDuplicates(otherFeatures);
            var across = search.Between(otherSearch, comparison.Threshold, Show, cancellation);
            return new DuplicateReport(set, other, comparison, [], Leak.Find(set.Facts, other.Facts, across));
        }

        var pairs = search.Within(comparison.Threshold, Show, cancellation);
        var groups = DuplicateGroup.Find(set.Facts, pairs.Strongest, search.Similarity);
        return new DuplicateReport(set, null, comparison, groups, [])
        {
            Advice = ThresholdAdvice.Of(groups, pairs.Strongest, set.Facts.Count),
        };

        void Show(int done, int all) => progress.Show("images compared", done, all);
    }

    // Pictures are compared as people see them, also where training read photos as they are stored. The survey has
    // named the broken ones.
    private FeatureSet Features(EncoderTarget encoder, Comparison comparison, SurveyedSet set) =>
        new TargetFeatures(encoder, cacheFolder, progress)
        {
            Layer = EnumNames.Find<FeatureLayer>(comparison.Layer)!.Value,
            IsUpright = true,
            NamesBroken = false,
        }.Of(set.Data, cancellation);
}
