import Testing

@testable import PluginRuntime

@Suite struct MultipartTests {
    static let type = "multipart/form-data; boundary=----FormBoundary7"

    static func body(_ parts: [(head: String, content: String)], end: String = "--") -> [UInt8] {
        var text = ""
        for part in parts {
            text +=
                "------FormBoundary7\r\nContent-Disposition: form-data; \(part.head)\r\n\r\n\(part.content)\r\n"
        }
        return Array((text + "------FormBoundary7\(end)\r\n").utf8)
    }

    @Test func aBrowsersFormIsRead() throws {
        let bytes = Self.body([
            ("name=\"bundle\"; filename=\"a.vfp\"\r\nContent-Type: application/zip", "PK\r\n--not it\r\n"),
            ("name=\"empty\"", ""),
        ])
        let form = try Multipart(bytes, type: Self.type)
        #expect(form.parts.map(\.name) == ["bundle", "empty"])
        #expect(form.parts[0].fileName == "a.vfp")
        #expect(form.bytes("bundle") == Array("PK\r\n--not it\r\n".utf8))
        #expect(form.bytes("empty") == [])
        #expect(form.bytes("other") == nil)
    }

    @Test(arguments: [
        ("text/plain", Array("x".utf8)), ("multipart/form-data", Array("x".utf8)),
        ("multipart/form-data; boundary=", Array("x".utf8)), (MultipartTests.type, []),
        (MultipartTests.type, Array("junk before\r\n".utf8) + body([("name=\"a\"", "1")])),
        (MultipartTests.type, body([("name=\"a\"", "1"), ("name=\"a\"", "2")])),
        (MultipartTests.type, body([("file=\"a\"", "1")])), (MultipartTests.type, body([("name=\"\"", "1")])),
        (MultipartTests.type, Array(body([("name=\"a\"", "1")]).dropLast(30))),
        (MultipartTests.type, body([("name=\"a\"", "1")], end: "x")),
        (MultipartTests.type, body((0..<17).map { ("name=\"a\($0)\"", "1") })),
        (MultipartTests.type, body([("name=\"a\"; x=\"\(String(repeating: "y", count: 5_000))\"", "1")])),
    ])
    func whatIsNoneIsRefused(type: String, body: [UInt8]) {
        #expect(throws: RuntimeError.self) { try Multipart(body, type: type) }
    }

    /// Whatever is cut off or changed, it ends with an answer and never with a trap.
    @Test func anyCutIsAnswered() {
        let whole = Self.body([("name=\"bundle\"; filename=\"a\"", "1234"), ("name=\"signature\"", "{}")])
        for length in 0..<whole.count { _ = try? Multipart(Array(whole.prefix(length)), type: Self.type) }
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 0x55
            _ = try? Multipart(changed, type: Self.type)
        }
    }
}
