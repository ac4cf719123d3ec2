rule mal_destroy
{
    meta:
        id = "mal.destroy"
        class = "malicious-code"
        severity = "critical"
        description = "files are destroyed"
        hint = "Look what is deleted."
        legitimate = "A clean-up script that names its own folder."
        reference = "https://attack.mitre.org/techniques/T1485/"
        created = "2026-11-22"
        layers = "code"
    strings:
        $s0 = /rm -rf? (--no-preserve-root )?\/( |$|\*|")/
        $s1 = /rm -rf? ~(\/\*?)?["';\s]/
        $s2 = /rm -rf? \$HOME(\/\*?)?["';\s]/
        $s3 = /del \/[fsq] \/[fsq] \/[fsq] [cC]:/
        $s4 = "mkfs.ext4 /dev/"
        $s5 = /dd if=\/dev\/(zero|urandom) of=\/dev\/[sn]/
        $s6 = "format c: /"
    condition:
        any of them
}
