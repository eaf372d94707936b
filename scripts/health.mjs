/**
 * Whether the instance on DATA_DIR is fit to work, for a container's or a supervisor's check: 0 where it is, 1 where it is
 * not or does not run, with a line that says what is missing. It needs node alone, so that a check costs little.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ANSWER_MAX_MS = 2_500
const file = join(process.env.DATA_DIR || './data', 'services.json')

try {
  const { pid, health } = JSON.parse(readFileSync(file, 'utf8'))
  process.kill(pid, 0)
  const answer = await fetch(`${health.url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MAX_MS) })
  const { status, dependencies } = await answer.json()
  const down = Object.keys(dependencies).filter((name) => !dependencies[name].up)
  console.log(down.length > 0 ? `${status}: ${down.join(', ')}` : status)
  process.exitCode = answer.ok ? 0 : 1
} catch (error) {
  console.log(`no instance answers for ${file}: ${error.message}`)
  process.exitCode = 1
}
