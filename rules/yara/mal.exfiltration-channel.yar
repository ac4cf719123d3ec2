rule mal_exfiltration_channel
{
    meta:
        id = "mal.exfiltration-channel"
        class = "malicious-code"
        severity = "high"
        description = "an address is used that collects stolen data"
        hint = "Ask what is sent there, and why not to a host of the publisher."
        legitimate = "A plugin whose purpose is that very service declares its host."
        reference = "https://attack.mitre.org/techniques/T1567/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = /discord(app)?\.com\/api\/webhooks\/[0-9]{6,}/
        $s1 = /api\.telegram\.org\/bot[0-9]{6,}/
        $s2 = "webhook.site/"
        $s3 = ".oastify.com"
        $s4 = ".burpcollaborator.net"
        $s5 = ".pipedream.net"
        $s6 = ".interact.sh"
        $s7 = ".requestcatcher.com"
    condition:
        any of them
}
