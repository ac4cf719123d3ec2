internal import Marketplace

/// Another application than the plain sample: what a plugin meets at its second and third customer.
public enum Variation: String, Sendable, CaseIterable {
    /// The sample as it is.
    case plain
    /// Names, places and notes in other writing systems and directions, with signs outside of the basic plane.
    case international
    /// Each entity some thirty times as large.
    case large

    private static let words = [
        "Łukasz Żółć", "山田 太郎", "عمر الفاروق", "Ольга Щукина", "José Ñuñoa", "Zoë 👩‍🔧 Ødegård", "ÅSE Þórðar",
        "İpek Şahin",
    ]
    private static let factor = 30

    /// Marks stay what they are: they are how a leak is seen.
    func apply(to tables: [String: [[String: JSONValue]]], canaries: [String]) -> [String: [[String:
        JSONValue]]]
    {
        switch self {
        case .plain: tables
        case .international:
            tables.mapValues { records in
                records.enumerated().map { number, record in
                    var other = record
                    for key in ["name", "title", "city", "address", "notes", "description"]
                    where other[key] != nil {
                        guard let text = other[key]?.stringValue, !canaries.contains(where: text.contains)
                        else { continue }
                        other[key] = .string(Self.words[number % Self.words.count])
                    }
                    return other
                }
            }
        case .large:
            tables.mapValues { records in
                records
                    + (1..<Self.factor).flatMap { round in
                        records.compactMap { record -> [String: JSONValue]? in
                            guard let id = record["id"]?.stringValue else { return nil }
                            let isMarked = record.values.contains { value in
                                value.stringValue.map { text in canaries.contains(where: text.contains) }
                                    ?? false
                            }
                            guard !isMarked else { return nil }
                            var copy = record
                            copy["id"] = .string("\(id)-\(round)")
                            return copy
                        }
                    }
            }
        }
    }
}
