/// Where the present task prefers to run. A task that is not a child of it does not inherit that, and is given it, so
/// that a call's parts stay on one thread instead of waking another for each.
public var presentExecutor: (any TaskExecutor)? {
    withUnsafeCurrentTask { $0?.unownedTaskExecutor?.asTaskExecutor() }
}
