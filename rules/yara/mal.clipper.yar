rule mal_clipper
{
    meta:
        id = "mal.clipper"
        class = "malicious-code"
        severity = "high"
        description = "crypto-currency addresses are exchanged for others"
        hint = "Compare the addresses with the publisher's."
        legitimate = "A wallet that checks addresses."
        reference = "https://attack.mitre.org/techniques/T1565/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = /\^?\(?bc1\|\[13\]\)?\[a-/
        $s1 = /0x\[a-fA-F0-9\]\{40\}/
        $s2 = "clipboard"
        $s3 = "ethereum.request"
        $s4 = "eth_sendTransaction"
    condition:
        ($s0 and $s1) or ($s1 and $s2) or ($s4 and $s1 and $s3) or ($s3 and $s2 and $s1)
}
