rule mal_native_program
{
    meta:
        id = "mal.native-program"
        class = "malicious-code"
        severity = "medium"
        description = "a program for a processor is part of the bundle"
        hint = "The sandbox cannot run it; ask why it is there."
        legitimate = "None: plugins are JavaScript."
        reference = "https://attack.mitre.org/techniques/T1027/009/"
        created = "2026-11-22"
        layers = "raw"
    strings:
        $s0 = { 7F 45 4C 46 (01|02) (01|02) 01 }
        $s1 = { 4D 5A [58-300] 50 45 00 00 }
        $s2 = { CF FA ED FE }
    condition:
        $s0 at 0 or ($s1 and uint16(0) == 0x5A4D) or $s2 at 0
}
