using XenoCrm.Platform.Errors;

namespace XenoCrm.Insights;

public sealed record SentenceNotUnderstood()
    : Problem(422, "ai.not_understood", "The text says nothing that a rule can ask", "Say what customers did, when, how often or for how much, or who they are: \"spent over 500 and haven't ordered in 90 days\", \"in Berlin or Munich, tagged vip\".");
