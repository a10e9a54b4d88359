using System.Globalization;
using FluentValidation;
using FluentValidation.Results;

namespace XenoCrm.Campaigns;

/// <param name="Content">What everybody gets. Either this, <paramref name="Variants"/> or <paramref name="TemplateId"/>.</param>
/// <param name="TemplateId">Instead of channel and content: they are copied from the template.</param>
/// <param name="Variants">Two to five contents that share the recipients.</param>
/// <param name="Holdout">The share, up to 0.5, of those who would be written to that gets nothing.</param>
/// <param name="Winner">A part of the audience gets the variants first, the rest the better one.</param>
public sealed record CampaignInput(
    string? Name, Channel? Channel, string? SegmentId, CampaignContent? Content, string? TemplateId = null,
    IReadOnlyList<VariantInput>? Variants = null, double? Holdout = null, WinnerInput? Winner = null, SendingOptions? Sending = null);

/// <param name="Weight">Its share is this over the sum of all.</param>
public sealed record VariantInput(string? Name, int? Weight, CampaignContent? Content);

/// <param name="TestShare">The part of the audience that gets the variants at once.</param>
/// <param name="After">ISO 8601 duration from the launch to the first look. This, <paramref name="MinCount"/>, or both.</param>
/// <param name="MinCount">Nothing is decided before each variant was sent to so many.</param>
/// <param name="Deadline">ISO 8601 duration from the launch; absent: twice <paramref name="After"/>, at least a day.</param>
/// <param name="Confidence">Absent: 0.95.</param>
/// <param name="Otherwise">What the rest gets when there is no winner at the deadline; absent: the variants by their weights.</param>
public sealed record WinnerInput(
    WinnerMetric? Metric, double? TestShare, string? After = null, int? MinCount = null, string? Deadline = null, double? Confidence = null, WinnerFallback? Otherwise = null)
{
    private static readonly TimeSpan ShortestDefault = TimeSpan.FromDays(1);

    public WinnerRule Rule => new(Metric!.Value, TestShare!.Value, After, MinCount ?? 0, Deadline ?? DefaultDeadline, Confidence ?? 0.95, Otherwise ?? WinnerFallback.Weights);

    private string DefaultDeadline
    {
        get
        {
            var twice = After is null ? TimeSpan.Zero : 2 * WinnerRule.Time(After);
            return System.Xml.XmlConvert.ToString(twice > ShortestDefault ? twice : ShortestDefault);
        }
    }
}

public sealed class CampaignInputValidator : AbstractValidator<CampaignInput>
{
    private const double MaxHoldout = 0.5;
    private static readonly TimeSpan MaxDeadline = TimeSpan.FromDays(30);

    /// <param name="bestHour">Null: nothing here tells the best hour of a customer.</param>
    public CampaignInputValidator(BestHour? bestHour = null)
    {
        RuleFor(c => c.Name).NotEmpty().MaximumLength(200);
        RuleFor(c => c.Channel).NotNull().When(c => c.TemplateId is null);
        RuleFor(c => c.SegmentId).NotEmpty().MaximumLength(100);
        RuleFor(c => c.Content).NotNull().When(c => c.TemplateId is null && c.Variants is null).WithMessage("A content, variants or a template's id is expected.");
        RuleFor(c => c.TemplateId).Empty().When(c => c.Content is not null || c.Variants is not null).WithMessage("Either a template or a content, not both.");
        RuleFor(c => c.Variants).Empty().When(c => c.Content is not null).WithMessage("Either a content or variants, not both.");
        RuleFor(c => c.Holdout).InclusiveBetween(0, MaxHoldout);
        RuleFor(c => c.Sending!.BestTime).Equal(false).When(c => c.Sending is not null && bestHour is null).WithMessage("The best hours of customers are not known here.");
        RuleFor(c => c).Custom((c, context) =>
        {
            void Fail(string property, string message) => context.AddFailure(new ValidationFailure(property, message));

            if (c.Content is not null)
            {
                ContentRules.Check(c.Channel, c.Content, nameof(CampaignInput.Content), context);
            }

            CheckVariants(c, context, Fail);
            if (c.Winner is { } winner)
            {
                CheckWinner(c, winner, (member, message) => Fail($"Winner.{member}", message));
            }

            if (c.Sending?.QuietHours is { } quiet)
            {
                CheckQuietHours(c.Sending, quiet, (member, message) => Fail($"Sending.QuietHours{member}", message));
            }
        });
    }

