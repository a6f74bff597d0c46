using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;

namespace MoCoSharp.Cli.Tests;

/// <summary>samples/FeatureService as a process of its own, on a free port.</summary>
internal sealed class Service : IDisposable
{
    private readonly Process process;
    private readonly HttpClient client;

    private Service(Process process, string address)
    {
        this.process = process;
        client = new HttpClient { BaseAddress = new Uri(address) };
    }

    public static async Task<Service> Start(string model)
    {
        const string told = "Now listening on: ";
        string[] all = [.. Moco.Program("FeatureService"), "--urls", "http://127.0.0.1:0", "--model", model];
        var start = new ProcessStartInfo(all[0], all[1..]) { RedirectStandardOutput = true, UseShellExecute = false };
        var started = Process.Start(start)!;
        while (await started.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.IndexOf(told, StringComparison.Ordinal) is >= 0 and var at)
            {
                return new Service(started, line[(at + told.Length)..]);
            }
        }

        throw new InvalidOperationException("The service ended before it listened.");
    }

    public async Task<float[]> Features(byte[] image)
    {
        var response = await client.PostAsync("/features", new ByteArrayContent(image));
        return (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<float[]>())!;
    }

    public async Task<string> StatusOf(byte[] image)
    {
        var response = await client.PostAsync("/features", new ByteArrayContent(image));
        return ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        client.Dispose();
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
