using System.Text.Json.Serialization;
using MoCoSharp.Data;

namespace MoCoSharp.Encoders;

/// <summary>One of a method's two encoders.</summary>
[JsonConverter(typeof(EnumNameConverter<EncoderRole>))]
public enum EncoderRole
{
    /// <summary>The query encoder f_q: trained by gradients, and used by evaluations.</summary>
    [JsonStringEnumMemberName("query")]
    Query,

    /// <summary>The key encoder f_k: the moving average of the query encoder.</summary>
    [JsonStringEnumMemberName("key")]
    Key,
}
