using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

// What a trigger or binding attribute is: the base types carry no behaviour, the runtime looks for them by type.
namespace Microsoft.Azure.Functions.Worker.Extensions.Abstractions
{
    [AttributeUsage(AttributeTargets.Method)]
    public abstract class BindingAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Parameter)]
    public abstract class TriggerBindingAttribute : BindingAttribute;

    [AttributeUsage(AttributeTargets.Parameter)]
    public abstract class InputBindingAttribute : BindingAttribute;

    [AttributeUsage(AttributeTargets.Method | AttributeTargets.Property)]
    public abstract class OutputBindingAttribute : BindingAttribute;
}

namespace Microsoft.Azure.Functions.Worker
{
    /// <summary>Makes a public method a function. The name is unique in the app, ignoring case.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    public class FunctionAttribute(string name) : Attribute
    {
        public string Name { get; } = name;
    }

    public enum AuthorizationLevel
    {
        Anonymous = 0,
        User = 1,
        Function = 2,
        System = 3,
        Admin = 4,
    }

    /// <summary>
    /// Runs the function on an HTTP request. Without methods every method is accepted; without a
    /// <see cref="Route"/> the function's name is the route, below <c>extensions.http.routePrefix</c>.
    /// </summary>
    public sealed class HttpTriggerAttribute : TriggerBindingAttribute
    {
        public HttpTriggerAttribute()
        {
            AuthLevel = AuthorizationLevel.Function;
        }

        /// <summary>Leaves <see cref="AuthLevel"/> at Anonymous, unlike the parameterless constructor.</summary>
        public HttpTriggerAttribute(params string[] methods)
        {
            Methods = methods;
        }

        public HttpTriggerAttribute(AuthorizationLevel authLevel)
        {
            AuthLevel = authLevel;
        }

        public HttpTriggerAttribute(AuthorizationLevel authLevel, params string[] methods)
        {
            AuthLevel = authLevel;
            Methods = methods;
        }

        public string? Route { get; set; }

        public string[]? Methods { get; }

        public AuthorizationLevel AuthLevel { get; }
    }

    /// <summary>The property of a function's result that is the HTTP response, when other properties are output bindings.</summary>
    [AttributeUsage(AttributeTargets.Property)]
    public sealed class HttpResultAttribute : OutputBindingAttribute;

    /// <summary>
    /// Runs the function for each message. <c>%Setting%</c> in the name is replaced from configuration;
    /// <see cref="Connection"/> names a setting, by default <c>AzureWebJobsStorage</c>.
    /// </summary>
    public sealed class QueueTriggerAttribute(string queueName) : TriggerBindingAttribute
    {
        public string QueueName { get; } = queueName;

        public string? Connection { get; set; }
    }

    /// <summary>
    /// Sends the function's result (or the property of it that carries this attribute) to a queue: a string as it is,
    /// anything else as JSON, a collection as one message per element, null as none.
    /// </summary>
    public sealed class QueueOutputAttribute(string queueName) : OutputBindingAttribute
    {
        public string QueueName { get; } = queueName;

        public string? Connection { get; set; }
    }

    public enum BlobTriggerSource
    {
        LogsAndContainerScan,
        EventGrid,
    }

    /// <summary>
    /// Runs the function for each new or changed blob that matches <c>container/pattern</c>, where the pattern may hold
    /// <c>{name}</c> placeholders; their values bind to parameters of the same name.
    /// </summary>
    public sealed class BlobTriggerAttribute(string blobPath) : TriggerBindingAttribute
    {
        public string BlobPath { get; } = blobPath;

        public string? Connection { get; set; }

        /// <summary>How the platform notices blobs. This runtime scans the container for either value.</summary>
        public BlobTriggerSource Source { get; set; } = BlobTriggerSource.LogsAndContainerScan;
    }

    /// <summary>Reads a blob; <c>{placeholder}</c> in the path is filled from the trigger's binding data.</summary>
    public sealed class BlobInputAttribute(string blobPath) : InputBindingAttribute
    {
        public string BlobPath { get; } = blobPath;

        public string? Connection { get; set; }
    }

    /// <summary>Runs the function by a six-field NCRONTAB expression (seconds first), in UTC.</summary>
    public sealed class TimerTriggerAttribute(string schedule) : TriggerBindingAttribute
    {
        public string Schedule { get; } = schedule;

        /// <summary>Keeps the last and next run in storage, so that a run missed while the app was down is made up for.</summary>
        public bool UseMonitor { get; set; } = true;

        public bool RunOnStartup { get; set; }
    }
}

namespace Microsoft.Azure.Functions.Worker.Http
{
    /// <summary>
    /// Reads the parameter from the JSON body. Bad input throws, there is no automatic 400.
    /// Not to be confused with the attribute of the same name in ASP.NET Core MVC, which this runtime does not read.
    /// </summary>
    [AttributeUsage(AttributeTargets.Parameter)]
    public class FromBodyAttribute : Attribute;
}
