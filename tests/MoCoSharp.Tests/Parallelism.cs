// libtorch's thread count and its count of live tensors belong to the process: one test at a time.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
