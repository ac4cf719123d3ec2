import CQuickJS

extension Engine {
    /// Evaluates a script of the folder `Prelude`, which was compiled when the runner was built, and gives its value;
    /// `nil` where there is no such script.
    func prelude(_ name: String) -> JSValue? {
        guard let script = preludeScripts.first(where: { $0.name == name }) else { return nil }
        let compiled = Self.bytes(script.code).withUnsafeBufferPointer {
            JS_ReadObject(context, $0.baseAddress, $0.count, JS_READ_OBJ_BYTECODE)
        }
        return JS_IsException(compiled) ? compiled : JS_EvalFunction(context, compiled)
    }

    /// The bytes that two letters each stand for, from `a` for 0 to `p` for 15.
    private static func bytes(_ letters: StaticString) -> [UInt8] {
        letters.withUTF8Buffer { letters in
            [UInt8](unsafeUninitializedCapacity: letters.count / 2) { bytes, count in
                count = letters.count / 2
                for index in 0..<count {
                    bytes[index] = (letters[2 * index] &- 97) << 4 | (letters[2 * index + 1] &- 97)
                }
            }
        }
    }
}
