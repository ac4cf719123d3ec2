// Refreshing a client whose catalogue is behind a network: the caller fetches what is asked for, in its own way and
// time, and steps again.
public import Marketplace

/// What a client needs to go on, or that it is done.
public enum TUFStep: Hashable, Sendable {
    case needs(path: String)
    case done(changed: Bool)
}

extension TUFClient {
    /// One step of a refresh over what has been fetched so far (`nil` for a file that the catalogue does not have).
    /// The client's state changes only with `done`. A catalogue may be swapped between two fetches; that shows as a
    /// mismatch, and the refresh is begun anew with nothing fetched.
    public mutating func step(
        now: Instant, fetched: [String: [UInt8]?]
    ) throws(ProvenanceError) -> TUFStep {
        var next = self
        var missing: String?
        do throws(ProvenanceError) {
            let changed = try next.refresh(now: now) { path throws(ProvenanceError) in
                guard let known = fetched[path] else {
                    missing = path
                    throw ProvenanceError(.io, path, "has not been fetched yet")
                }
                return known
            }
            self = next
            return .done(changed: changed)
        } catch {
            if let missing { return .needs(path: missing) }
            throw error
        }
    }
}
