rule mal_metadata_service
{
    meta:
        id = "mal.metadata-service"
        class = "malicious-code"
        severity = "critical"
        description = "the address of a cloud host's metadata is used"
        hint = "It hands out credentials of the machine."
        legitimate = "A cloud vendor's own SDK."
        reference = "https://attack.mitre.org/techniques/T1552/005/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = "169.254.169.254"
        $s1 = "metadata.google.internal"
        $s2 = "fd00:ec2::254"
    condition:
        any of them
}
