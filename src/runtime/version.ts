/** Which opslog this is: the version of package.json and, where the source is a checkout of git, its commit. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)

export const version = (): string => JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).version

/** The beginning of the commit's id; undefined where git does not know. */
function commit(): string | undefined {
  try {
    const command = ['rev-parse', '--short', 'HEAD']
    return execFileSync('git', command, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

/** `opslog 0.1.0 (1a2b3c4) node v24.11.0`. Asks git, which takes a few milliseconds. */
export function versionLine(): string {
  const known = commit()
  return `opslog ${version()} ${known === undefined ? '' : `(${known}) `}node ${process.version}`
}
