/// Whole numbers for people to read: `12,345`. One form everywhere, whatever the machine's locale.
public enum GroupedDigits {
    public static func text(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        var out = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
            out.append(digit)
        }
        return number < 0 ? "-\(out)" : out
    }
}
