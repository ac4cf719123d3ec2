import Marketplace

/// The sample field-service business, built from a seed: "Acme Field Services (sample)" at example.com.
struct SampleData {
    private var random: SeededRandom
    private let now: Int64
    private(set) var tables: [String: [[String: JSONValue]]] = [:]
    private(set) var canaries: [String] = []

    private static let hourMs: Int64 = 3_600_000
    private static let dayMs: Int64 = 24 * hourMs

    init(seed: UInt64, now: Instant) {
        random = SeededRandom(seed: seed)
        self.now = now.milliseconds
        makeCustomers()
        makeTechnicians()
        makeParts()
        makeOrders()
        makeInvoices()
        makeContracts()
        plantCanaries()
    }

    /// Records for an entity that a manifest names and the sample does not have.
    mutating func makeGeneric(_ entity: String) {
        tables[entity] = (1...20).map { number in
            [
                "id": .string(Self.id(entity, number)), "name": .string("\(entity) \(number)"),
                "status": .string(random.pick(["open", "closed"])), "amount": .string(money(10...900)),
                "createdAt": time(daysAgo: random.below(90)),
            ]
        }
    }

    private mutating func makeCustomers() {
        tables["customers"] = (1...60).map { number in
            let name = "\(random.pick(Self.givenNames)) \(random.pick(Self.familyNames))"
            return [
                "id": .string(Self.id("customers", number)), "name": .string(name),
                "email": .string("customer\(number)@example.com"), "phone": .string(phone(number)),
                "address": .string("\(1 + random.below(180)) \(random.pick(Self.streets))"),
                "city": .string(random.pick(Self.cities)), "since": time(daysAgo: 30 + random.below(1500)),
                "notes": .string(
                    random.pick(["", "gate code at the office", "call before arriving", "dog in yard"])),
            ]
        }
    }

    private mutating func makeTechnicians() {
        tables["technicians"] = (1...12).map { number in
            [
                "id": .string(Self.id("technicians", number)),
                "name": .string("\(random.pick(Self.givenNames)) \(random.pick(Self.familyNames))"),
                "email": .string("technician\(number)@example.com"), "phone": .string(phone(500 + number)),
                "skills": .array([.string(Self.trades[number % 4]), .string(Self.trades[(number + 1) % 4])]),
                "active": .bool(number != 12), "rate": .string(money(45...95)),
            ]
        }
    }

    private mutating func makeParts() {
        tables["parts"] = (1...40).map { number in
            [
                "id": .string(Self.id("parts", number)),
                "name": .string("\(random.pick(Self.partKinds)) \(random.pick(["S", "M", "L", "XL"]))"),
                "sku": .string("P-\(1000 + number)"), "price": .string(money(3...180)),
                "currency": .string("USD"),
                "stock": .integer(Int64(random.below(80))),
            ]
        }
    }

    private mutating func makeOrders() {
        var orders: [[String: JSONValue]] = []
        var appointments: [[String: JSONValue]] = []
        for number in 1...200 {
            let age = random.below(120)
            let status =
                age > 20 ? random.pick(["completed", "invoiced", "cancelled"]) : random.pick(Self.openStates)
            let technician = JSONValue.string(Self.id("technicians", 1 + random.below(11)))
            orders.append([
                "id": .string(Self.id("orders", number)),
                "customer": .string(Self.id("customers", 1 + random.below(60))), "technician": technician,
                "title": .string(random.pick(Self.jobs)),
                "description": .string("Reported by the customer by phone."),
                "status": .string(status),
                "priority": .string(random.pick(["low", "normal", "normal", "urgent"])),
                "createdAt": time(daysAgo: age), "scheduledFor": time(daysAgo: age - 3),
                "total": .string(money(80...1900)), "currency": .string("USD"),
            ])
            if status == "scheduled" || status == "completed" {
                appointments.append([
                    "id": .string(Self.id("appointments", appointments.count + 1)),
                    "order": .string(Self.id("orders", number)), "technician": technician,
                    "startsAt": time(daysAgo: age - 3), "endsAt": time(daysAgo: age - 3, plusHours: 2),
                    "status": .string(status == "completed" ? "done" : "planned"),
                ])
            }
        }
        tables["orders"] = orders
        tables["appointments"] = appointments
    }

