import Marketplace
import Testing

@testable import SimulatedApp

private func read(_ entity: String, _ filters: JSONValue = []) -> OperationRequest {
    OperationRequest(name: "readData", arguments: ["entity": .string(entity), "filters": filters])
}

private func write(_ entity: String, _ data: JSONValue) -> OperationRequest {
    OperationRequest(name: "writeData", arguments: ["entity": .string(entity), "data": data])
}

private func code(_ outcome: OperationOutcome) -> String? {
    if case .failure(let error) = outcome { error.code } else { nil }
}

private func records(_ outcome: OperationOutcome) -> [JSONValue] {
    if case .success(let value) = outcome { value.arrayValue ?? [] } else { [] }
}

@Suite struct ApplicationTests {
    @Test func sameSeedGivesSameBytesAndAnotherSeedOthers() {
        func all(_ seed: UInt64) -> String {
            let app = SimulatedApp(seed: seed)
            return app.entities.map { JSONValue.array(app.records(of: $0)).serialized() }.joined()
        }
        #expect(all(7) == all(7))
        #expect(all(7) != all(8))
    }

    @Test func everyReferenceInTheSampleNamesARecord() throws {
        let app = SimulatedApp(seed: 3)
        for entity in app.entities {
            let shape = try #require(app.shape(of: entity))
            for field in shape.fields where field.target != nil {
                let known = Set(app.records(of: field.target ?? "").compactMap { $0["id"] })
                for record in app.records(of: entity) {
                    if let value = record[field.name] { #expect(known.contains(value)) }
                }
            }
        }
    }

    static let comparisons: [(String, JSONValue)] = [
        ("eq", "open"), ("ne", "open"), ("in", ["open", "draft"]), ("contains", "o"), ("gt", "m"),
        ("gte", "open"),
        ("lt", "open"), ("lte", "open"),
    ]

    @Test(arguments: comparisons)
    func filterAgreesWithItsComparison(op: String, value: JSONValue) {
        let app = SimulatedApp(seed: 5)
        let kept = records(
            app.perform(read("invoices", [["field": "status", "op": .string(op), "value": value]])))
        let expected = app.records(of: "invoices").filter { record in
            let status = record["status"]?.stringValue ?? ""
            let text = value.stringValue ?? ""
            return switch op {
            case "eq": status == text
            case "ne": status != text
            case "in": (value.arrayValue ?? []).contains(.string(status))
            case "contains": status.contains(text)
            case "gt": status > text
            case "gte": status >= text
            case "lt": status < text
            default: status <= text
            }
        }
        #expect(!kept.isEmpty)
        #expect(kept == expected)
    }

    @Test func absentFieldEqualsNull() {
        let app = SimulatedApp()
        let without = records(
            app.perform(read("orders", [["field": "externalId", "op": "eq", "value": nil]])))
        #expect(without.count == app.records(of: "orders").count)
    }

    static let wrongRequests: [(OperationRequest, String)] = [
        (read("ghosts"), "notFound"),
        (read("orders", [["field": "colour", "op": "eq", "value": "red"]]), "invalid"),
        (read("orders", [["field": "status", "op": "like", "value": "x"]]), "invalid"),
        (read("orders", "status=open"), "invalid"),
        (write("orders", ["title": "No customer"]), "invalid"),
        (write("orders", ["customer": "cus-00001", "title": "x", "colour": "red"]), "invalid"),
        (write("orders", ["customer": "cus-99999", "title": "x"]), "invalid"),
        (write("invoices", ["customer": "cus-00001", "total": 12]), "invalid"),
        (write("orders", ["id": "ord-99999", "status": "closed"]), "notFound"),
        (OperationRequest(name: "triggerWorkflow", arguments: ["workflow": "erase-everything"]), "notFound"),
        (
            OperationRequest(name: "triggerWorkflow", arguments: ["workflow": "close-order", "data": [:]]),
            "invalid"
        ),
        (OperationRequest(name: "dropTables", arguments: [:]), "invalid"),
    ]

    @Test(arguments: wrongRequests)
    func wrongRequestIsRefusedByName(request: OperationRequest, expected: String) {
        #expect(code(SimulatedApp().perform(request)) == expected)
    }

    @Test func writtenRecordIsReadBackAndChanged() throws {
        let app = SimulatedApp()
        guard
            case .success(let created) = app.perform(
                write("orders", ["customer": "cus-00001", "title": "New tap"]))
        else {
            Issue.record("the write was refused")
            return
        }
        let id = try #require(created["id"])
        _ = app.perform(write("orders", ["id": id, "status": "scheduled"]))
        let found = records(app.perform(read("orders", [["field": "id", "op": "eq", "value": id]])))
        #expect(found.count == 1)
        #expect(found.first?["status"] == "scheduled")
        #expect(found.first?["title"] == "New tap")
    }

    @Test func workflowChangesItsRecordAndIsKept() {
        let app = SimulatedApp()
        let request = OperationRequest(
            name: "triggerWorkflow", arguments: ["workflow": "close-order", "data": ["order": "ord-00001"]])
        #expect(code(app.perform(request)) == nil)
        #expect(app.records(of: "orders").first?["status"] == "completed")
        #expect(app.workflowRuns == [.init(workflow: "close-order", data: ["order": "ord-00001"])])
    }

    @Test func entityOfTheManifestOnlyGetsGenericRecords() {
        let app = SimulatedApp(entities: ["leads"], workflows: ["score-lead"])
        #expect(records(app.perform(read("leads"))).count == 20)
        #expect(app.workflows.contains("score-lead"))
    }

    @Test func faultsSpoilWhatTheyNameAndAreUsedUp() {
        let app = SimulatedApp()
        app.inject(Fault(.serverError, operation: "readData", subject: "orders"))
        app.inject(Fault(.rateLimited(retryAfterSeconds: 7), subject: "customers"))
        app.inject(Fault(.malformed, subject: "parts"))
        app.inject(Fault(.slow(milliseconds: 250), subject: "invoices"))
        #expect(app.answer(read("technicians")).status == 200)
        #expect(app.answer(read("orders")).status == 500)
        #expect(app.answer(read("orders")).status == 200)
        #expect(app.answer(read("customers")).retryAfterSeconds == 7)
        #expect(code(app.perform(read("parts"))) == "upstream")
        let slow = app.answer(read("invoices"))
        #expect(slow.delayMs == 250)
        #expect(slow.status == 200)
        #expect(app.answer(read("invoices")).delayMs == 0)
    }

    @Test func canariesStandInRecordsAndAreFoundInText() throws {
        let app = SimulatedApp(seed: 11)
        let mark = try #require(app.canaries.first)
        let text = app.entities.flatMap { app.records(of: $0) }.map { $0.serialized() }.joined()
        #expect(app.canaries(in: text) == app.canaries)
        #expect(app.canaries(in: "nothing of it") == [])
        #expect(app.canaries(in: "x\(mark)y") == [mark])
    }

    @Test func everyRequestIsLoggedWithItsStatus() {
        let app = SimulatedApp()
        _ = app.perform(read("orders"))
        _ = app.perform(read("ghosts"))
        _ = app.perform(
            OperationRequest(
                name: "fetch", arguments: ["url": "https://api.example.com/v1/items", "method": "GET"]))
        #expect(app.log.map(\.operation) == ["readData", "readData", "fetch"])
        #expect(app.log.map(\.subject) == ["orders", "ghosts", "api.example.com"])
        #expect(app.log.map(\.status) == [200, 404, 200])
    }
}
