using System.Reflection;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs;
using Azure.Storage.Queues.Models;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using NCrontab;

namespace XenoCrm.Infrastructure;

/// <summary>Every function uses only what the real isolated worker offers: what the local runtime might bear with is not what is deployed.</summary>
public sealed partial class FunctionRuleTests
{
    private sealed record Declared(string Name, MethodInfo Method, ParameterInfo? Parameter, Attribute? Trigger)
    {
        public override string ToString() => Name;
    }

    private static readonly List<Declared> Functions =
    [
        .. from type in AppServices.App.GetTypes()
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
           let function = method.GetCustomAttribute<FunctionAttribute>()
           where function is not null
           let triggers = method.GetParameters().SelectMany(p => p.GetCustomAttributes().Where(a => a is TriggerBindingAttribute).Select(a => (Parameter: p, Attribute: a))).ToList()
           select new Declared(function.Name, method, triggers.Count == 1 ? triggers[0].Parameter : null, triggers.Count == 1 ? triggers[0].Attribute : null),
    ];

    [Fact]
    public void Each_has_one_trigger_that_there_is_a_package_for()
    {
        Functions.Count.ShouldBeGreaterThan(60);
        Functions.Where(f => f.Trigger is not (HttpTriggerAttribute or QueueTriggerAttribute or BlobTriggerAttribute or TimerTriggerAttribute)).ShouldBeEmpty();
    }

    [Fact]
    public void Names_are_unique_and_possible()
    {
        Functions.Select(f => f.Name).ShouldBeUnique(StringComparer.OrdinalIgnoreCase);
        Functions.Where(f => !FunctionName().IsMatch(f.Name)).ShouldBeEmpty("a letter, then letters, digits, - and _, at most 127");
    }

    [Fact]
    public void Methods_can_be_called_by_the_worker()
    {
        // Its source generator writes a call to each: what it cannot see, or what has no single meaning, does not compile there.
        Functions.Where(f => !f.Method.IsPublic || !f.Method.DeclaringType!.IsVisible).ShouldBeEmpty();
        Functions.Where(f => f.Method.IsGenericMethod || f.Method.DeclaringType!.IsGenericType).ShouldBeEmpty();
        Functions.Where(f => f.Method.ReturnType == typeof(void) && f.Method.GetCustomAttribute<System.Runtime.CompilerServices.AsyncStateMachineAttribute>() is not null)
            .ShouldBeEmpty("async void ends before its work does (AZFW0001)");
        Functions.Where(f => f.Method.GetParameters().Any(p => p.ParameterType.IsByRef)).ShouldBeEmpty();
    }

    [Fact]
    public void Http_functions_return_what_is_written_and_others_nothing()
    {
        bool IsResult(Type type) => typeof(IResult).IsAssignableFrom(type) || typeof(IActionResult).IsAssignableFrom(type);
        Type Unwrap(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Task<>) ? type.GetGenericArguments()[0] : type;
        Functions.Where(f => f.Trigger is HttpTriggerAttribute && !IsResult(Unwrap(f.Method.ReturnType))).ShouldBeEmpty();
        Functions.Where(f => f.Trigger is not HttpTriggerAttribute && f.Method.ReturnType != typeof(void) && f.Method.ReturnType != typeof(Task)).ShouldBeEmpty();
    }

    [Fact]
    public void Parameters_bind()
    {
        var faults = new List<string>();
        foreach (var function in Functions)
        {
            var names = function.Trigger switch
            {
                HttpTriggerAttribute http => RouteNames(http.Route ?? function.Name),
                BlobTriggerAttribute blob => BlobNames().Matches(blob.BlobPath).Select(m => m.Groups["name"].Value).ToList(),
                _ => [],
            };
            foreach (var parameter in function.Method.GetParameters())
            {
                var type = parameter.ParameterType;
                var binds = parameter == function.Parameter ? TriggerBinds(function.Trigger!, type)
                    : type == typeof(CancellationToken) || type == typeof(FunctionContext)
                    || names.Contains(parameter.Name!, StringComparer.OrdinalIgnoreCase) && Plain.Contains(Nullable.GetUnderlyingType(type) ?? type);
                if (!binds)
                {
                    faults.Add($"{function.Name}: nothing fills {type.Name} {parameter.Name}");
                }
            }
        }

        faults.ShouldBeEmpty();
    }

