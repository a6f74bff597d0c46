using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MoCoSharp.Data.Tests;

public sealed class EnumNamesTests
{
    [Fact]
    public void Names_AreTheAttributes_OrElseTheMembers()
    {
        Assert.Equal(["dark-red", "Green", "blue"], EnumNames.All<Color>());
        Assert.Equal(("dark-red", "Green", "7"), (Color.Red.Name(), Color.Green.Name(), ((Color)7).Name()));
        Assert.Equal(
            (Color.Red, null, null, null),
            (
                EnumNames.Find<Color>("dark-red"), EnumNames.Find<Color>("Dark-Red"), EnumNames.Find<Color>("0"),
                EnumNames.Find<Color>(null)));
    }

    [Fact]
    public void Expected_ListsThemWithTheirNotes() =>
        Assert.Equal("dark-red (as wine), Green or blue", EnumNames.Expected(typeof(Color)));

    [Fact]
    public void Fault_IsOfValuesThatAreNoMember()
    {
        Assert.Null(EnumNames.Fault("color", Color.Blue));
        Assert.Equal("color is \"7\", expected dark-red (as wine), Green or blue.", EnumNames.Fault("color", (Color)7));
    }

    [Theory]
    [InlineData("\"red\"")]
    [InlineData("\"Dark-red\"")]
    [InlineData("\"0\"")]
    [InlineData("0")]
    [InlineData("null")]
    public void Json_RefusesWhatIsNoName(string json) =>
        Assert.Equal(
            "$.Value",
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Holder>($$"""{"Value":{{json}}}""")).Path);

    [Fact]
    public void Json_IsTheName()
    {
        Assert.Equal("""{"Value":"dark-red"}""", JsonSerializer.Serialize(new Holder(Color.Red)));
        Assert.Equal(Color.Blue, JsonSerializer.Deserialize<Holder>("""{"Value":"blue"}""")!.Value);
    }

    [JsonConverter(typeof(EnumNameConverter<Color>))]
    public enum Color
    {
        [JsonStringEnumMemberName("dark-red"), Description("as wine")]
        Red,
        Green,
        [JsonStringEnumMemberName("blue")]
        Blue,
    }

    public sealed record Holder(Color Value);
}
