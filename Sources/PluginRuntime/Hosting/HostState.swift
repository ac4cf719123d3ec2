/// Where an installation stands on this node, and what may follow. Every change of a host goes through `apply`, so
/// that a step which nobody has thought of is a fault and not a surprise.
enum HostState: String, Sendable, CaseIterable {
    /// Known, and no runner is up.
    case installed
    /// Its first runner is being started.
    case starting
    /// At least one runner is up, none is at work.
    case ready
    /// At least one runner is at work.
    case busy
    /// No new call is taken; the running ones are waited for.
    case draining
    /// The registry says that it may not run.
    case suspended
    /// Starting failed again and again; the next attempt waits.
    case failed
    /// Gone; nothing follows.
    case removed

    enum Event: String, Sendable, CaseIterable {
        case startBegins, startSucceeds, startFails, workBegins, workEnds, runnersGone, drain, drained,
            suspend, resume,
            retry, remove
    }

    /// The state after the event; nil where the event may not come.
    func after(_ event: Event) -> HostState? {
        switch (self, event) {
        case (.removed, _): nil
        case (_, .remove): .removed
        case (.suspended, .resume): .installed
        case (.suspended, .runnersGone), (.suspended, .workEnds), (.suspended, .suspend),
            (.suspended, .startFails),
            (.suspended, .startSucceeds), (.suspended, .drained), (.suspended, .drain):
            .suspended
        case (.suspended, _): nil
        case (_, .suspend): .suspended
        case (_, .resume): self
        case (.draining, .drained): .installed
        case (.draining, .workEnds), (.draining, .runnersGone), (.draining, .startFails),
            (.draining, .startSucceeds),
            (.draining, .drain):
            .draining
        case (.draining, _): nil
        case (_, .drain): .draining
        case (.installed, .startBegins), (.failed, .retry): .starting
        case (.starting, .startBegins): .starting
        case (.starting, .startSucceeds), (.failed, .startSucceeds): .ready
        case (.starting, .startFails), (.failed, .startFails): .failed
        case (.ready, .workBegins), (.busy, .workBegins): .busy
        case (.busy, .workEnds): .ready
        case (.ready, .startBegins): .ready
        case (.busy, .startBegins): .busy
        case (.ready, .startSucceeds): .ready
        case (.busy, .startSucceeds): .busy
        case (.ready, .startFails): .ready
        case (.busy, .startFails): .busy
        // A host that was suspended and let go again hears late of what it had begun before.
        case (.installed, .workEnds), (.installed, .startFails): .installed
        case (.installed, .startSucceeds): .ready
        case (.starting, .workEnds): .starting
        case (.ready, .workEnds): .ready
        case (.failed, .workEnds): .failed
        case (.ready, .runnersGone), (.busy, .runnersGone), (.installed, .runnersGone),
            (.failed, .runnersGone):
            .installed
        default: nil
        }
    }
}
