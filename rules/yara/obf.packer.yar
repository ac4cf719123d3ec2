rule obf_packer
{
    meta:
        id = "obf.packer"
        class = "obfuscation"
        severity = "high"
        description = "the code is wrapped by a packer"
        hint = "Ask for the sources."
        legitimate = "Very old libraries; a current build has none."
        reference = "docs/scanner.md#obfuscation"
        created = "2026-11-22"
        layers = "raw"
    strings:
        $s0 = /eval\(function\(p,a,c,k,e,[rd]\)/
        $s1 = "sojson.v"
        $s2 = "jsjiami.com.v"
        $s3 = /\(!\[\]\+\[\]\)\[\+/
        $s4 = /\$=~\[\];\$=\{/
    condition:
        any of them
}
