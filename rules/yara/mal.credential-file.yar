rule mal_credential_file
{
    meta:
        id = "mal.credential-file"
        class = "malicious-code"
        severity = "medium"
        description = "a file is named in which credentials lie"
        hint = "Look whether it is read."
        legitimate = "Documentation of a command line tool."
        reference = "https://attack.mitre.org/techniques/T1552/001/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = /\.ssh\/id_(rsa|ed25519|ecdsa|dsa)/
        $s1 = ".aws/credentials"
        $s2 = ".git-credentials"
        $s3 = "/etc/shadow"
        $s4 = "/etc/passwd"
        $s5 = ".docker/config.json"
        $s6 = ".config/gcloud/"
        $s7 = ".gnupg/"
    condition:
        any of them
}
