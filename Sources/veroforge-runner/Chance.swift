/// Random numbers: seeded (xoshiro256**, so that a replay sees the same) or from the kernel.
struct Chance {
    private var state: (UInt64, UInt64, UInt64, UInt64)
    private var isSeeded: Bool

    init(seed: UInt64?) {
        var mixed = seed ?? 0
        func split() -> UInt64 {
            mixed &+= 0x9E37_79B9_7F4A_7C15
            var value = mixed
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
        isSeeded = seed != nil
        if seed == nil { mixed = UInt64.random(in: .min ... .max) }
        state = (split(), split(), split(), split())
    }

    mutating func next() -> UInt64 {
        let scaled = state.1 &* 5
        let result = (scaled << 7 | scaled >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }

    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        if !isSeeded {
            var kernel = SystemRandomNumberGenerator()
            for index in bytes.indices { bytes[index] = UInt8.random(in: 0...255, using: &kernel) }
            return
        }
        for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: next() >> 32) }
    }
}
