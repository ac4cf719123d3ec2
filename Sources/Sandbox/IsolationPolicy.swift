public import Marketplace

/// How far a publisher is trusted, as far as the choice of a back end goes.
public enum PublisherTrust: String, Hashable, Sendable, Codable, CaseIterable {
    /// The publisher has not shown yet that a domain is theirs.
    case unverified
    case verified
}

/// Which back end keeps which plugin apart: by the trust in its publisher, and by name where one is to be kept apart
/// better than its publisher asks for. The section `isolation` of `veroforge.yaml`:
///
/// ```yaml
/// isolation:
///   unverified: gvisor
///   verified: native
///   northwind-samples.hello: microvm
/// ```
public struct IsolationPolicy: Hashable, Sendable {
    public private(set) var byTrust: [PublisherTrust: BackEnd] = [:]
    public private(set) var byPlugin: [PluginID: BackEnd] = [:]

    /// Everything runs natively.
    public init() {}

    /// Takes one line of the section; says what is wrong with it, if anything is.
    public mutating func set(_ key: String, _ value: String) -> String? {
        guard let backEnd = BackEnd(rawValue: value) else {
            let names = BackEnd.allCases.map(\.rawValue).joined(separator: ", ")
            return "\(key): `\(value)` is no back end; there are \(names)"
        }
        if let trust = PublisherTrust(rawValue: key) {
            byTrust[trust] = backEnd
        } else if let plugin = PluginID(key) {
            byPlugin[plugin] = backEnd
        } else {
            return "`\(key)` is neither verified, unverified nor a plugin"
        }
        return nil
    }

    /// The back end of a plugin: the strongest of what its publisher's trust, its own line and the customer ask for.
    public func backEnd(
        for plugin: PluginID, _ trust: PublisherTrust, chosen: BackEnd? = nil
    ) -> BackEnd {
        [byTrust[trust], byPlugin[plugin], chosen].compactMap { $0 }.max() ?? .native
    }

    /// Every back end that some plugin may come to.
    public var used: [BackEnd] {
        let named = Set(byTrust.values).union(byPlugin.values)
        return PublisherTrust.allCases.allSatisfy { byTrust[$0] != nil }
            ? named.sorted() : named.union([.native]).sorted()
    }
}

extension BackEnd: Comparable {
    /// The weaker back end is the lesser one.
    public static func < (left: BackEnd, right: BackEnd) -> Bool {
        allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
    }
}
