using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using FluentValidation.Validators;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace XenoCrm.Platform.OpenApi;

/// <summary>
/// What the reader of JSON and the validators ask for, as schemas: which members there must be, which may be null, lengths,
/// ranges and patterns. Limits that are kept elsewhere are data annotations on the members.
/// </summary>
internal sealed class DescribeSchemas(HttpFunctions functions, IServiceProvider services) : ISchemaFilter
{
    private readonly HashSet<Type> inputs = InputsOf(functions, lenient: false);
    private readonly HashSet<Type> lenientInputs = InputsOf(functions, lenient: true);

    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema described)
        {
            return;
        }

        if ((Nullable.GetUnderlyingType(context.Type) ?? context.Type) == typeof(decimal))
        {
            described.Format = null;
        }

        if (IsOwn(context.Type) && described.Properties is { Count: > 0 } && Json.Strict.GetTypeInfo(context.Type) is { Kind: JsonTypeInfoKind.Object } type)
        {
            if (inputs.Contains(context.Type) || lenientInputs.Contains(context.Type))
            {
                DescribeInput(described, type);
            }
            else
            {
                DescribeAnswer(described, type);
            }
        }
    }

    /// <summary>A member that is null counts as absent, and one that is not known is an error.</summary>
    private void DescribeInput(OpenApiSchema schema, JsonTypeInfo type)
    {
        schema.AdditionalPropertiesAllowed = !inputs.Contains(type.Type);
        schema.Required = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (member, property) in MembersOf(type))
        {
            if (IsNullable(property))
            {
                schema.Properties![member.Name] = OrNull(schema.Properties[member.Name]);
            }
            else if (schema.Properties![member.Name] is OpenApiSchema own)
            {
                own.Type &= ~JsonSchemaType.Null;
            }

            if (member.IsRequired || property.IsDefined(typeof(RequiredAttribute)))
            {
                schema.Required.Add(member.Name);
                schema.Properties![member.Name] = WithoutNull(schema.Properties[member.Name]);
            }
        }

        if (services.GetService(typeof(IValidator<>).MakeGenericType(type.Type)) is not IValidator validator)
        {
            return;
        }

        foreach (var rules in validator.CreateDescriptor().GetMembersWithValidators())
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(rules.Key ?? "");
            foreach (var (rule, options) in rules.Where(r => !r.Options.HasCondition && !r.Options.HasAsyncCondition))
            {
                if (schema.Properties!.TryGetValue(name, out var member))
                {
                    schema.Properties[name] = Constrain(schema, name, member, rule);
                }
            }
        }
    }

    /// <summary>What is null is left out: members are there always, or are not required.</summary>
    private static void DescribeAnswer(OpenApiSchema schema, JsonTypeInfo type)
    {
        schema.AdditionalPropertiesAllowed = true;
        schema.Required = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (member, property) in MembersOf(type))
        {
            if (schema.Properties![member.Name] is OpenApiSchema own)
            {
                own.Type &= ~JsonSchemaType.Null;
            }

            if (!IsNullable(property))
            {
                schema.Required.Add(member.Name);
            }
        }
    }

    private static IOpenApiSchema Constrain(OpenApiSchema owner, string name, IOpenApiSchema member, IPropertyValidator rule)
    {
        if (rule is INotNullValidator or INotEmptyValidator)
        {
            owner.Required!.Add(name);
            member = WithoutNull(member);
        }

        if (member is not OpenApiSchema schema)
        {
            return member;
        }

        switch (rule)
        {
            case INotEmptyValidator when schema.Type?.HasFlag(JsonSchemaType.String) == true:
                schema.MinLength = 1;
                break;
            case INotEmptyValidator when schema.Type?.HasFlag(JsonSchemaType.Array) == true:
                schema.MinItems = 1;
                break;
            case ILengthValidator length:
                schema.MinLength = length.Min > 0 ? length.Min : schema.MinLength;
                schema.MaxLength = length.Max > 0 ? length.Max : schema.MaxLength;
                break;
            case IRegularExpressionValidator pattern:
                schema.Pattern = pattern.Expression;
                break;
            case IBetweenValidator between:
                schema.Minimum = Text(between.From);
                schema.Maximum = Text(between.To);
                break;
            case IComparisonValidator { ValueToCompare: { } limit } comparison:
                Compare(schema, comparison.Comparison, Text(limit));
                break;
            default:
                break;
        }

        return schema;
    }

    private static void Compare(OpenApiSchema schema, Comparison comparison, string? limit)
    {
        switch (comparison)
        {
            case Comparison.GreaterThan:
                schema.ExclusiveMinimum = limit;
                break;
            case Comparison.GreaterThanOrEqual:
                schema.Minimum = limit;
                break;
            case Comparison.LessThan:
                schema.ExclusiveMaximum = limit;
                break;
            case Comparison.LessThanOrEqual:
                schema.Maximum = limit;
                break;
            default:
                break;
        }
    }

    private static string? Text(object limit) => Convert.ToString(limit, System.Globalization.CultureInfo.InvariantCulture);

    private static IOpenApiSchema OrNull(IOpenApiSchema schema)
    {
        if (schema is OpenApiSchema { Type: not null } own)
        {
            own.Type |= JsonSchemaType.Null;
            return own;
        }

        return schema is OpenApiSchemaReference ? new OpenApiSchema { AnyOf = [schema, new OpenApiSchema { Type = JsonSchemaType.Null }] } : schema;
    }

    private static IOpenApiSchema WithoutNull(IOpenApiSchema schema)
    {
        if (schema is OpenApiSchema { AnyOf: [var reference, _] })
        {
            return reference;
        }

        if (schema is OpenApiSchema own)
        {
            own.Type &= ~JsonSchemaType.Null;
        }

        return schema;
    }

    private static IEnumerable<(JsonPropertyInfo Member, PropertyInfo Property)> MembersOf(JsonTypeInfo type) =>
        type.Properties.Where(p => p.Get is not null && p.AttributeProvider is PropertyInfo).Select(p => (p, (PropertyInfo)p.AttributeProvider!));

    private static bool IsNullable(PropertyInfo property) => new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable;

    private static bool IsOwn(Type type) => type.Assembly == typeof(DescribeSchemas).Assembly && !type.IsEnum;

    /// <summary>Bodies, and what is in them.</summary>
    private static HashSet<Type> InputsOf(HttpFunctions functions, bool lenient)
    {
        var found = new HashSet<Type>();
        var left = new Stack<Type>(functions.All.SelectMany(f => f.GetAll<BodyAttribute>()).Where(b => b.IsLenient == lenient).Select(b => b.Type));
        while (left.TryPop(out var type))
        {
            if (type.IsArray)
            {
                left.Push(type.GetElementType()!);
            }

            foreach (var argument in type.GenericTypeArguments)
            {
                left.Push(argument);
            }

            if (IsOwn(type) && found.Add(type))
            {
                foreach (var (member, _) in MembersOf(Json.Strict.GetTypeInfo(type)))
                {
                    left.Push(member.PropertyType);
                }
            }
        }

        return found;
    }
}
