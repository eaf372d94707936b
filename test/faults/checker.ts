/**
 * What must hold after every fault, and what contradicts it where it does not. The head of the table of faults names the
 * checks; each is shown to find a contradiction that was planted (checker.fault.ts).
 */
import { runCli } from '../support/cli.ts'
import { bookContradictions } from './check-books.ts'
import { deliveryContradictions } from './check-deliveries.ts'
import { historyContradictions } from './check-history.ts'
import { engineContradictions, ledgerContradictions, logContradictions } from './check-log.ts'
import { gather, onEngineLog } from './evidence.ts'
import type { House } from './house.ts'
import type { Operator } from './operators.ts'
import type { History } from './workload.ts'

/**
 * The contradictions found; none where all is well. The house must be at rest, with all roles up. The webhooks of these
 * operators are held against what their endpoints have received.
 */
export async function contradictions(
  house: House,
  history: History,
  operators: readonly Operator[] = [],
): Promise<string[]> {
  const evidence = await gather(house)
  const found = [
    ...logContradictions(evidence),
    ...engineContradictions(evidence),
    ...ledgerContradictions(evidence),
    ...deliveryContradictions(evidence, operators),
    ...(await historyContradictions(house, history, evidence)),
    ...(await bookContradictions(house, history)),
  ]
  // What takes longest is looked at where all else is well.
  return found.length > 0 ? found : toolContradictions(house)
}

/** What our own tools say: read models that a rebuild would make otherwise, and whatever the audit knows besides. */
export async function toolContradictions(house: House): Promise<string[]> {
  const tools = [
    ['projections', 'verify', '--all'],
    ['audit', 'verify', '--all'],
  ]
  const results = await Promise.all(tools.map((args) => runCli(args, house.toolEnvironment)))
  return results.flatMap(({ exitCode, stdout, stderr }, index) =>
    exitCode === 0 ? [] : [`opslog ${tools[index]?.join(' ')} says:\n${stdout}${stderr}`],
  )
}

/** The commands that the engine has decided and told the stream of. */
export function publishedDecisions(house: House): string[] {
  const rows = onEngineLog(house, { readOnly: true }, (database) =>
    database
      .prepare(
        `SELECT key FROM inbox JOIN log ON log.account = inbox.account AND log.sequence = inbox.last_sequence
         WHERE log.position <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'published_position')`,
      )
      .all(),
  )
  return rows.map(({ key }) => String(key))
}
