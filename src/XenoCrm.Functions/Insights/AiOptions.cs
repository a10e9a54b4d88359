namespace XenoCrm.Insights;

/// <summary>The language model: anything that speaks the protocol of OpenAI's chat completions.</summary>
public sealed class AiOptions
{
    public const string Section = "Ai";

    /// <summary>Gemini's compatible endpoint. Azure OpenAI or a local model have others.</summary>
    public string BaseAddress { get; set; } = "https://generativelanguage.googleapis.com/v1beta/openai/";

    public string Model { get; set; } = "gemini-2.5-flash";

    /// <summary>Empty: no model is asked, and everything is done without one.</summary>
    public string Key { get; set; } = "";

    /// <summary>For one answer, repetitions included: nobody waits longer for a model.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The most that the answers of one day (UTC) may cost, over all instances; above it everything is done without a model. Null: no limit.</summary>
    public decimal? DailyBudget { get; set; } = 1m;

    /// <summary>Of a million tokens that are sent, in the currency of the budget.</summary>
    public decimal InputPrice { get; set; } = 0.30m;

    /// <summary>Of a million tokens that are answered.</summary>
    public decimal OutputPrice { get; set; } = 2.50m;

    /// <summary>The most tokens of one answer. Models that think before they answer count that too.</summary>
    public int MaxAnswerTokens { get; set; } = 4000;

    /// <summary>For so long the same question gets the same answer without asking again.</summary>
    public TimeSpan CacheTime { get; set; } = TimeSpan.FromHours(24);
}