    [Fact]
    public void Only_timers_are_retried_by_an_attribute() =>
        Functions.Where(f => f.Method.GetCustomAttribute<RetryAttribute>() is not null && f.Trigger is not TimerTriggerAttribute).ShouldBeEmpty("the SDK refuses it (AZFW0012)");

    [Fact]
    public void Outputs_are_written_by_clients() =>

        // An output binding is written after the function has returned, without its cancellation and its retries.
        Functions.Where(f => f.Method.GetCustomAttributes().OfType<OutputBindingAttribute>().Any()).ShouldBeEmpty();

    [Fact]
    public void Routes_are_valid_and_lead_to_one_function()
    {
        var routes = Functions.Select(f => (Function: f, Trigger: f.Trigger as HttpTriggerAttribute)).Where(f => f.Trigger is not null).ToList();
        foreach (var (function, trigger) in routes)
        {
            var route = trigger!.Route ?? function.Name;
            Should.NotThrow(() => TemplateParser.Parse(route), function.Name);
            route.StartsWith('/').ShouldBeFalse(function.Name);

            // Taken by the host itself.
            route.Split('/')[0].ShouldNotBeOneOf("admin", "runtime");
            (trigger.Methods ?? []).Where(m => m.Any(char.IsUpper)).ShouldBeEmpty(function.Name);
        }

        routes.SelectMany(r => (r.Trigger!.Methods ?? ["*"]).Select(m => $"{m} {RouteParameter().Replace(r.Trigger.Route ?? r.Function.Name, m => m.Value.StartsWith("{*", StringComparison.Ordinal) ? "{*" : "{")}")).ShouldBeUnique();
    }

    [Fact]
    public void Queues_blobs_and_schedules_are_possible()
    {
        foreach (var function in Functions)
        {
            switch (function.Trigger)
            {
                case QueueTriggerAttribute queue:
                    QueueName().IsMatch(queue.QueueName).ShouldBeTrue($"{function.Name}: {queue.QueueName}");
                    queue.Connection.ShouldBeNull(function.Name);
                    break;
                case BlobTriggerAttribute blob:
                    blob.Source.ShouldBe(BlobTriggerSource.EventGrid, $"{function.Name}: the Flex Consumption plan does not scan containers");
                    blob.BlobPath.ShouldContain('/');
                    break;
                case TimerTriggerAttribute timer when !timer.Schedule.StartsWith('%'):
                    Should.NotThrow(() => CrontabSchedule.Parse(timer.Schedule, new() { IncludingSeconds = true }), function.Name);
                    break;
            }
        }

        // Two functions on one queue would each get half of the messages.
        Functions.Select(f => (f.Trigger as QueueTriggerAttribute)?.QueueName).OfType<string>().ShouldBeUnique();
    }

    private static readonly Type[] Plain = [typeof(string), typeof(int), typeof(long), typeof(bool), typeof(Guid), typeof(DateTime)];

    private static List<string> RouteNames(string route) => [.. TemplateParser.Parse(route).Parameters.Select(p => p.Name!)];

    private static bool TriggerBinds(Attribute trigger, Type type) => trigger switch
    {
        HttpTriggerAttribute => type == typeof(HttpRequest),
        TimerTriggerAttribute => type == typeof(TimerInfo),
        QueueTriggerAttribute => type == typeof(string) || type == typeof(byte[]) || type == typeof(BinaryData) || type == typeof(QueueMessage) || type is { IsClass: true, IsAbstract: false, IsVisible: true },
        BlobTriggerAttribute => type == typeof(string) || type == typeof(byte[]) || type == typeof(Stream) || type == typeof(BlobClient) || type == typeof(BlobContainerClient),
        _ => false,
    };

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_-]{0,126}$", RegexOptions.None, 1000)]
    private static partial Regex FunctionName();

    [GeneratedRegex("^[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]$", RegexOptions.None, 1000)]
    private static partial Regex QueueName();

    [GeneratedRegex(@"\{(?<name>\w+)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BlobNames();

    /// <summary>Keeps the constraint: <c>{id:guid}</c> and <c>{name}</c> are two routes.</summary>
    [GeneratedRegex(@"\{\*?\w+\??", RegexOptions.None, 1000)]
    private static partial Regex RouteParameter();
}
