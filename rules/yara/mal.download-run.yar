rule mal_download_run
{
    meta:
        id = "mal.download-run"
        class = "malicious-code"
        severity = "critical"
        description = "a program is downloaded and run"
        hint = "Look what the address serves."
        legitimate = "An installer; a plugin has nothing to install."
        reference = "https://attack.mitre.org/techniques/T1105/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = /(curl|wget) [^\n|]{3,200}\| ?(ba|z|da)?sh/
        $s1 = /(curl|wget) [^\n|]{3,200}\| ?(node|python3?)/
        $s2 = /IEX ?\( ?\(?New-Object Net\.WebClient/ nocase
        $s3 = /powershell(\.exe)? [^\n]{0,40}-e(nc|ncodedcommand)? [A-Za-z0-9+\/=]{40}/ nocase
        $s4 = /certutil(\.exe)? -urlcache/ nocase
    condition:
        any of them
}
