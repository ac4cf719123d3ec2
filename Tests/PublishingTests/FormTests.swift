import Marketplace
import Testing

@testable import Publishing

@Suite struct FormTests {
    @Test func fieldsBecomeTheDocumentOfTheAPI() throws {
        let form =
            "_method=PUT&_lists=permissions&version=1.2.0&plan=pro&permissions%5B%5D="
            + "%7B%22operation%22%3A%22readData%22%2C%22entity%22%3A%22invoices%22%7D"
        let request = try FormRequest(form: Array(form.utf8))
        #expect(request.method == "PUT")
        #expect(
            request.body == [
                "version": "1.2.0", "plan": "pro",
                "permissions": [["operation": "readData", "entity": "invoices"]],
            ])
    }

    @Test func emptyListsNumbersAndNullsKeepTheirKind() throws {
        #expect(try FormRequest(form: Array("_lists=permissions".utf8)).body == ["permissions": []])
        #expect(
            try FormRequest(form: Array("stars%23=4&text=a+b%21".utf8)).body == ["stars": 4, "text": "a b!"])
        #expect(try FormRequest(form: Array("amount%3F=".utf8)).body == ["amount": .null])
        #expect(try FormRequest(form: Array("amount%3F=50.00".utf8)).body == ["amount": "50.00"])
    }

    @Test func objectsSettingsAndWholeDocumentsAreRead() throws {
        let form = "plan=pro&secrets.KEY=s+1&secrets.OTHER=&config%7E=%7B%22a%22%3A1%7D"
        #expect(
            try FormRequest(form: Array(form.utf8)).body == [
                "plan": "pro", "secrets": ["KEY": "s 1"], "config": ["a": 1],
            ])
        #expect(try FormRequest(form: Array("plan=pro&config%7E=".utf8)).body == ["plan": "pro"])
        #expect(try FormRequest(form: Array("_body=%5B1%5D".utf8)).body == [1])
        #expect(try FormRequest(form: Array("_method=PUT&_body=".utf8)).body == [:])
    }

    @Test(arguments: [
        "_method=TRACE", "stars%23=x", "permissions%5B%5D=%7B", "a=1&a=2", "a=%zz", "a=%00", "a=%ff", "=x",
        "_body=%7B", "_body=%7B%7D&a=1", "_body=1&_body=1", "config%7E=x", "secrets.=1", ".a=1",
        "s.a=1&s.a=2",
    ])
    func aFormThatIsNotOneIsRefused(form: String) {
        #expect(throws: PublishingError.self) { try FormRequest(form: Array(form.utf8)) }
    }

    @Test func thePagesOwnFormsAreRead() throws {
        let own = PrivatePages(templates: try Samples.templates(), settings: Samples.privateSettings)
        let pages =
            try own.account(Samples.account) + own.publisher(Samples.dashboard) + own.review(Samples.queue)
        var forms = 0
        for page in pages where page.path.hasSuffix(".html") {
            var fields: [String: String] = [:]
            for tag in HTMLTags.scan(String(decoding: page.bytes, as: UTF8.self)) {
                if tag.name == "form" { fields = [:] }
                if let name = tag.attributes["name"],
                    ["input", "select", "textarea", "button"].contains(tag.name)
                {
                    let isJSON = name == "_body" || name.hasSuffix("~")
                    let value = name.hasSuffix("#") ? "4" : isJSON ? "{}" : tag.attributes["value"] ?? "x"
                    fields[name] = "\(encoded(name))=\(encoded(unescaped(value)))"
                }
                if tag.name == "/form", !fields.isEmpty {
                    let form = fields.values.sorted().joined(separator: "&")
                    _ = try FormRequest(form: Array(form.utf8))
                    forms += 1
                }
            }
        }
        #expect(forms > 10)
    }

    private func unescaped(_ text: String) -> String {
        var text = text
        for (entity, plain) in [
            ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&amp;", "&"),
        ] {
            text = text.split(separator: entity, omittingEmptySubsequences: false).joined(separator: plain)
        }
        return text
    }

    private func encoded(_ text: String) -> String {
        text.utf8.map { "%" + String(Int($0) + 0x100, radix: 16).suffix(2) }.joined()
    }
}
