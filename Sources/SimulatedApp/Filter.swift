public import Marketplace

/// One condition of a read: `{field, op, value}`, the seed's `Filter`. An absent field equals null.
public struct Filter: Sendable, Equatable {
    /// The comparisons that the application contract knows.
    public enum Comparison: String, Sendable, CaseIterable {
        case eq, ne, lt, lte, gt, gte, contains
        case isIn = "in"
    }

    public let field: String
    public let comparison: Comparison
    public let value: JSONValue

    public init(field: String, comparison: Comparison, value: JSONValue) {
        self.field = field
        self.comparison = comparison
        self.value = value
    }

    /// Reads a list of `{field, op, value}` objects; `nil` is no condition. The first thing that is wrong is thrown.
    public static func list(_ value: JSONValue?) throws(SimulationError) -> [Filter] {
        switch value {
        case nil, .null: return []
        case .array(let items):
            var filters: [Filter] = []
            for item in items {
                guard case .object(let fields) = item, case .string(let field)? = fields["field"] else {
                    throw SimulationError(.invalid, "a filter is an object {field, op, value}")
                }
                guard case .string(let op)? = fields["op"], let comparison = Comparison(rawValue: op) else {
                    let known = Comparison.allCases.map(\.rawValue).joined(separator: ", ")
                    throw SimulationError(.invalid, "the filter on \(field) needs an op out of \(known)")
                }
                guard let value = fields["value"] else {
                    throw SimulationError(.invalid, "the filter on \(field) has no value")
                }
                filters.append(Filter(field: field, comparison: comparison, value: value))
            }
            return filters
        default: throw SimulationError(.invalid, "filters are an array")
        }
    }

    func matches(_ record: [String: JSONValue]) -> Bool {
        let held = record[field] ?? .null
        switch comparison {
        case .eq: return Self.order(held, value) == .same
        case .ne: return Self.order(held, value) != .same
        case .lt: return Self.order(held, value) == .before
        case .lte: return [.before, .same].contains(Self.order(held, value))
        case .gt: return Self.order(held, value) == .after
        case .gte: return [.after, .same].contains(Self.order(held, value))
        case .isIn:
            guard case .array(let choices) = value else { return false }
            return choices.contains { Self.order(held, $0) == .same }
        case .contains:
            if case .array(let items) = held { return items.contains { Self.order($0, value) == .same } }
            guard case .string(let text) = held, case .string(let part) = value else { return false }
            return text.contains(part)
        }
    }

    private enum Order { case before, same, after, incomparable }

    /// Numbers compare by value, strings by code point (so RFC 3339 times sort); kinds are never mixed.
    private static func order(_ left: JSONValue, _ right: JSONValue) -> Order {
        if left == right { return .same }
        if let a = left.doubleValue, let b = right.doubleValue {
            return a < b ? .before : a > b ? .after : .same
        }
        if let a = left.stringValue, let b = right.stringValue {
            return a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars) ? .before : .after
        }
        return .incomparable
    }
}
