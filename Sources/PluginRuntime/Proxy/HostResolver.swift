import Glibc
import Synchronization

/// Turns a host name into addresses. The proxy resolves itself and connects to the address that it has checked:
/// a name that answers differently a moment later cannot lead it elsewhere.
struct HostResolver: Sendable {
    /// Every address of the name; empty when there is none.
    let addresses: @Sendable (_ host: String) async throws -> [IPAddress]

    /// The operating system's resolver, off the tasks' threads because it blocks; answers are kept for 30 seconds.
    static func system() -> HostResolver {
        let cache = Mutex<[String: (until: ContinuousClock.Instant, addresses: [IPAddress])]>([:])
        return HostResolver { host in
            if let known = cache.withLock({ $0[host] }), known.until > .now { return known.addresses }
            let found = try await BlockingWork.run { lookUp(host) }
            cache.withLock { cache in
                if cache.count > 4096 { cache.removeAll() }
                if !found.isEmpty { cache[host] = (.now + .seconds(30), found) }
            }
            return found
        }
    }

    /// A fixed table, for tests.
    static func table(_ table: [String: [String]]) -> HostResolver {
        HostResolver { host in (table[host] ?? []).compactMap { IPAddress($0) } }
    }

    private static func lookUp(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var next = list
        while let entry = next {
            if let address = read(entry.pointee), !found.contains(address) { found.append(address) }
            next = entry.pointee.ai_next
        }
        return found
    }

    private static func read(_ entry: addrinfo) -> IPAddress? {
        guard let address = entry.ai_addr else { return nil }
        switch entry.ai_family {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin_addr) { IPAddress(bytes: Array($0)) }
            }
        case AF_INET6:
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { IPAddress(bytes: Array($0)) }
            }
        default: return nil
        }
    }
}
