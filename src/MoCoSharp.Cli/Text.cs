using System.Text.Json.Serialization;

namespace MoCoSharp.Cli;

[JsonSerializable(typeof(string))]
internal sealed partial class Text : JsonSerializerContext;
