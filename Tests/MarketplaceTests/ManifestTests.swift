import Marketplace
import Testing

@Suite struct ManifestTests {
    static let valid: JSONValue = [
        "id": "veroforge.example", "name": "Example", "version": "1.0.0", "description": "Does a thing.",
        "author": "VeroForge", "category": "utilities", "main": "dist/index.js", "license": "MIT",
        "apiSurface": ["readData", "fetch"],
        "permissions": [
            ["operation": "readData", "entity": "invoices", "purpose": "find overdue invoices"],
            ["operation": "fetch", "host": "api.example.com", "methods": ["POST"], "purpose": "send them"],
        ],
        "actions": [["name": "run", "description": "Runs.", "input": ["type": "object"]]],
        "pricing": [
            "model": "freemium", "currency": "USD",
            "plans": [
                ["id": "free", "amount": "0", "interval": "month", "included": ["calls": 1000]],
                [
                    "id": "pro", "amount": "29.00", "interval": "month", "trialDays": 14,
                    "charges": [
                        [
                            "metric": "calls", "scheme": "graduated",
                            "tiers": [["upTo": 10000, "unitAmount": "0.002"], ["unitAmount": "0.0015"]],
                        ]
                    ],
                ],
            ],
        ],
    ]

    static func problems(_ change: (inout [String: JSONValue]) -> Void) -> [String] {
        guard case .object(var members) = valid else { return [] }
        change(&members)
        do {
            _ = try Manifest.parse(JSONValue.object(members).serializedBytes())
            return []
        } catch { return error.problems.map { "\($0.pointer) \($0.message)" } }
    }

    @Test func theDesignsExampleIsRead() throws {
        let manifest = try Manifest.parse(Self.valid.serializedBytes())
        #expect(manifest.pricing.plan("pro")?.charges?.first?.tiers?.count == 2)
        #expect(manifest.limits == .standard)
        #expect(
            manifest.permissions.permissions.map(\.description) == [
                "fetch api.example.com POST", "readData invoices",
            ])
        #expect(manifest.pricing.plan("free")?.included?[.calls] == 1_000)
    }

    @Test func everyProblemIsNamedInOnePass() {
        let problems = Self.problems {
            $0["versoin"] = "1"
            $0["version"] = "one"
            $0["category"] = "games"
        }
        #expect(problems.count == 3)
        #expect(problems.contains { $0.hasPrefix("/versoin") && $0.contains("did you mean version") })
    }

    @Test(
        arguments: [
            ("id", JSONValue.string("Acme.Plugin")), ("id", "acme"), ("main", "../x.js"),
            ("main", "/etc/passwd"),
            ("homepage", "http://example.com"),
            ("permissions", [["operation": "fetch", "host": "127.0.0.1:80", "purpose": "x"]]),
            (
                "permissions",
                [["operation": "readData", "entity": "orders", "host": "a.example", "purpose": "x"]]
            ),
            ("limits", ["cpuMs": 999_999_999]), ("dependencies", ["acme.other"]), ("actions", []),
            ("secrets", [["name": "lower", "purpose": "x"]]),
        ] as [(String, JSONValue)])
    func aWrongFieldIsRefused(_ key: String, _ value: JSONValue) {
        #expect(!Self.problems { $0[key] = value }.isEmpty)
    }

    @Test func apiSurfaceAndPermissionsMustAgree() {
        #expect(!Self.problems { $0["apiSurface"] = ["readData"] }.isEmpty)
        #expect(!Self.problems { $0["apiSurface"] = ["readData", "fetch", "writeData"] }.isEmpty)
    }

    @Test func duplicateKeysAreRefused() {
        #expect(throws: ManifestError.self) { try Manifest.parse(Array(#"{"id":"a.b","id":"a.c"}"#.utf8)) }
    }

    @Test func wildcardsCoverAndSubsetsFollow() {
        func fetch(_ host: String, _ methods: [String]) -> Permission {
            Permission(operation: .fetch, host: host, methods: methods, purpose: "")
        }
        let wide = PermissionSet([
            fetch("*.example.com", ["GET", "POST"]),
            Permission(operation: .readData, entity: "*", purpose: ""),
        ])
        #expect(PermissionSet([fetch("api.example.com", ["GET"])]).isSubset(of: wide))
        #expect(!PermissionSet([fetch("example.com", ["GET"])]).isSubset(of: wide))
        #expect(!PermissionSet([fetch("evil-example.com", ["GET"])]).isSubset(of: wide))
        #expect(!PermissionSet([fetch("api.example.com", ["DELETE"])]).isSubset(of: wide))
        #expect(wide.allows(OperationRequest(name: "readData", arguments: ["entity": "orders"])))
        #expect(!wide.allows(OperationRequest(name: "writeData", arguments: ["entity": "orders"])))
        #expect(
            !wide.allows(
                OperationRequest(name: "fetch", arguments: ["url": "https://api.example.com@evil.example/"])))
        #expect(!wide.allows(OperationRequest(name: "exec", arguments: [:])))
    }
}
