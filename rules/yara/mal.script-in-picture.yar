rule mal_script_in_picture
{
    meta:
        id = "mal.script-in-picture"
        class = "malicious-code"
        severity = "medium"
        description = "a picture holds a script"
        hint = "A plugin's icon needs none."
        legitimate = "Interactive graphics, which belong in ui/."
        reference = "https://developer.mozilla.org/docs/Web/SVG"
        created = "2026-11-22"
        layers = "raw"
    strings:
        $s0 = "<svg" nocase
        $s1 = /<script[ >]/ nocase
        $s2 = / on(load|error|click)=/ nocase
    condition:
        $s0 in (0..512) and ($s1 or $s2) and not uint32(0) == 0x4F44213C
}
