using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using MoCoSharp.Data;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>Names the values of options, and describes invalid values, in messages for users.</summary>
internal static class ValueOptions
{
    /// <summary>Requires a number; the message for other values says what is expected.</summary>
    /// <param name="option">Its value is null if it is not given.</param>
    /// <param name="expected">"a whole number above 0".</param>
    public static Option<T?> Number<T>(this Option<T?> option, string expected)
        where T : struct, INumber<T>
    {
        option.HelpName ??= "number";
        option.CustomParser = result => result.Tokens.Count == 0 ? null : Parse<T>(option.Name, expected, result);
        return option;
    }

    /// <summary>Requires a number, for an option with a default.</summary>
    public static Option<T> Number<T>(this Option<T> option, string expected)
        where T : struct, INumber<T>
    {
        option.HelpName ??= "number";
        option.CustomParser = result => Parse<T>(option.Name, expected, result) ?? default;
        return option;
    }

    /// <summary>Lists the valid values in help and completion. The caller rejects other values.</summary>
    public static Option<T> Offers<T>(this Option<T> option, params string[] values)
    {
        option.HelpName ??= string.Join('|', values);
        option.CompletionSources.Add(values);
        return option;
    }

    /// <summary>Lists the valid values, and rejects others.</summary>
    public static Option<T> OneOf<T>(this Option<T> option, params string[] values)
    {
        option.Offers(values).Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !values.Contains(token.Value)))
            {
                result.AddError(
                    $"{option.Name} is {token.Value}, expected " +
                    $"{Or(values)}.{NearestWord.DidYouMean(token.Value, values)}");
            }
        });
        return option;
    }

    /// <summary>Lists the valid values of an argument, and rejects others.</summary>
    public static Argument<T> OneOf<T>(this Argument<T> argument, params string[] values)
    {
        argument.CompletionSources.Add(values);
        argument.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !values.Contains(token.Value)))
            {
                result.AddError(
                    $"<{argument.Name}> is {token.Value}, expected " +
                    $"{Or(values)}.{NearestWord.DidYouMean(token.Value, values)}");
            }
        });
        return argument;
    }

    /// <summary>Completes the names of the shipped recipes.</summary>
    public static Argument<T> CompletesRecipes<T>(this Argument<T> argument)
    {
        argument.CompletionSources.Add(_ => Recipes.Names());
        return argument;
    }

    /// <summary>Completes the names of the shipped recipes.</summary>
    public static Option<T> CompletesRecipes<T>(this Option<T> option)
    {
        option.HelpName = "recipe";
        option.CompletionSources.Add(_ => Recipes.Names());
        return option;
    }

    /// <summary>"a, b or c".</summary>
    public static string Or(IReadOnlyList<string> words) =>
        words is [var only] ? only : $"{string.Join(", ", words.SkipLast(1))} or {words[^1]}";

    private static T? Parse<T>(string name, string expected, ArgumentResult result)
        where T : struct, INumber<T>
    {
        var isWhole = T.IsInteger(T.One / (T.One + T.One));
        var text = result.Tokens[^1].Value;
        if (
            T.TryParse(
                text,
                isWhole ? NumberStyles.AllowLeadingSign : NumberStyles.Float,
                CultureInfo.InvariantCulture,
                out var number
            ) && T.IsFinite(number))
        {
            return number;
        }

        var isTooLarge =
            isWhole && BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
        result.AddError($"{name} is {text}, expected {expected}{(isTooLarge ? ", and not as large" : "")}.");
        return null;
    }
}
