namespace XenoCrm.Local.FunctionsRuntime; internal static class Placeholder;
