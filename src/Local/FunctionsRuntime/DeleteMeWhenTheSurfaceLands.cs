#pragma warning disable
using Microsoft.AspNetCore.Http; using Microsoft.Extensions.Configuration; using Microsoft.Extensions.DependencyInjection; using Microsoft.Extensions.Hosting;using Microsoft.Azure.Functions.Worker.Builder;using Microsoft.Azure.Functions.Worker.Middleware;
namespace Microsoft.Azure.Functions.Worker {
public sealed class FunctionAttribute(string name):Attribute{public string Name=>name;}
public enum AuthorizationLevel{Anonymous}
public sealed class HttpTriggerAttribute(AuthorizationLevel l, params string[] methods):Attribute{public string? Route{get;set;} public string[]? Methods=>methods;}
public sealed class QueueTriggerAttribute(string q):Attribute{public string? Connection{get;set;}}
public enum BlobTriggerSource{LogsAndContainerScan,EventGrid}
public sealed class BlobTriggerAttribute(string q):Attribute{public string? Connection{get;set;} public BlobTriggerSource Source{get;set;}}
public sealed class TimerTriggerAttribute(string q):Attribute{public bool RunOnStartup{get;set;} public bool UseMonitor{get;set;}}
public sealed class TimerInfo{public bool IsPastDue{get;set;}}
public abstract class FunctionContext{public abstract FunctionDefinition FunctionDefinition{get;}}
public abstract class FunctionDefinition{public abstract string Name{get;} public abstract string EntryPoint{get;}}
public static class X{public static HttpContext? GetHttpContext(this FunctionContext c)=>null;}
}
namespace Microsoft.Azure.Functions.Worker.Middleware{
public delegate Task FunctionExecutionDelegate(FunctionContext c);
public interface IFunctionsWorkerMiddleware{Task Invoke(FunctionContext context, FunctionExecutionDelegate next);}
}
namespace Microsoft.Azure.Functions.Worker.Builder{
public class FunctionsApplicationBuilder{public IServiceCollection Services;public IConfigurationManager Configuration; public IHost Build()=>null!;}
public static class FunctionsApplication{public static FunctionsApplicationBuilder CreateBuilder(string[] a)=>null!;}
}
namespace Microsoft.Extensions.Hosting{
public static class Y{public static FunctionsApplicationBuilder ConfigureFunctionsWebApplication(this FunctionsApplicationBuilder b)=>b;public static FunctionsApplicationBuilder UseMiddleware<T>(this FunctionsApplicationBuilder b) where T:class,IFunctionsWorkerMiddleware=>b;}
}
