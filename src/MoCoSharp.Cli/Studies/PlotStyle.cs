namespace MoCoSharp.Cli.Studies;

/// <summary>The style sheet of a plot: light, or dark if the reader's theme is dark.</summary>
internal static class PlotStyle
{
    // Okabe and Ito's palette, which color-blind readers tell apart; lighter on the dark background.
    private static readonly string[] Light =
        ["#0072b2", "#d55e00", "#00805c", "#b0508c", "#9a6a00", "#2c8ac0", "#555555", "#7a3fb0"];
    private static readonly string[] Dark =
        ["#5ab4f0", "#ff8c42", "#35c79b", "#ec9fcc", "#f0b732", "#9fdcff", "#c0c0c0", "#c39af0"];

    /// <summary>Number of colors: classes s0, s1 and so on.</summary>
    public static int Colors => Light.Length;

    /// <summary>The rules.</summary>
    public static string Text { get; } =
        ".back{fill:#fff} .title{fill:#1a1a1a;font-size:16px;font-weight:600} .label{fill:#1a1a1a} " +
        ".faint{fill:#5c5c5c} .grid{stroke:#e4e4e4} .axis{stroke:#8a8a8a} " +
        ".path{fill:none;stroke:currentColor;stroke-width:2} .bar{stroke:currentColor;stroke-width:1.5} " +
        ".mark{fill:currentColor;stroke:#fff} .cross{fill:currentColor;font-size:18px;font-weight:700} " +
        Classes(Light) +
        "@media (prefers-color-scheme:dark){.back{fill:#15181c} .title,.label{fill:#eee} .faint{fill:#aaa} " +
        ".grid{stroke:#30343a} .axis{stroke:#777} .mark{stroke:#15181c} " + Classes(Dark) + "}";

    private static string Classes(string[] colors) =>
        string.Concat(colors.Select((color, i) => $".s{i}{{color:{color}}} "));
}
