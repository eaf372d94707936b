/**
 * Ends the process with one sentence where its Node cannot run this project. It is plain JavaScript of the old kind, for
 * any Node to read. An installation that was made with Node 24 has no Node of its own (docs/decisions/0001).
 */
const NEEDED = 24
const [major] = process.versions.node.split('.')

if (Number(major) < NEEDED) {
  console.error(
    `opslog runs on Node ${NEEDED}, and this is Node ${process.versions.node}: run \`npm ci\` with this Node, which then brings ` +
      `a Node ${NEEDED} for this directory alone, or put Node ${NEEDED}.11 or later first on the PATH.`,
  )
  process.exit(1)
}
