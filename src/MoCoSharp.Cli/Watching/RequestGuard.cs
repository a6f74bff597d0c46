using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace MoCoSharp.Cli.Watching;

/// <summary>Refuses requests that another web site makes, and adds headers that restrict the answers.</summary>
/// <remarks>
/// A web site can name 127.0.0.1 as its own address (DNS rebinding), and its scripts could then read the answers. Their
/// requests still have its name as Host.
/// </remarks>
internal static class RequestGuard
{
    private static readonly string[] OwnNames = ["127.0.0.1", "localhost", "[::1]"];

    /// <summary>The part of a Content-Security-Policy that a page itself cannot have.</summary>
    public const string NoFrames = "; frame-ancestors 'none'";

    /// <summary>The middleware.</summary>
    public static Task Invoke(HttpContext context, RequestDelegate next)
    {
        var (request, headers) = (context.Request, context.Response.Headers);
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.ContentSecurityPolicy = "default-src 'none'" + NoFrames;
        var port = context.Connection.LocalPort;
        if (!IsOwn(request.Host, port))
        {
            return Refuse(
                context, HttpStatusCode.MisdirectedRequest,
                $"Open http://127.0.0.1:{port}/ or http://localhost:{port}/. Another name or port is refused. " +
                "Through ssh, forward the same port number.");
        }

        return request.Path == "/events" && !IsSameOrigin(request.Headers["Sec-Fetch-Site"])
            ? Refuse(context, HttpStatusCode.Forbidden, "Only the page itself may read its events.")
            : next(context);
    }

    /// <summary>Answers with a status and a sentence.</summary>
    public static Task Refuse(HttpContext context, HttpStatusCode status, string why)
    {
        context.Response.StatusCode = (int)status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }

    private static bool IsOwn(HostString host, int port) =>
        host.HasValue && OwnNames.Contains(host.Host, StringComparer.OrdinalIgnoreCase)
        && (host.Port ?? 80) == port;

    // Browsers say where a request comes from; programs such as curl do not.
    private static bool IsSameOrigin(StringValues site) =>
        site.Count == 0 || (string?)site is "same-origin" or "none";
}
