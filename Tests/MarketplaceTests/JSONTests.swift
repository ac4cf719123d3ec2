import Marketplace
import Testing

@Suite struct JSONTests {
    @Test func equalValuesGiveEqualBytes() throws {
        let a = try JSONValue.parse(#"{"b":[1,2.5,"x\u00e9\ud83d\ude00"],"a":{"z":null,"y":true}}"#)
        let b = try JSONValue.parse(#" { "a":{"y":true,"z":null}, "b":[1,2.5,"xé😀"] } "#)
        #expect(a == b)
        #expect(a.serialized() == b.serialized())
        #expect(try JSONValue.parse(a.serialized()) == a)
    }

    @Test(arguments: [
        (#"{"a":1,"a":2}"#, "stands twice"), ("[1,]", "no JSON value"), ("{\"a\"1}", "colon"),
        ("01", "follows"),
        ("[1] x", "follows"), ("\"\u{1}\"", "control"), (#""\ud800""#, "surrogate"), ("\"abc", "no end"),
        ("", "ends"),
        ("1e999", "too large"),
    ])
    func badJSONIsRefusedWithItsPlace(_ text: String, _ word: String) {
        do {
            _ = try JSONValue.parse(text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.message.contains(word))
            #expect(error.line == 1)
        }
    }

    @Test func depthIsBounded() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError.self) { try JSONValue.parse(deep) }
    }

    @Test(arguments: [
        ("^a+b$", "aaab", true), ("^a+b$", "aab ", false), ("[0-9]{2,3}", "x12y", true),
        ("^[^a-c]$", "b", false),
        ("^(ab|cd)*$", "abcdab", true), ("^\\d+\\.\\d$", "12.3", true),
        ("^(a?){20}a{20}$", "aaaaaaaaaaaaaaaaaaaa", true),
    ])
    func patternsMatchWithoutBacktracking(_ pattern: String, _ text: String, _ matches: Bool) {
        #expect(Pattern(pattern)?.matches(text) == matches)
    }

    @Test func aSchemaNamesEveryViolationWithItsPointer() {
        let schema = JSONSchema([
            "type": "object", "required": ["name"], "additionalProperties": false,
            "properties": [
                "name": ["type": "string", "minLength": 2], "age": ["type": "integer", "minimum": 0],
            ],
        ])
        let violations = schema.validate(["name": "x", "age": -1, "nmae": 3])
        #expect(violations.map(\.pointer) == ["/age", "/name", "/nmae"])
        #expect(violations[2].message.contains("did you mean name"))
    }

    @Test func aKeywordThatIsNotEnforcedIsRefused() {
        #expect(JSONSchema.unsupported(["type": "object", "dependentRequired": [:]]) != nil)
        #expect(JSONSchema.unsupported(["pattern": "(?=x)"]) != nil)
        #expect(JSONSchema.unsupported(["type": "string", "pattern": "^x$"]) == nil)
    }
}
