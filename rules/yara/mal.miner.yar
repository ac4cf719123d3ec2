rule mal_miner
{
    meta:
        id = "mal.miner"
        class = "malicious-code"
        severity = "critical"
        description = "a program mines crypto-currency"
        hint = "There is no reason to keep it."
        legitimate = "None in a plugin."
        reference = "https://attack.mitre.org/techniques/T1496/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = "stratum+tcp://"
        $s1 = "stratum+ssl://"
        $s2 = "coinhive.min.js"
        $s3 = "CoinHive.Anonymous"
        $s4 = "cryptonight" nocase
        $s5 = "xmrig" nocase
        $s6 = "minexmr.com"
        $s7 = "supportxmr.com"
    condition:
        2 of them or $s0 or $s1 or $s2 or $s3
}
