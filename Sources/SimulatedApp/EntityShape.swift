/// What the simulated application knows of an entity: its fields and the kind of value each holds.
public struct EntityShape: Sendable, Equatable {
    /// The kind of value a field holds.
    public enum Kind: String, Sendable {
        case text, integer, decimal, instant, flag, list, reference
    }

    /// A field of an entity.
    public struct Field: Sendable, Equatable {
        public let name: String
        public let kind: Kind
        /// A write that creates a record must carry it.
        public let required: Bool
        /// The entity that a reference points into.
        public let target: String?
    }

    public let name: String
    public let fields: [Field]
    /// False for an entity that a manifest names and the field-service sample does not have: any field may be written.
    public let closed: Bool

    func field(_ name: String) -> Field? {
        fields.first { $0.name == name }
    }
}

extension EntityShape {
    /// The entities of the sample field-service business, in the order in which they are listed.
    static let fieldService: [EntityShape] = [
        shape(
            "customers", "name! text", "email text", "phone text", "address text", "city text",
            "since instant",
            "notes text"),
        shape(
            "technicians", "name! text", "email text", "phone text", "skills list", "active flag",
            "rate decimal"),
        shape("parts", "name! text", "sku text", "price decimal", "currency text", "stock integer"),
        shape(
            "orders", "customer! reference:customers", "technician reference:technicians", "title! text",
            "description text", "status text", "priority text", "createdAt instant", "scheduledFor instant",
            "total decimal", "currency text", "externalId text"),
        shape(
            "appointments", "order! reference:orders", "technician! reference:technicians",
            "startsAt! instant",
            "endsAt instant", "status text"),
        shape(
            "invoices", "customer! reference:customers", "order reference:orders", "number text",
            "status text",
            "issuedAt instant", "dueAt instant", "total! decimal", "balance decimal", "currency text",
            "externalId text"),
        shape(
            "payments", "invoice! reference:invoices", "amount! decimal", "currency text", "method text",
            "receivedAt instant", "externalId text"),
        shape(
            "contracts", "customer! reference:customers", "title! text", "status text", "startsOn text",
            "endsOn text", "documentUrl text", "externalId text"),
    ]

    private static func shape(_ name: String, _ columns: String...) -> EntityShape {
        let fields = columns.map { column in
            let words = column.split(separator: " ")
            let kind = words[1].split(separator: ":")
            return Field(
                name: words[0].hasSuffix("!") ? String(words[0].dropLast()) : String(words[0]),
                kind: Kind(rawValue: String(kind[0])) ?? .text, required: words[0].hasSuffix("!"),
                target: kind.count > 1 ? String(kind[1]) : nil)
        }
        return EntityShape(name: name, fields: fields, closed: true)
    }
}