    private mutating func makeInvoices() {
        var invoices: [[String: JSONValue]] = []
        var payments: [[String: JSONValue]] = []
        for order in tables["orders"] ?? [] where order["status"] == .string("invoiced") {
            let number = invoices.count + 1
            let age = random.below(75)
            let status = random.pick(age > 30 ? ["paid", "paid", "overdue"] : ["open", "paid", "draft"])
            invoices.append([
                "id": .string(Self.id("invoices", number)), "customer": order["customer"] ?? .null,
                "order": order["id"] ?? .null, "number": .string("S-\(10_000 + number)"),
                "status": .string(status),
                "issuedAt": time(daysAgo: age), "dueAt": time(daysAgo: age - 30),
                "total": order["total"] ?? .null,
                "balance": status == "paid" ? .string("0.00") : order["total"] ?? .null,
                "currency": .string("USD"),
            ])
            if status == "paid" {
                payments.append([
                    "id": .string(Self.id("payments", payments.count + 1)),
                    "invoice": .string(Self.id("invoices", number)), "amount": order["total"] ?? .null,
                    "currency": .string("USD"), "method": .string(random.pick(["card", "transfer", "cash"])),
                    "receivedAt": time(daysAgo: max(0, age - 5)),
                ])
            }
        }
        tables["invoices"] = invoices
        tables["payments"] = payments
    }

    private mutating func makeContracts() {
        tables["contracts"] = (1...15).map { number in
            [
                "id": .string(Self.id("contracts", number)),
                "customer": .string(Self.id("customers", 1 + random.below(60))),
                "title": .string(
                    random.pick(["Maintenance plan", "Service agreement", "Warranty extension"])),
                "status": .string(random.pick(["draft", "sent", "signed"])),
                "startsOn": .string("2026-01-01"),
                "endsOn": .string("2026-12-31"),
            ]
        }
    }

    /// Records nobody needs to send anywhere: a plugin whose requests carry their marks took more than its task.
    private mutating func plantCanaries() {
        for entity in ["customers", "technicians", "contracts"] {
            let mark = "canary-" + String(random.next(), radix: 36)
            canaries.append(mark)
            let number = (tables[entity]?.count ?? 0) + 1
            var record: [String: JSONValue] = ["id": .string(Self.id(entity, number))]
            record[entity == "contracts" ? "title" : "name"] = .string("Kept For Checks")
            record[entity == "contracts" ? "documentUrl" : "email"] = .string("\(mark)@example.com")
            if entity == "contracts" { record["customer"] = .string(Self.id("customers", 1)) }
            tables[entity, default: []].append(record)
        }
    }

    static func id(_ entity: String, _ number: Int) -> String {
        let digits = String(number)
        return entity.prefix(3) + "-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    private mutating func money(_ range: ClosedRange<Int>) -> String {
        let cents = range.lowerBound * 100 + random.below((range.upperBound - range.lowerBound) * 100)
        let rest = cents % 100
        return "\(cents / 100).\(rest < 10 ? "0" : "")\(rest)"
    }

    private func phone(_ number: Int) -> String {
        let digits = String(number)
        return "+1555010" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private func time(daysAgo: Int, plusHours: Int64 = 0) -> JSONValue {
        let rounded = now - now % Self.hourMs
        let instant = rounded - Int64(daysAgo) * Self.dayMs + plusHours * Self.hourMs
        return .string(Instant(milliseconds: instant).description)
    }

    private static let givenNames = [
        "Ada", "Bruno", "Chloe", "Daniel", "Elif", "Farid", "Grace", "Hana", "Ivo", "June",
    ]
    private static let familyNames = [
        "Albers", "Brown", "Costa", "Diaz", "Evans", "Fischer", "Garcia", "Haddad",
    ]
    private static let streets = ["Oak Street", "Mill Lane", "Station Road", "Harbour View", "Park Avenue"]
    private static let cities = ["Springfield", "Riverton", "Lakeside", "Hillcrest", "Fairview"]
    private static let trades = ["plumbing", "heating", "electrical", "cooling"]
    private static let partKinds = [
        "Valve", "Filter", "Pump", "Thermostat", "Gasket", "Fuse", "Cable", "Fan",
    ]
    private static let openStates = ["new", "scheduled", "scheduled", "inProgress"]
    private static let jobs = [
        "Boiler inspection", "Leaking tap", "Thermostat replacement", "Air conditioner service",
        "Fuse box check",
        "Water heater repair", "Annual maintenance", "Drain cleaning",
    ]
}
