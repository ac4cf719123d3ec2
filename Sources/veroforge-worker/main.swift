// The only program that parses strangers' bytes: it confines itself, does one job, and exits.
//
//   argv  veroforge-worker JOB ARGUMENTS, the arguments as one JSON object
//   fd 0  the input: an archive, a folder's stream, a text
//   fd 1  the result            fd 2  diagnostics
//   fd 3  the list of system calls (trusted)      fd 4  the rules in one blob (trusted), for `scan`
//
// Exit codes: 0 done · 2 wrong usage · 3 the job could not be done, a line on fd 2 says why · 64 and above: see CSandbox.h
import Bundles
import CSandbox
import Marketplace

ArchiveReader.prepare()
let confined = csandbox_confine_worker()
guard confined == 0 else { Descriptor.exit(3) }

let words = CommandLine.arguments
guard words.count == 3, let arguments = try? JSONValue.parse(words[2]) else {
    Descriptor.fail("usage: veroforge-worker JOB ARGUMENTS", code: 2)
}
Job.run(words[1], arguments)
