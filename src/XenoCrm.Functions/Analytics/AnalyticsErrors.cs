using XenoCrm.Platform.Errors;

namespace XenoCrm.Analytics;

public sealed record FiguresNotReady()
    : Problem(503, "analytics.computing", "The figures are being computed", "There is more to be counted than a request waits for. What is counted is kept: ask again, and it goes on from there.");
