/**
 * Asks the registry whether a dependency has a known vulnerability: `node scripts/audit-dependencies.ts [--registry URL]`.
 * Ends with 1 where one is high or critical. A registry that does not answer the question, as mirrors often do not, is no
 * reason to fail the build, but is said so that nobody takes silence for an answer.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { registry: { type: 'string' } } })

interface Report {
  metadata?: { vulnerabilities?: Record<string, number> }
  vulnerabilities?: Record<string, { severity: string; via: (string | { title?: string; url?: string })[] }>
  message?: string
  error?: { summary?: string }
}

/** Bound on the whole question, retries of npm included. */
const ANSWER_MAX_MS = 120_000
const SERIOUS = ['high', 'critical']

function ask(): { report: Report | undefined; said: string } {
  const registry = values.registry === undefined ? [] : ['--registry', values.registry]
  const args = ['audit', '--json', '--package-lock-only', '--audit-level=high', ...registry]
  const { stdout, stderr, error } = spawnSync('npm', args, { encoding: 'utf8', timeout: ANSWER_MAX_MS })
  if (error) return { report: undefined, said: error.message }
  try {
    return { report: JSON.parse(stdout), said: stderr }
  } catch (fault) {
    if (!(fault instanceof SyntaxError)) throw fault
    return { report: undefined, said: stderr || stdout }
  }
}

const { report, said } = ask()
const counts = report?.metadata?.vulnerabilities
if (!counts) {
  const why = report?.message ?? report?.error?.summary ?? said.trim()
  process.stdout.write(
    `NOT AUDITED: nobody has looked for vulnerable dependencies, since the registry cannot: ${why}\n`,
  )
} else {
  const found = Object.entries(report.vulnerabilities ?? {}).filter(([, { severity }]) => SERIOUS.includes(severity))
  for (const [name, { severity, via }] of found) {
    const reasons = via.map((each) => (typeof each === 'string' ? each : `${each.title} ${each.url}`))
    process.stdout.write(`${severity}: ${name}: ${reasons.join('; ')}\n`)
  }
  const summary = Object.entries(counts).map(([severity, count]) => `${count} ${severity}`)
  process.stdout.write(`audited: ${summary.join(', ')}\n`)
  if (SERIOUS.some((severity) => (counts[severity] ?? 0) > 0)) process.exitCode = 1
}
