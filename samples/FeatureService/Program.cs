using FeatureService;
using MoCoSharp.Data.Images;

var builder = WebApplication.CreateBuilder(args);
var features = new FeatureModel(builder.Configuration["model"] ?? "encoder.onnx");
var app = builder.Build();

// curl --data-binary @photo.jpg http://localhost:5000/features
app.MapPost("/features", async (HttpRequest request) =>
{
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body);
    try
    {
        return Results.Ok(features.Of(ImageDecoder.Decode(body.ToArray(), "the request's body")));
    }
    catch (BrokenImageException error)
    {
        return Results.BadRequest(error.Message);
    }
});
app.Run();
