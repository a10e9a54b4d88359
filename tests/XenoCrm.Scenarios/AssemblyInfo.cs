// A scenario runs a whole system of four processes; two at a time only make each other late.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