    private static void CheckVariants(CampaignInput c, ValidationContext<CampaignInput> context, Action<string, string> fail)
    {
        if (c.Variants is not { } variants)
        {
            return;
        }

        if (variants.Count is < 2 or > Variant.Max)
        {
            fail(nameof(c.Variants), $"Two to {Variant.Max} variants are expected; of one alone give its content.");
        }

        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (i, variant) in variants.Index())
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"Variants[{i}]");
            if (variant is null)
            {
                fail(at, "A variant is expected.");
                continue;
            }

            if (variant.Name?.Trim() is not { Length: > 0 and <= 50 } name)
            {
                fail($"{at}.Name", "A name of at most 50 characters is expected.");
            }
            else if (!names.Add(name))
            {
                fail($"{at}.Name", "Another variant has this name.");
            }

            if (variant.Weight is not (>= 1 and <= Variant.MaxWeight))
            {
                fail($"{at}.Weight", $"A whole number from 1 to {Variant.MaxWeight} is expected.");
            }

            if (variant.Content is null)
            {
                fail($"{at}.Content", "A content is expected.");
            }
            else
            {
                ContentRules.Check(c.Channel, variant.Content, $"{at}.Content", context);
            }
        }
    }

    private static void CheckWinner(CampaignInput c, WinnerInput winner, Action<string, string> fail)
    {
        if (c.Variants is null)
        {
            fail("Metric", "Only variants can win: there is one content.");
        }

        switch (winner.Metric)
        {
            case null:
                fail("Metric", "What the variants compete for is expected.");
                break;
            case WinnerMetric.Open when c.Channel == Channel.Sms:
                fail("Metric", "Nobody learns whether an SMS is opened.");
                break;
        }

        if (winner.TestShare is not (>= 0.01 and <= 0.95))
        {
            fail("TestShare", "A share from 0.01 to 0.95 is expected.");
        }

        if (winner.After is null && winner.MinCount is null)
        {
            fail("After", "A time, a minimum count, or both are expected.");
        }

        if (winner.MinCount is < 1)
        {
            fail("MinCount", "At least 1.");
        }

        if (winner.Confidence is not (null or (>= 0.5 and <= 0.999)))
        {
            fail("Confidence", "A confidence from 0.5 to 0.999 is expected.");
        }

        foreach (var (member, text) in new[] { ("After", winner.After), ("Deadline", winner.Deadline) })
        {
            if (text is not null && !WinnerRule.IsTime(text))
            {
                fail(member, "An ISO 8601 duration without months or years is expected, such as PT4H.");
                return;
            }
        }

        var after = winner.After is null ? TimeSpan.Zero : WinnerRule.Time(winner.After);
        if (winner.Deadline is { } deadline && (WinnerRule.Time(deadline) <= after || WinnerRule.Time(deadline) > MaxDeadline))
        {
            fail("Deadline", $"The deadline is later than the first look, and at most {MaxDeadline.Days} days after the launch.");
        }
        else if (2 * after > MaxDeadline)
        {
            fail("After", $"At most {MaxDeadline.Days / 2} days.");
        }
    }

    private static void CheckQuietHours(SendingOptions sending, QuietHours quiet, Action<string, string> fail)
    {
        if (sending.IgnoreQuietHours)
        {
            fail("", "Either no quiet hours or others, not both.");
        }

        if (!QuietHours.TryTime(quiet.From, out var from))
        {
            fail(".From", "A time such as 21:00 is expected.");
        }

        if (!QuietHours.TryTime(quiet.To, out var to))
        {
            fail(".To", "A time such as 08:00 is expected.");
        }
        else if (from == to)
        {
            fail(".To", "Another time than the first is expected: a whole day is never quiet.");
        }
    }
}
