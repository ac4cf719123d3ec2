rule mal_reverse_shell
{
    meta:
        id = "mal.reverse-shell"
        class = "malicious-code"
        severity = "critical"
        description = "a shell is connected to another host"
        hint = "Look where the shell connects to."
        legitimate = "A security tool that documents the attack; no plugin needs it."
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = "/dev/tcp/"
        $s1 = "bash -i >& "
        $s2 = "/bin/sh -i"
        $s3 = "nc -e /bin/"
        $s4 = "ncat -e /bin/"
        $s5 = /socket\.socket\(\);s\.connect\(\(/
    condition:
        any of them
}
