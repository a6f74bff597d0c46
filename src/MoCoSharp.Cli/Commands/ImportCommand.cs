using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco import: creates a run folder from weights of other programs.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file")
        {
            Description =
                "A PyTorch, safetensors or ONNX file: official MoCo, the CIFAR demo, lightly's MoCo, a ResNet at any " +
                "depth of its dictionaries.",
        };
        var runPath = new Option<string>("--run")
        {
            HelpName = "folder",
            Description = "The run folder to create.",
            Required = true,
        };
        var recipe = new Option<string?>("--recipe")
        {
            Description = "The recipe whose hyper-parameters a resume uses. Without it, the most likely recipe.",
        }.CompletesRecipes();
        var data = Options.Data("The images of a resume, which determine the steps per epoch.");
        var validation = Options.Validation("Labeled images for the kNN monitor.");
        var set = Options.Set("A setting that overrides the recipe.");
        var prefix = EncoderTarget.PrefixOption();
        var stem = new Option<string?>("--stem")
        {
            Description = "cifar (stride 1, the default) or small (stride 2), for a first layer of 3x3.",
        }.OneOf(EncoderStem.Cifar.Name(), EncoderStem.Small.Name());
        var verbose = Options.Verbose();
        var command = new Command("import", "Create a run folder from PyTorch or ONNX weights.")
        {
            file, runPath, recipe, data, validation, set, prefix, stem, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(
            parsed.GetValue(file)!, parsed.GetValue(runPath)!, parsed.GetValue(recipe),
            parsed.GetValue(data), parsed.GetValue(validation),
            parsed.GetValue(set)!, parsed.GetValue(prefix), parsed.GetValue(stem))));
        return command;
    }

    private static int Run(
        string file, string runPath, string? recipe, string? data, string? validation, string[] settings,
        string? prefix, string? stem)
    {
        if (Directory.Exists(file))
        {
            throw new ConfigurationException([
                $"{file} is a folder. Name the file of weights in it. A run folder needs no import.",
            ]);
        }

        if (!File.Exists(file))
        {
            throw new ConfigurationException([$"{file}: there is no such file.{NearestWord.DidYouMeanPath(file)}"]);
        }

        TorchRuntime.Load();
        using var weights = ForeignWeights.Read(file, prefix, EnumNames.Find<EncoderStem>(stem));
        Console.WriteLine($"{file}: {weights.Kind}{(weights.Epochs is { } epochs ? $", {epochs} epochs" : "")}");
        var faults = new List<string>();
        var name = recipe ?? weights.LikelyRecipe;
        var loaded = Recipes.TryLoad(
            name,
            [.. settings, .. Settings.Text("data", data), .. Settings.Text("validation", validation)],
            faults);
        if (loaded is null)
        {
            throw new ConfigurationException(faults);
        }

        // A run chooses these when it begins; an imported one has begun.
        var config = weights.Configure(loaded, file) with { Minutes = null, SizeToImages = false };
        faults.AddRange(config.Validate());
        var plan = data is null
            ? null
            : PretrainPlan.Open(config, data, validation, faults, listed: DataNotices.Listing());
        if (faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        foreach (var ignored in weights.Ignored)
        {
            Console.WriteLine($"ignored: {ignored}");
        }

        var missing = weights.CreateRun(
            file, runPath, plan?.Config ?? PretrainPlan.Resolve(config), plan?.StepsPerEpoch);
        foreach (var item in missing)
        {
            Console.WriteLine($"missing for a resume: {item}");
        }

        Console.WriteLine(
            $"{runPath}: hyper-parameters of {name}. Evaluate it: moco knn {Shell.Quote(runPath)} --data " +
            $"{Shell.Quote(data ?? "labeled")}");
        Console.WriteLine(missing.Count == 0
            ? $"Continue: moco pretrain --resume --run {Shell.Quote(runPath)}"
            : $"Start training from it: {Beginning(weights.Encoder, runPath, recipe, data)}");
        return ExitCode.Done;
    }

    /// <summary>
    /// The command that starts training from weights: a recipe, and the settings that fit it to them.
    /// </summary>
    /// <param name="encoder">The architecture of the weights.</param>
    /// <param name="path">The path of the weights.</param>
    /// <param name="recipe">The requested recipe; null uses the one for photos, or for small images.</param>
    /// <param name="data">The images; null writes a placeholder.</param>
    internal static string Beginning(EncoderOptions encoder, string path, string? recipe, string? data)
    {
        recipe ??= encoder.Stem == EncoderStem.ImageNet ? "moco-v2-folder" : "moco-cifar10-r18";
        var loaded = Recipes.TryLoad(recipe, [], []);
        string[] settings = [.. ForeignWeights.Fitting(encoder, loaded?.Encoder ?? encoder), $"initialWeights={path}"];
        return $"moco pretrain {Shell.Quote(recipe)} --data {Shell.Quote(data ?? "photos")} --set " +
            $"{string.Join(' ', settings.Select(Shell.Quote))}";
    }
}
