rule mal_worm
{
    meta:
        id = "mal.worm"
        class = "malicious-code"
        severity = "critical"
        description = "packages are published with stolen rights"
        hint = "Look where the token comes from."
        legitimate = "A release tool."
        reference = "https://attack.mitre.org/techniques/T1195/002/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = "npm publish"
        $s1 = "registry.npmjs.org/-/npm/v1/tokens"
        $s2 = "/-/whoami"
        $s3 = ".npmrc"
        $s4 = "_authToken"
        $s5 = "npm whoami"
    condition:
        3 of them
}
