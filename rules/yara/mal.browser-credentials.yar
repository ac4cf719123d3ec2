rule mal_browser_credentials
{
    meta:
        id = "mal.browser-credentials"
        class = "malicious-code"
        severity = "critical"
        description = "a browser's store of passwords or cookies is named"
        hint = "Look whether it is read."
        legitimate = "A backup tool; no plugin."
        reference = "https://attack.mitre.org/techniques/T1555/003/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = "Google/Chrome/User Data"
        $s1 = "Google\\Chrome\\User Data"
        $s2 = "Local Extension Settings"
        $s3 = "key4.db"
        $s4 = "logins.json"
        $s5 = "Login Data"
    condition:
        2 of them
}
